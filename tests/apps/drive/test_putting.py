"""Files that are put at the front door are those that the general way puts, and are answered alike."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from fazt.apps.drive.engine import Drive
from fazt.apps.drive.schema import node, space, version
from fazt.core.auth import store as people
from fazt.core.config import read_config
from fazt.core.events.schema import event
from fazt.serve import Running, running
from tests.apps.links.test_front import opened

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.base_exceptions.LitestarDeprecationWarning")

NOW = 1_800_000_000_000
LOCK = (
    b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope>'
    b"<D:locktype><D:write/></D:locktype></D:lockinfo>"
)
SHA1 = hashlib.sha1(b"hello", usedforsecurity=False).hexdigest().encode()
PATHS = [
    "files/a.txt", "files/a.txt", "files/b/c.txt", "files/b/c/d.txt", "files/b", "files/b/", "files/new/", "files",
    "files/", "", "files//b//e.txt", "files/%61.txt", "files/a.txt?x=1", "files/%C3%A9.txt", "files/e%CC%81.txt",
    "files/%E9.txt", "files/%zz", "files/%00", "files/%2F", "files/a%2Fb.txt", "files/..", "files/../x",
    "files/%2e%2e/x", "files/.", "files/" + "n" * 255, "files/" + "n" * 256, "files/a.txt/below.txt",
    "files/nothing/x.txt", "shared/none/x", "shared/team/x.txt", "sites/none/x", "sites/x", "uploads/x/y", "none/x",
    "files/" + "d/" * 600 + "x", "files/locked.txt", "files/locked/x.txt", "Files/x.txt", "files/.DS_Store",
    "files/a%25b.txt",
]  # fmt: skip
BODIES = [b"", b"hello", b"other", b"x" * 50_000, b"y" * 70_000, b"z" * 140_000]
HEADERS: list[tuple[bytes, ...]] = [
    (b"X-OC-Mtime: 1700000000",), (b"X-OC-Mtime: soon",), (b"X-OC-Mtime: 253402300799.9",),
    (b"X-OC-Mtime: 99999999999999",), (b"X-OC-Mtime: -5",), (b"X-OC-Mtime: nan",),
    (b"X-OC-CTime: 1600000000", b"X-OC-Mtime: 1700000000.5"),
    (b"OC-Checksum: SHA1:" + SHA1,), (b"OC-Checksum: SHA1:" + b"0" * 40,), (b"OC-Checksum: nonsense",),
    (b"OC-Checksum: SHA1:" + SHA1, b"OC-Checksum: SHA1:" + b"0" * 40), (b"Content-MD5: XUFAKrxLKna5cZ2REBfFkg==",),
    (b"Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==",), (b"If-None-Match: *",), (b'If-Match: "1"',), (b"If: (<urn:x>)",),
    (b'If: ([W/"x"])',), (b"If: nonsense",), (b"If-Unmodified-Since: Tue, 14 Nov 2023 22:13:20 GMT",),
    (b"Content-Range: bytes 0-4/5",), (b"Range: bytes=0-1",), (b"Overwrite: F",), (b"Expect: 100-continue",),
    (b"X-Expected-Entity-Length: 5",), (b"OC-Total-Length: 5",), (b"Content-Encoding: gzip",), (b"Lock-Token: <x>",),
    (b"Accept: application/problem+json",), (b"Accept: text/html", b"Origin: https://other.example"),
    (b"Cookie: fazt=x",), (b"Transfer-Encoding: chunked",), (b"X-Whatever: 1",), (b"User-Agent: rclone/v1.6",),
    (b"X-Forwarded-For: 203.0.113.9", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: localhost"),
]  # fmt: skip


def basic(login: str, secret: str) -> bytes:
    """The header of a login."""
    return b"Authorization: Basic " + base64.b64encode(f"{login}:{secret}".encode())


def put(path: str, body: bytes, *headers: bytes, method: str = "PUT", host: str = "localhost") -> bytes:
    """A request as its bytes."""
    lines = [f"{method} /dav/{path} HTTP/1.1".encode(), b"Host: " + host.encode(), *headers]
    if b"Transfer-Encoding: chunked" in headers:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def ask(app: Any, requests: list[bytes]) -> list[bytes]:
    """Ask one after the other, on a connection as long as it lives; the answers, without what is drawn."""
    said = []
    async with opened(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in requests:
            writer.write(request)
            try:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            except (asyncio.IncompleteReadError, ConnectionError):  # the answer before was the last of its connection
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(request)
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
            if head.startswith(b"HTTP/1.1 100"):
                head = await reader.readuntil(b"\r\n\r\n")
            size = re.search(rb"content-length: (\d+)", head)
            answer = head + (await reader.readexactly(int(size[1])) if size else b"")
            said.append(re.sub(rb"\r\ndate: [^\r]*|urn:uuid:[-0-9a-f]*|retry-after: \d+", b"", answer))
        writer.close()
    return said


@pytest.fixture
async def programs(template_file: Path, tmp_path: Path) -> AsyncIterator[list[Running]]:
    """Two clouds that are alike, in this process, where time stands still."""
    async with AsyncExitStack() as stack:
        found = []
        for name in ("front", "general"):
            (tmp_path / name).mkdir()
            data = tmp_path / name / "data.db"
            shutil.copy(template_file, data)
            config = read_config({}, {"FAZT_DATA": str(data), "FAZT_LISTEN": "127.0.0.1:0"})
            program = await stack.enter_async_context(running(config))
            program.core.clock = lambda: NOW
            found.append(program)
        yield found


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many files the front door took, by their names."""
    found: Counter[str] = Counter()
    real = Drive.put_soon

    def counted(self: Drive, *given: Any) -> None:
        found[given[0].segments[-1]] += 1
        real(self, *given)

    monkeypatch.setattr(Drive, "put_soon", counted)
    return found


