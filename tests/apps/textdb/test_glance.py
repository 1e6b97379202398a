"""What is answered by a glance at the front door is what the general way answers, whatever has changed in between."""

from __future__ import annotations

import asyncio
import random
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from fazt.apps.textdb import actions
from fazt.apps.textdb.model.collection import OWNER, Rules, Settings
from fazt.apps.textdb.model.document import Conditions
from fazt.apps.textdb.model.jsontext import read
from fazt.apps.textdb.routes import db as routes
from fazt.apps.textdb.routes.glance import glance
from fazt.apps.textdb.store.documents import to_body
from fazt.core.auth import store as people
from fazt.core.config import read_config
from fazt.core.db import looking
from fazt.core.errors import NotFound
from fazt.serve import Running, running
from tests.apps.links.test_front import opened

pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.base_exceptions.LitestarDeprecationWarning")

NONE = Conditions()
COLLECTIONS = {
    "mine": Settings(indexes=("n", "status,-n")),
    "open": Settings(rules=Rules(read="public"), cors=("https://app.example",)),
    "club": Settings(rules=Rules(read="members")),
    "some": Settings(rules=Rules(read="n >= 5"), indexes=("n",)),
    "own": Settings(rules=Rules(read="mine"), owner_field="by"),
    "ends": Settings(ttl_seconds=1_000),
}
BODIES = {
    "a": '{"n": 1, "status": "open", "big": 123456789012345678901234567890, "z": 1.50}',
    "1": '{"n": 10, "status": "shut", "é": "\\u0000ü"}',
    "x y": '{"n":5,"status":"open"}',
    "é": "[1, 2]",
    "plus+": '"text"',
    "_": "{}",
}
PATHS = [
    *(f"/{id_}" for id_ in ("a", "1", "01", "x%20y", "%C3%A9", "%E9", "plus+", "plus%2B", "_", "_history", "%61")),
    "/a/", "/a?", "/a?_meta=true", "/a?x=1", "/a/_history", "/%00", "/%7F", "/" + "b" * 300, "/nothing", "/a%2Fb",
    "", "/", "?", "?_limit=2", "?_page=2&_limit=1", "?_page=9&_limit=2", "?_limit=0", "?_page=1&_limit=0", "?_x=1",
    "?n=10", "?n_gte=1&_sort=-n", "?status=open&n_gte=1&_sort=-n&_page=1&_limit=30", "?status=open&_sort=z", "?q=open",
    "?status=open&_count=false", "?n=1&_fields=big", "?_meta=true", "?_cursor=", "?_cursor=&_sort=n&_limit=1", "?%FF",
    "?where=n%3E1", "?where=n==@role", "?where=(", "?_sort=@seq&_limit=3", "?_sort=-id", "?id=a", "?id_gte=a",
    "?n=1&n=10&_limit=1&_page=2", "?_start=1&_end=3", "?at=2020-01-01T00:00:00Z", "?n=%C3%BC", "?_sort=n&_sort=status",
    "?_limit=5000", "?_page=0", "?z_gt=1",
]  # fmt: skip
USUAL = b"Accept: */*"


