"""Several requests on one connection: each is answered in its turn, and none is made of another's bytes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fazt.core.config import Address
from fazt.core.http import protocol
from fazt.core.http.front import Reply
from fazt.core.http.messages import Answer, read_body, respond
from fazt.core.http.server import Listener, bind
from tests.core.http.test_front import ask, connect, talk
from tests.program import wait_until

HELLO = [b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"]
SOCKET = [
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version: 13",
]


class App:
    """Says what it is sent; `/wait` and what is at the front door wait for `go`, or for the client's end."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked: list[str] = []
        self.gone: list[str] = []
        self.late: list[Reply] = []

    def front(self, scope: dict[str, Any], reply: Reply) -> bool:
        """See Root.front."""
        if scope["path"] != "/late":
            return False
        self.asked.append("/late")
        reply.begin(self, "test", ())  # type: ignore[arg-type] # it never fails here
        self.late.append(reply)
        return True

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """See ASGI 3."""
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        path = scope["path"]
        self.asked.append(path)
        body = b"" if path in {"/wait", "/stream"} else await read_body(scope, receive, 1_000)
        if path == "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"300")]})
        if path in {"/wait", "/stream"}:
            await receive()
            going = asyncio.create_task(self.go.wait())
            leaving = asyncio.create_task(receive())
            await asyncio.wait({going, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                self.gone.append(path)
            for task in (going, leaving):
                task.cancel()
        if path == "/stream":
            await send({"type": "http.response.body", "body": b"x" * 300})
        else:
            await respond(send, 200, [], b"%b %b" % (path.encode(), body))


@pytest.fixture
async def app() -> App:
    """The application."""
    return App()


@pytest.fixture
async def listener(app: App) -> AsyncIterator[Listener]:
    """A server of it."""
    running = Listener(app, [bind(Address("127.0.0.1", 0))])
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def impatient(app: App, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listener]:
    """A server that soon takes those who send no more for gone."""
    for name in ("HALF_CLOSED_S", "QUIET_S", "SWEEP_S"):
        monkeypatch.setattr(protocol, name, 0.05)
    running = Listener(app, [bind(Address("127.0.0.1", 0))])
    await running.start()
    yield running
    await running.stop()


async def until(condition: Any) -> None:
    """Wait without holding up the loop."""
    await asyncio.to_thread(wait_until, condition)


LAST = ask("/last", b"Connection: close")


@pytest.mark.parametrize("head", [HELLO, [b"Connection: keep-alive, upgrade", b"Upgrade: foo/1"], []])
@pytest.mark.parametrize("pieces", [1, 2])
async def test_the_body_of_a_request_that_would_rather_speak_something_else_is_no_request(
    app: App, listener: Listener, head: list[bytes], pieces: int
) -> None:
    inner = ask("/smuggled")
    outer = ask("/post", *head, method="POST", body=inner)
    reader, writer = await connect(listener)
    if pieces == 2:
        writer.write(outer[: -len(inner)])
        await talk(listener, LAST)  # by then the first piece has been read
        outer = inner
    writer.write(outer)
    heard = await reader.readuntil(b"HTTP/1.1\r\nHost: x\r\n\r\n")
    writer.write(LAST)
    heard += await asyncio.wait_for(reader.read(), 5)
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert b"/post " + inner in heard
    assert "/smuggled" not in app.asked
    writer.close()


async def test_what_stands_behind_a_request_that_would_rather_speak_something_else_is_answered(
    listener: Listener,
) -> None:
    last = ask("/last", b"Connection: close, upgrade", b"Upgrade: foo", method="POST", body=b"y")
    heard = await talk(listener, ask("/a", *HELLO) + ask("/b", *HELLO, method="POST", body=b"x") + ask("/c") + last)
    assert [heard.find(b"\r\n\r\n" + said) > 0 for said in (b"/a ", b"/b x", b"/c ", b"/last y")] == [True] * 4
    assert heard.count(b"HTTP/1.1 200 ") == 4


@pytest.mark.parametrize("path", ["/wait", "/late"])
@pytest.mark.parametrize(
    "behind", [b"GARBAGE\r\n\r\n", ask("/x", b"X: " + b"a" * protocol.MAX_HEAD_BYTES), ask("/ws", *SOCKET)]
)
async def test_what_is_refused_is_refused_in_its_turn(app: App, listener: Listener, path: str, behind: bytes) -> None:
    asked = asyncio.create_task(talk(listener, ask(path) + behind + ask("/never")))
    await until(lambda: app.asked)
    done, _ = await asyncio.wait({asked}, timeout=0.1)
    assert not done
    app.go.set()
    for reply in app.late:
        reply.answer(Answer(200, [], b"late"))
    heard = await asyncio.wait_for(asked, 5)
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert heard.count(b"HTTP/1.1 200 ") == 1
    assert heard.count(b"HTTP/1.1 4") == 1
    assert app.asked == [path]


async def test_a_refusal_is_no_part_of_the_answer_before_it(app: App, listener: Listener) -> None:
    asked = asyncio.create_task(talk(listener, ask("/stream") + b"GARBAGE\r\n\r\n"))
    await until(lambda: app.asked)
    app.go.set()
    heard = await asyncio.wait_for(asked, 5)
    assert b"\r\n\r\n" + b"x" * 300 + b"HTTP/1.1 400 " in heard


async def test_a_body_that_is_none_is_refused_where_its_request_would_be_answered(app: App, listener: Listener) -> None:
    broken = ask("/post", b"Transfer-Encoding: chunked", method="POST") + b"zz\r\n"
    assert (await talk(listener, broken)).startswith(b"HTTP/1.1 400 ")
    asked = asyncio.create_task(talk(listener, ask("/wait") + ask("/a") + broken))
    await until(lambda: "/wait" in app.asked)
    app.go.set()
    heard = await asyncio.wait_for(asked, 5)
    assert heard.count(b"HTTP/1.1 200 ") == 2
    assert heard.count(b"HTTP/1.1 400 ") == 1
    assert app.asked.count("/post") <= 1


@pytest.mark.parametrize("behind", [b"", ask("/b"), ask("/b") * 2_000, ask("/late"), b"GARBAGE\r\n\r\n"])
async def test_whoever_is_being_answered_hears_that_the_client_is_gone(
    app: App, impatient: Listener, behind: bytes
) -> None:
    listener = impatient
    _, writer = await connect(listener)
    writer.write(ask("/wait") + behind)
    await until(lambda: app.asked)
    writer.close()
    await until(lambda: app.gone == ["/wait"])
    await until(lambda: not listener.server.server_state.tasks)
    assert app.asked == ["/wait"]


async def test_what_waits_takes_little_room_and_is_answered_in_order(app: App, listener: Listener) -> None:
    count = 4_000
    numbered = b"".join(ask(f"/{number}") for number in range(count))
    asked = asyncio.create_task(talk(listener, ask("/wait") + numbered + LAST))
    await until(lambda: app.asked)
    connection: Any = next(iter(listener.server.server_state.connections))
    await until(lambda: len(connection.unread) > protocol.MAX_HEAD_BYTES)
    assert len(connection.pipeline) < 1_000
    assert len(connection.unread) < 1_000_000
    app.go.set()
    heard = await asyncio.wait_for(asked, 20)
    assert app.asked == ["/wait", *(f"/{number}" for number in range(count)), "/last"]
    assert heard.count(b"HTTP/1.1 200 ") == count + 2


async def test_a_late_answer_goes_nowhere_where_more_was_asked_before_the_client_left(
    app: App, impatient: Listener
) -> None:
    listener = impatient
    _, writer = await connect(listener)
    writer.write(ask("/late") + ask("/b"))
    await until(lambda: app.late)
    writer.close()
    await until(lambda: not listener.server.server_state.connections)
    app.late[0].answer(Answer(200, [], b"late"))
    assert b"/last" in await talk(listener, LAST)
    assert app.asked == ["/late", "/last"]


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: " + b"a" * 300 + b"\r\n\r\n",
        b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
async def test_who_names_two_hosts_is_not_guessed_at(app: App, listener: Listener, head: bytes) -> None:
    assert (await talk(listener, head)).startswith(b"HTTP/1.1 400 ")
    assert app.asked == []


async def test_the_address_may_name_the_host_as_well(listener: Listener) -> None:
    heard = await talk(listener, b"GET http://A:80/abs HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n")
    assert heard.startswith(b"HTTP/1.1 200 ")
    assert heard.endswith(b"/abs ")