def make_people(conn: Connection, now: int) -> dict[str, Any]:
    """Tokens of the owner and of a member, each with its id and whose it is."""
    owner = people.create_owner(conn, email="o@example.org", password_hash="x", now=now, handle="boss")
    member = people.create_user(conn, email="m@example.org", password_hash="x", now=now)
    wanted = {
        "all": (owner, None),
        "rw": (owner, {"drive:rw"}),
        "read": (owner, {"drive:read"}),
        "other": (owner, {"textdb:rw"}),
        "member": (member, {"drive:rw"}),
    }
    return {
        name: (user.id, people.create_token(conn, user.id, name=name, scopes=scopes, now=now))
        for name, (user, scopes) in wanted.items()
    }


def doors_of(programs: list[Running]) -> list[Any]:
    """The first by its front door, the second by the general way alone."""
    last = programs[1]

    async def general(scope: Any, receive: Any, send: Any) -> None:  # has no attribute `front`
        await last.root(scope, receive, send)

    return [programs[0].root, general]


def dump(conn: Connection) -> list[Any]:
    """All that is in the drive, its versions and what it told."""
    columns = [[one for one in table.c if one.name != "saved_by"] for table in (node, version)]
    rows = [list(map(tuple, conn.execute(select(*some).order_by(some[0])))) for some in columns]
    spaces = conn.execute(select(space.c.id, space.c.kind, space.c.used, space.c.kept, space.c.seq))
    told = conn.execute(select(event.c.name, event.c.key).where(event.c.name.like("drive.%")).order_by(event.c.id))
    return [*rows, list(map(tuple, spaces)), list(map(tuple, told))]


def requests_of(tokens: dict[str, Any]) -> list[bytes]:
    """Everything that is asked of both."""
    secret = {name: made.secret for name, (_, made) in tokens.items()}
    owner = basic("o@example.org", secret["rw"])
    asked = [put(f"files/{name}/", b"", owner, method="MKCOL") for name in ("b", "locked")]
    asked += [put("files/x", b"1", owner), put("files/locked.txt", b"1", owner)]
    who: list[tuple[bytes, ...]] = [(owner,), (b"Authorization: Bearer " + secret["all"].encode(),), ()]
    who += [(basic(login, secret["rw"]),) for login in ("", "boss", "HOST\\O@EXAMPLE.org", "m@example.org", "none")]
    who += [(basic("", secret[name]),) for name in ("read", "other", "member")]
    who += [(basic("o@example.org", "fazt_" + "a" * 32),), (b"Authorization: Bearer",), (b"Authorization: Basic !",)]
    who += [(b"Authorization: Digest x",), (owner, b"Authorization: Bearer x"), (owner, owner)]
    for headers in who:
        asked += [put(path, body, *headers) for path in ("files/x", "files/b/y", "files/b") for body in BODIES[:3]]
    asked += [put(path, b"hello", owner) for path in PATHS]
    asked += [put("files/sized.bin", body, owner) for body in BODIES]
    for headers in HEADERS:
        asked += [put(path, b"hello", owner, *headers) for path in ("files/headed.txt", "files/b", "files/no/x")]
    asked += [put(f"files/{name}", LOCK, owner, method="LOCK") for name in ("locked.txt", "locked", "null.txt")]
    everybody = [owner, basic("", secret["all"]), basic("", secret["member"])]
    asked += [put(path, b"hello", who) for who in everybody for path in (*PATHS, "files/null.txt")]
    return asked


