"""The front door beside the general way: the same bytes, in the same order, whatever a connection does."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from fazt.core.config import Address
from fazt.core.errors import NotFound
from fazt.core.http import protocol
from fazt.core.http.front import Reply, encode
from fazt.core.http.held import COPIED
from fazt.core.http.messages import Answer, respond
from fazt.core.http.root import StartedSend
from fazt.core.http.server import Listener, bind
from tests.program import wait_until

ADDED = ((b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"DENY"))
ANSWERS = {
    "/empty": Answer(204, []),
    "/unchanged": Answer(304, [(b"etag", b'"1"')]),
    "/text": Answer(200, [(b"content-type", b"text/plain")], b"hello"),
    "/own": Answer(200, [(b"x-frame-options", b"SAMEORIGIN")], b"framed"),
    "/measured": Answer(200, [(b"content-length", b"5")], b"hello"),
    "/away": Answer(302, [(b"location", b"https://example.org/?a=1#b"), (b"cache-control", b"no-store")]),
    "/said": Answer(200, [(b"content-type", b"text/plain")], b"said"),
    "/large": Answer(200, [], b"x" * 300_000),
}


class Doors:
    """An application with a front for what is in ANSWERS; it is shut or late as a test wants it."""

    def __init__(self) -> None:
        self.is_open = True
        self.is_late = False
        self.late: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self.fronted: list[str] = []
        self.tasked: list[str] = []

    def front(self, scope: dict[str, Any], reply: Reply) -> bool:
        """See Root.front."""
        path: str = scope["path"]
        if not self.is_open or path not in {*ANSWERS, "/fails"}:
            return False
        self.fronted.append(path)
        reply.begin(self, "test", ADDED)  # type: ignore[arg-type] # as much of a Root as it needs
        answer: Callable[[], None] = {
            "/fails": lambda: reply.fail(NotFound("Nothing.")),
            "/said": lambda: reply.say(200, b"content-type: text/plain\r\ncontent-length: 4\r\n", b"said"),
        }.get(path, lambda: reply.answer(ANSWERS[path]))
        if self.is_late:
            self.late.put_nowait(answer)
        else:
            answer()
        return True

    def guarded(self, answer: Any, _kind: str, added: Any) -> Any:
        """See Root.guarded."""

        async def run(scope: dict[str, Any], receive: Any, send: Any) -> None:
            try:
                await answer(scope, receive, StartedSend(send, added))
            except NotFound:
                await respond(send, 404, [], b"Nothing.")

        return run

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """See ASGI 3."""
        self.tasked.append(scope["path"])
        answer = ANSWERS.get(scope["path"], Answer(404, [], b"Nothing."))
        await respond(StartedSend(send, ADDED if scope["path"] in ANSWERS else ()), *answer)


@pytest.fixture
async def doors() -> Doors:
    """The application."""
    return Doors()


@pytest.fixture
async def listener(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listener]:
    """A server of it; idle connections are closed after a fifth of a second."""
    monkeypatch.setattr(protocol, "IDLE_TIMEOUT_S", 0.2)
    monkeypatch.setattr(protocol, "SWEEP_S", 0.05)
    running = Listener(doors, [bind(Address("127.0.0.1", 0))])
    await running.start()
    yield running
    await running.stop()


async def connect(listener: Listener) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the server."""
    return await asyncio.open_connection("127.0.0.1", listener.sockets[0].getsockname()[1])


async def talk(listener: Listener, said: bytes) -> bytes:
    """Send, and read until the server closes; without the dates."""
    reader, writer = await connect(listener)
    writer.write(said)
    try:
        heard = await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()
    return b"\r\n".join(line for line in heard.split(b"\r\n") if not line.startswith(b"date: "))


def ask(path: str, *more: bytes, method: str = "GET", version: str = "1.1", body: bytes = b"") -> bytes:
    """A request as its bytes."""
    lines = [f"{method} {path} HTTP/{version}".encode(), b"Host: x", *more]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


