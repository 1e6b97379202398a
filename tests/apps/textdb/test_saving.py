"""Documents that are saved at the front door are those that the general way saves, and are answered alike."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from typing import Any

import pytest

from fazt.apps.textdb import actions
from fazt.apps.textdb.engine import Textdb, textdb_of
from fazt.apps.textdb.model.collection import OWNER, Collection, Rules, Settings
from fazt.apps.textdb.model.query import Query
from fazt.apps.textdb.store.documents import New
from fazt.serve import Running
from tests.apps.links.test_front import opened
from tests.apps.textdb.test_glance import USUAL, ask, bearer, make_people, program, request

__all__ = ["program"]
pytestmark = pytest.mark.filterwarnings("ignore::litestar.exceptions.base_exceptions.LitestarDeprecationWarning")

KINDS = {
    "plain": Settings(),
    "strict": Settings(schema={"type": "object", "required": ["n"]}, max_bytes=120, max_documents=4),
    "club": Settings(rules=Rules(create="members"), owner_field="by"),
    "some": Settings(rules=Rules(create="n >= 5", read="public")),
    "all": Settings(rules=Rules(create="public"), indexes=("n",), search=("*",), events="each"),
    "ends": Settings(ttl_seconds=1_000),
}
BODIES = [
    b'{"id": "a", "n": 1}', b'{"id":"a","n":2}', b'{"id": 7, "n": 7, "big": 123456789012345678901234567890, "f": 1.50}',
    b' {"id":"\xc3\xa9 /", "n": 1}', b'{"id":"\xc3\xa9 ?", "n": 9,\r\n "\\u0061": "\\u0000"}', b'{"id": "b", "n": "x"}',
    b'{"id": "_x"}', b'{"id": true}', b"", b"{", b"NaN", b'{"a":1,"a":2}', b"\xff",
    b'"\\ud800"', b'{"id":1.5}', b"[" * 200,
    b'\xef\xbb\xbf{"id": "bom", "n": 1}', b'{"id": "long", "n": 1, "t": "' + b"x" * 200 + b'"}', b'{"id": "c", "n": 5}',
    b'{"id": "d", "by": "somebody", "n": 6}', b'{"id": "e", "by": null, "n": 6}', b'{"id": "f", "n": 6, "by": 1}',
]  # fmt: skip


def post(path: str, body: bytes, *headers: bytes) -> bytes:
    """A POST as its bytes."""
    size = b"Content-Length: %d" % len(body)
    return request(path, b"Content-Type: application/json", size, *headers, method="POST") + body


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many documents the front door took, by collection."""
    found: Counter[str] = Counter()
    save = Textdb.save

    def counted(self: Textdb, new: New, *told: Any) -> None:
        found[new.collection.name] += 1
        save(self, new, *told)

    monkeypatch.setattr(Textdb, "save", counted)
    return found


async def state_of(program: Running, name: str) -> tuple[Any, ...]:
    """All that a collection holds, and its feed."""
    page = await actions.list_page(program.core, name, Query(), OWNER)
    feed = await actions.read_changes(program.core, name, 0, OWNER, limit=1_000)
    texts = [(document.key, document.text, document.seq, document.user_id) for document in page.documents]
    return texts, page.total, page.seq, [(entry.seq, entry.id, entry.text) for entry in feed.entries]


async def test_both_doors_save_and_answer_alike(program: Running, taken: Counter[str]) -> None:
    core = program.core
    tokens = await core.db.write(make_people, core.clock())
    rw, member = bearer(tokens["rw"][1].secret), bearer(tokens["member"][1].secret)
    who: list[tuple[bytes, ...]] = [(rw,), (member,), (bearer(tokens["held"][1].secret),), (USUAL,)]
    who += [(rw, b"Origin: https://app.example"), (bearer("fazt_" + "a" * 32),), (member, b"Accept: text/html")]

    async def general(scope: Any, receive: Any, send: Any) -> None:
        await program.root(scope, receive, send)

    asked: list[bytes] = []
    said, states = [], []
    for side, app in (("alpha", program.root), ("omega", general)):
        asked = []
        for kind, settings in KINDS.items():
            name = f"{kind}-{side}"
            await actions.configure(core, name, settings)
            await textdb_of(core).find(name)
            asked += [post(f"/db/{name}", body, *headers) for headers in who for body in BODIES]
            asked += [post(f"/db/{name}{tail}", BODIES[0], rw) for tail in ("/", "?_ttl=9", "?x=1", "/_restore", "?")]
            asked += [post(f"/db/{name}-none", BODIES[0], member), post(f"/%64b/{name}", b'{"id": "z", "n": 9}', rw)]
        said.append([answer.replace(side.encode(), b"side") for answer in await ask(app, asked)])
        states.append([await state_of(program, f"{kind}-{side}") for kind in KINDS])
    for request_, left, right in zip(asked, *said, strict=True):
        assert left == right, request_
    assert states[0] == states[1]
    assert {answer[:3] for answer in said[0]} >= {b"201", b"400", b"401", b"403", b"409", b"413", b"507"}
    assert taken.total() > 100


async def test_documents_that_come_together_each_get_their_own_answer(program: Running, taken: Counter[str]) -> None:
    tokens = await program.core.db.write(make_people, program.core.clock())
    owner = bearer(tokens["rw"][1].secret)

    async def save(port: int, client: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        bodies = [f'{{"id": "{client}-{n % 30}", "n": {n}}}'.encode() for n in range(40)]
        for body in bodies:
            writer.write(post("/db/mine", body, owner))
        for body in bodies:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            size = re.search(r"content-length: (\d+)", head)
            assert size
            answer = await reader.readexactly(int(size[1]))
            if json.loads(body)["n"] < 30:
                assert (head[9:12], answer) == ("201", body)
                assert f"location: /db/mine/{json.loads(body)['id']}\r\n" in head
            else:
                assert head[9:12] == "409"
        writer.close()

    async with opened(program.root) as port:
        await asyncio.gather(*(save(port, client) for client in range(8)))
    texts, total, *_ = await state_of(program, "mine")
    assert total == 5 + 8 * 30
    assert len(texts) == 100
    assert taken["mine"] > 200


async def test_a_collection_that_was_changed_meanwhile_is_looked_up_anew(program: Running, taken: Counter[str]) -> None:
    core = program.core
    tokens = await core.db.write(make_people, core.clock())
    textdb = textdb_of(core)
    old = await textdb.find("mine")
    assert isinstance(old, Collection)
    await actions.configure(core, "mine", Settings(schema={"type": "object", "required": ["n"]}))
    textdb._collections["mine"] = old  # as where the change was committed a moment ago
    asked = [post("/db/mine", body, bearer(tokens["rw"][1].secret)) for body in (b'{"n": 1}', b"{}", b'{"n": 2}')]
    answers = await ask(program.root, asked)
    assert [answer[:3] for answer in answers] == [b"201", b"400", b"201"]
    assert taken["mine"] == 3