async def test_both_doors_put_and_answer_alike(programs: list[Running], taken: Counter[str]) -> None:
    asked: list[bytes] = []
    said, states = [], []
    for program, app in zip(programs, doors_of(programs), strict=True):
        asked = requests_of(await program.core.db.write(make_people, NOW))
        said.append(await ask(app, asked))
        states.append(await program.core.db.read(dump))
    for request, left, right in zip(asked, *said, strict=True):
        assert left == right, request[:300]
    for left_rows, right_rows in zip(*states, strict=True):
        assert left_rows == right_rows
    codes = {answer[9:12] for answer in said[0]}
    assert codes >= {b"201", b"204", b"400", b"401", b"403", b"404", b"405", b"409", b"412", b"423"}
    assert taken.total() > 100
    assert taken.keys() >= {"a.txt", "c.txt", "headed.txt", "locked.txt", "b", "é.txt", "sized.bin"}


async def test_a_full_drive_and_a_full_disk_say_so_at_both_doors(programs: list[Running], taken: Counter[str]) -> None:
    said, states = [], []
    for program, app in zip(programs, doors_of(programs), strict=True):
        core = program.core
        tokens = await core.db.write(make_people, NOW)
        owner = basic("", tokens["rw"][1].secret)
        await core.settings.put("drive.quota_mb", 1, 1)
        asked = [put(f"files/{n}", b"%050000d" % n, owner) for n in range(24)] + [put("files/3", b"small", owner)]
        asked += [put("files/24", b"%050000d" % 24, owner, b"Accept: application/problem+json")]
        answers = await ask(app, asked)
        await core.settings.put("drive.quota_mb", 0, 1)

        def fill(conn: Connection) -> None:
            pages = conn.exec_driver_sql("PRAGMA page_count").scalar()
            conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        await core.db.write(fill)
        answers += await ask(app, [put(f"files/full-{n}", b"%050000d" % -n, owner) for n in range(1, 9)])
        said.append(answers)
        states.append(await core.db.read(dump))
    assert said[0] == said[1]
    assert states[0] == states[1]
    assert [answer[9:12] for answer in said[0]].count(b"507") >= 5
    assert said[0][-1][9:12] == b"507"
    assert b"disk of this server is full" in said[0][-1]
    assert taken.total() > 20


async def test_who_lost_their_token_is_not_let_in_by_memory(programs: list[Running], taken: Counter[str]) -> None:
    program = programs[0]
    core = program.core
    tokens = await core.db.write(make_people, NOW)
    user_id, made = tokens["rw"]
    asked = [put("files/a", b"%d" % n, basic("", made.secret)) for n in range(8)]
    assert [answer[9:12] for answer in await ask(program.root, asked)] == [b"201"] + [b"204"] * 7
    before = taken["a"]
    assert before > 3
    (token_id,) = [one.id for one in await core.db.read(people.list_tokens, user_id) if one.name == "rw"]
    await core.db.write(people.delete_token, user_id, token_id)
    assert [answer[9:12] for answer in await ask(program.root, asked)] == [b"401"] * 8
    assert taken["a"] == before


async def test_files_that_come_together_each_get_their_own_answer(programs: list[Running], taken: Counter[str]) -> None:
    program = programs[0]
    tokens = await program.core.db.write(make_people, NOW)
    owner = basic("", tokens["rw"][1].secret)
    await ask(program.root, [put("files/first", b"1", owner)])

    async def save(port: int, client: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        bodies = [b"%d of %d" % (n, client) for n in range(40)]
        for n, body in enumerate(bodies):  # all at once, every fifth where no folder is
            writer.write(put(f"files/{'no/' * (n % 5 == 4)}{client}-{n % 30}", body, owner))
        for n, body in enumerate(bodies):
            head = await reader.readuntil(b"\r\n\r\n")
            size = re.search(rb"content-length: (\d+)", head)
            await reader.readexactly(int(size[1]) if size else 0)
            assert head[9:12] == (b"409" if n % 5 == 4 else b"201" if n < 30 else b"204")
            if n % 5 != 4:
                assert b'\r\netag: "%b"\r\n' % hashlib.sha256(body).hexdigest()[:32].encode() in head
        writer.close()

    async with opened(program.root) as port:
        await asyncio.gather(*(save(port, client) for client in range(8)))
    assert taken.total() > 200