TALKS = [
    *(ask(path, method=method) for path in ANSWERS for method in ("GET", "HEAD")),
    *(ask("/text", version=version) for version in ("1.0", "1.1")),
    ask("/text", b"Connection: keep-alive", version="1.0"),
    ask("/text", b"Connection: close"),
    ask("/said", b"Connection: close"),
    ask("/said", version="1.0"),
    ask("/text", b"Connection: close") + ask("/away"),
    ask("/text", b"Connection: upgrade", b"Upgrade: h2c"),
    ask("/text", b"Expect: 100-continue", body=b"never read"),
    ask("/text", body=b"not for us") + ask("/away"),
    ask("/text", b"Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n" + ask("/away"),
    ask("/text", method="POST", body=b"x") + ask("/away") + ask("/none") + ask("/empty") + ask("/text", method="PUT"),
    ask("/text") * 100,
    ask("/large") * 20 + ask("/away"),
    ask("/none") + ask("/text") * 1_500 + ask("/none") + ask("/away"),
    ask("/%74ext?a=b%00") + ask("//text") + ask("/text/"),
]


@pytest.mark.parametrize("said", TALKS)
async def test_both_doors_say_the_same(doors: Doors, listener: Listener, said: bytes) -> None:
    said += ask("/none", b"Connection: close")  # so that nothing has to wait for the sweep
    by_front = await talk(listener, said)
    assert doors.fronted or b"POST" in said
    doors.is_open = False
    doors.fronted.clear()
    assert by_front == await talk(listener, said)
    assert by_front.startswith(b"HTTP/1.1 ")
    assert not doors.fronted


@pytest.mark.parametrize("garbage", [b"GARBAGE\r\n\r\n", ask("/text", b"X: " + b"a" * protocol.MAX_HEAD_BYTES)])
async def test_garbage_behind_a_request_is_refused_after_its_answer(listener: Listener, garbage: bytes) -> None:
    heard = await talk(listener, ask("/away") + garbage)
    assert heard.startswith(b"HTTP/1.1 302 ")
    assert b"HTTP/1.1 4" in heard


async def test_a_fault_at_the_front_is_answered_by_the_general_way(doors: Doors, listener: Listener) -> None:
    by_front = await talk(listener, ask("/fails") + ask("/text"))
    assert doors.fronted == ["/fails", "/text"]
    doors.is_open = False
    assert by_front == await talk(listener, ask("/fails") + ask("/text"))


async def test_what_comes_after_waits_for_an_answer_that_is_late(doors: Doors, listener: Listener) -> None:
    doors.is_late = True
    reader, writer = await connect(listener)
    writer.write(ask("/away") + ask("/none") + ask("/text"))
    for path in (b"302 Found", b"404 Not Found", b"200 OK"):
        if path != b"404 Not Found":
            answer = await asyncio.wait_for(doors.late.get(), 5)
            assert reader._buffer == b""  # type: ignore[attr-defined]
            answer()
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 " + path)
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    writer.close()


async def test_stopping_waits_for_an_answer_that_is_late(doors: Doors, listener: Listener) -> None:
    doors.is_late = True
    asked = asyncio.create_task(talk(listener, ask("/text")))
    answer = await asyncio.wait_for(doors.late.get(), 5)
    stopping = asyncio.create_task(listener.stop())
    await asyncio.sleep(0.3)  # longer than an idle connection may live
    assert not stopping.done()
    answer()
    assert b"connection: close" in await asked
    await stopping


async def test_an_answer_for_who_has_gone_goes_nowhere(
    doors: Doors, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HALF_CLOSED_S", 0.0)
    doors.is_late = True
    _, writer = await connect(listener)
    writer.write(ask("/text"))
    answer = await asyncio.wait_for(doors.late.get(), 5)
    writer.transport.abort()
    await asyncio.to_thread(wait_until, lambda: not listener.server.server_state.connections)
    answer()
    doors.is_late = False
    assert b"200 OK" in await talk(listener, ask("/text"))


async def test_one_connection_does_not_keep_the_others_waiting(doors: Doors, listener: Listener) -> None:
    await talk(listener, ask("/text") * 200)
    assert len(doors.tasked) == 200 // (protocol.AT_ONCE + 1)


@pytest.mark.parametrize(("method", "sent"), [("GET", True), ("HEAD", False)])
def test_a_large_body_is_not_copied_for_each_who_reads_it_slowly(method: str, sent: bool) -> None:
    large, small = b"x" * (COPIED + 1), b"x" * COPIED
    cycle = SimpleNamespace(scope={"method": method}, keep_alive=True)
    head, body = encode(Answer(200, [], large), (), [], cycle)
    assert head.endswith(b"\r\ncontent-length: 65537\r\n\r\n")
    assert body is large if sent else body == b""
    head, body = encode(Answer(200, [], small), (), [], cycle)
    assert head.endswith(b"\r\n\r\n" + (small if sent else b""))
    assert body == b""


class Letterbox(Doors):
    """An application whose front takes whole bodies: it echoes those that begin with a letter."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    def front(self, scope: dict[str, Any], reply: Reply) -> bool:
        """See Root.front."""
        if not self.is_open or scope["method"] != "POST":
            return False
        reply.begin(self, "test", ADDED)  # type: ignore[arg-type] # as much of a Root as it needs
        return reply.with_body(lambda: self.take(reply))

    def take(self, reply: Reply) -> bool:
        """A front_post."""
        body = reply.body
        self.bodies.append(body)
        if not body[:1].isalpha():
            return False

        def answer() -> None:
            reply.answer(Answer(200, [(b"content-type", b"text/plain")], body))

        if not self.is_late:
            answer()
        else:
            self.late.put_nowait(answer)
        return True

    async def __call__(self, _scope: dict[str, Any], receive: Any, send: Any) -> None:
        """See ASGI 3."""
        body, more = b"", True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            body += message.get("body", b"")
        self.tasked.append(body[:10].decode())
        await respond(StartedSend(send, ADDED), 200, [(b"content-type", b"text/plain")], body)


def post(body: bytes, *more: bytes) -> bytes:
    """A POST as its bytes."""
    return ask("/post", *more, method="POST", body=body)


POSTS = [
    post(b"letter"),
    post(b"letter") + post(b"1") * 3 + post(b"other") + ask("/get"),
    post(b"a" * 60_000) + post(b"b" * 60_001) + post(b"c" * 200_000) + post(b"d"),
    ask("/post", b"Content-Length: 0", method="POST") + ask("/post", method="POST") + post(b"x"),
    ask("/post", b"Transfer-Encoding: chunked", method="POST") + b"3\r\nabc\r\n0\r\n\r\n" + post(b"x"),
    post(b"letter", b"Expect: 100-continue") + post(b"x"),
    post(b"x") * 100,
]


@pytest.fixture
async def letterbox() -> AsyncIterator[tuple[Letterbox, Listener]]:
    """The application and its server."""
    app = Letterbox()
    running = Listener(app, [bind(Address("127.0.0.1", 0))])
    await running.start()
    yield app, running
    await running.stop()


@pytest.mark.parametrize("said", POSTS)
async def test_bodies_are_answered_alike_at_both_doors(letterbox: tuple[Letterbox, Listener], said: bytes) -> None:
    app, listener = letterbox
    said += post(b"end", b"Connection: close")
    by_front = await talk(listener, said)
    assert app.bodies[-1] == b"end"
    assert all(len(body) <= 60_000 for body in app.bodies)
    app.is_open = False
    assert by_front == await talk(listener, said)


async def test_a_body_that_comes_in_pieces_is_waited_for(letterbox: tuple[Letterbox, Listener]) -> None:
    app, listener = letterbox
    reader, writer = await connect(listener)
    for piece in re.findall(
        rb"(?s).{1,7}", post(b"first letter") + post(b"2nd") + post(b"third", b"Connection: close")
    ):
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    heard = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert re.findall(rb"first letter|2nd|third", heard) == [b"first letter", b"2nd", b"third"]
    assert app.tasked == ["2nd"]


async def test_half_a_body_is_nobodys_letter(letterbox: tuple[Letterbox, Listener]) -> None:
    app, listener = letterbox
    reader, writer = await connect(listener)
    writer.write(post(b"first") + post(b"half a letter")[:-3])
    assert (await reader.readuntil(b"first")).startswith(b"HTTP/1.1 200 ")
    writer.write_eof()
    await reader.read()
    writer.close()
    await talk(listener, post(b"whole", b"Connection: close"))
    assert app.bodies == [b"first", b"whole"]
    assert app.tasked == []


async def test_a_late_answer_to_a_body_goes_to_its_own_request(letterbox: tuple[Letterbox, Listener]) -> None:
    app, listener = letterbox
    app.is_late = True
    talking = asyncio.create_task(
        talk(listener, post(b"first") + post(b"second") + post(b"third", b"Connection: close"))
    )
    for _ in range(3):
        (await app.late.get())()
    assert re.findall(rb"first|second|third", await talking) == [b"first", b"second", b"third"]


CYCLE = SimpleNamespace(scope={"method": "GET"}, keep_alive=True)


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("headers", [[(b"x", b"a\r\nb: c")], [(b"content-length", b"3")]])
def test_an_answer_that_is_none_is_a_fault(headers: list[tuple[bytes, bytes]], kind: type) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError):
            encode(Answer(200, kind(headers), b"hello"), (), [], CYCLE)


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_headers_that_many_answers_have_are_those_of_one(answer: Answer) -> None:
    default = [(b"date", b"now")]
    once = encode(answer, ADDED, default, CYCLE)
    for _ in range(2):
        assert encode(answer._replace(headers=tuple(answer.headers)), ADDED, default, CYCLE) == once