@pytest.fixture
async def program(template_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """A cloud in this process, with collections of each kind."""
    monkeypatch.setattr(looking, "BRIEF_S", 60.0)  # a busy machine may be away for longer than a look
    shutil.copy(template_file, tmp_path / "data.db")
    async with running(
        read_config({}, {"FAZT_DATA": str(tmp_path / "data.db"), "FAZT_LISTEN": "127.0.0.1:0"})
    ) as found:
        for name, settings in COLLECTIONS.items():
            await actions.configure(found.core, name, settings)
            for id_, text in BODIES.items():
                if id_ != "_":
                    await put(found, name, id_, text)
        yield found


async def put(program: Running, name: str, id_: str, text: str) -> None:
    """Write a document as the owner."""
    text, value = read(text.encode())
    body = to_body(value)
    await actions.put(program.core, name, id_, type(body)(text, value, body.id), OWNER, NONE)


def make_people(conn: Connection, now: int) -> dict[str, Any]:
    """Tokens of the owner and of a member, each with its id and whose it is."""
    owner = people.create_owner(conn, email="o@example.org", password_hash="x", now=now)
    member = people.create_user(conn, email="m@example.org", password_hash="x", now=now)
    wanted = {
        "all": (owner, None),
        "rw": (owner, {"textdb:rw"}),
        "one": (owner, {"textdb:read:mine", "textdb:write:open"}),
        "write": (owner, {"textdb:write"}),
        "other": (owner, {"drive:rw"}),
        "member": (member, None),
        "held": (member, {"textdb:read:club"}),
    }
    return {
        name: (user.id, people.create_token(conn, user.id, name=name, scopes=scopes, now=now))
        for name, (user, scopes) in wanted.items()
    }


def request(path: str, *headers: bytes, method: str = "GET") -> bytes:
    """A request as its bytes."""
    return b"\r\n".join([f"{method} {path} HTTP/1.1".encode("latin-1"), b"Host: localhost", *headers]) + b"\r\n\r\n"


async def ask(app: Any, requests: list[bytes]) -> list[bytes]:
    """Ask all of it over one connection; the answers, without dates."""
    async with opened(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"".join(requests) + request("/health", b"Connection: close"))
        said = await asyncio.wait_for(reader.read(), 60)
        writer.close()
    answers = re.sub(rb"\r\n(date|retry-after): [^\r]*", b"", said).split(b"HTTP/1.1 ")[1:-1]
    assert len(answers) == len(requests)
    return answers


def bearer(secret: str) -> bytes:
    """The header of a token."""
    return b"Authorization: Bearer " + secret.encode()


class Doors:
    """The same program by its front door and by the general way, and how many requests a glance has answered."""

    def __init__(self, program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = program.root
        self.taken = 0
        real = glance

        def counted(*given: Any) -> bool:
            found = real(*given)
            self.taken += found
            return found

        monkeypatch.setattr(routes, "glance", counted)

    async def general(self, scope: Any, receive: Any, send: Any) -> None:
        """An application without a front."""
        await self.root(scope, receive, send)

    async def compare(self, requests: list[bytes]) -> list[bytes]:
        """Ask by both, the front door before and after the general way has looked; the answers."""
        first, answers, again = [await ask(app, requests) for app in (self.root, self.general, self.root)]
        for asked, answer, *fronted in zip(requests, answers, first, again, strict=True):
            assert fronted == [answer, answer], asked
        return answers


async def test_both_doors_answer_alike(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = await program.core.db.write(make_people, program.core.clock())
    doors = Doors(program, monkeypatch)
    owner = bearer(tokens["rw"][1].secret)
    asked = [request(f"/db/{name}{path}", owner) for name in ("mine", "open") for path in PATHS]
    asked += [request(f"/db/mine{path}", owner, method="HEAD") for path in PATHS]
    asked += [request(path, owner) for path in ("/%64b/mine?_page=1&_limit=1", "/db", "/db/", "/db/none", "/db/none/a")]
    asked += [request("/db/mine?_page=1&_limit=1", owner)]
    answers = await doors.compare(asked)
    assert sum(answer.startswith(b"200 ") for answer in answers) > 100
    assert doors.taken > 110


async def test_whoever_asks_hears_the_same_at_both_doors(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = await program.core.db.write(make_people, program.core.clock())
    doors = Doors(program, monkeypatch)
    who: list[tuple[bytes, ...]] = [(bearer(issued.secret),) for _, issued in tokens.values()]
    owner = bearer(tokens["all"][1].secret)
    who += [
        (USUAL,),
        (bearer("fazt_" + "a" * 32),),
        (b"Authorization: Basic eDp5",),
        (b"Authorization: bEARER  " + tokens["rw"][1].secret.encode() + b" ", USUAL),
        (b"Authorization: nonsense", owner),
        (b"Authorization:", owner),
        (owner, b"Origin: https://app.example"),
        (owner, b'If-None-Match: "1", W/"x"'),
        (owner, b"If-None-Match: *"),
        (b"Cookie: fazt=" + b"a" * 32, owner),
        (b"Accept: text/html", owner),
    ]
    paths = ["/a", "/nothing", "", "?n_gte=2", "?n_gte=2&_sort=-n&_page=1&_limit=2"]
    asked = [request(f"/db/{name}{path}", *headers) for name in COLLECTIONS for path in paths for headers in who]
    answers = await doors.compare(asked)
    codes = {answer[:3] for answer in answers}
    assert {b"200", b"304", b"401", b"404"} <= codes
    assert doors.taken > 100


async def test_a_glance_sees_every_change_at_once(program: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    core, chance = program.core, random.Random(7)
    tokens = await core.db.write(make_people, core.clock())
    doors = Doors(program, monkeypatch)
    paths = ["/a", "/1", "", "?n_gte=2&_sort=-n", "?status=open&_sort=-n&_page=1&_limit=2", "?_page=1&_limit=2"]
    asked = [
        request(f"/db/{name}{path}", *headers)
        for name in ("mine", "club", "some")
        for path in paths
        for headers in ([bearer(tokens["one"][1].secret)], [bearer(tokens["member"][1].secret)], [USUAL])
    ]
    rules = ["owner", "public", "members", "n >= 5", "n >= 2"]

    async def change() -> None:
        name, id_ = chance.choice(["mine", "club", "some"]), chance.choice(["a", "1", "new"])
        match chance.randrange(5):
            case 0 | 1:
                state = chance.choice(["open", "shut"])
                await put(program, name, id_, f'{{"n": {chance.randrange(10)}, "status": "{state}"}}')
            case 2:
                await actions.configure(core, name, Settings(rules=Rules(read=chance.choice(rules)), indexes=("n",)))
            case 3:
                await actions.configure(core, name, Settings(rules=Rules(read=chance.choice(rules))))
            case _:
                try:
                    await actions.delete(core, name, id_, OWNER, NONE)
                except NotFound:
                    await put(program, name, id_, '{"n": 3, "status": "open"}')

    for _ in range(7):
        await change()
        await doors.compare(asked)
    for name in ("one", "member"):
        user_id, issued = tokens[name]
        await core.db.write(people.delete_token, user_id, issued.id)
        await doors.compare(asked)
    assert doors.taken > 50


async def test_totals_follow_the_rules(program: Running) -> None:
    core = program.core
    asked = [request("/db/some?n_gte=1")]
    for rule, total in (("n >= 5", b"2"), ("public", b"3"), ("n >= 10", b"1")):
        await actions.configure(core, "some", Settings(rules=Rules(read=rule)))
        for answer in await ask(program.root, asked * 3):
            assert b"x-total-count: %b\r\n" % total in answer


async def test_a_list_that_turns_out_to_be_long_is_read_elsewhere(
    program: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(100):
        await put(program, "open", f"n{n}", f'{{"n": {n}, "status": "open"}}')
    await actions.configure(program.core, "open", Settings(rules=Rules(read="public"), indexes=("status",)))
    doors = Doors(program, monkeypatch)
    asked = [request("/db/open?status=open&n_lt=0&_limit=3")] * 3
    await doors.compare(asked)
    assert doors.taken > 0
    monkeypatch.setattr(looking, "BRIEF_S", 0.0)
    doors.taken = 0
    await doors.compare(asked)
    assert doors.taken == 0


async def test_a_document_that_has_expired_is_gone_at_both_doors(
    program: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    await actions.configure(program.core, "ends", Settings(rules=Rules(read="public"), ttl_seconds=1_000))
    doors = Doors(program, monkeypatch)
    asked = [request("/db/ends/a"), request("/db/ends")]
    there = await doors.compare(asked)
    later = program.core.clock() + 1_001_000
    monkeypatch.setattr(program.core, "clock", lambda: later)
    gone = await doors.compare(asked)
    assert [answer[:3] for answer in (*there, *gone)] == [b"200", b"200", b"404", b"200"]
    assert gone[1].endswith(b"[]")
