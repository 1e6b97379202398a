"""Connections that leave uvicorn, with real clients over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
import websockets

from fazt.core.config import Address
from fazt.core.http.server import Listener, bind
from fazt.core.http.takeover import Taken, take_over


class Greeter(Taken):
    """Says what it was made with, then what it hears."""

    __slots__ = ("greeting",)
    ended: ClassVar[asyncio.Queue[str]]

    def __init__(self, greeting: bytes) -> None:
        self.greeting = greeting

    def taken(self) -> None:
        self.transport.write(self.greeting)

    def data_received(self, data: bytes) -> None:
        self.transport.write(b"\x81\x04echo")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.ended.put_nowait("lost")


@pytest.fixture
async def server() -> AsyncIterator[Listener]:
    """A server that hands every connection over."""

    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            take_over(scope, Greeter(b"\x81\x02hi"))
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        take_over(scope, Greeter(b"2\r\nhi\r\n"))

    Greeter.ended = asyncio.Queue()
    listener = Listener(answer, [bind(Address("127.0.0.1", 0))])
    await listener.start()
    yield listener
    await listener.stop()


def port_of(server: Listener) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


async def test_a_stream_of_http_is_taken_over(server: Listener) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert await reader.readexactly(7) == b"2\r\nhi\r\n"
    assert len(server.server.server_state.tasks) == 0, "the request has ended, the connection has not"
    assert len(server.server.server_state.connections) == 1
    writer.close()
    await writer.wait_closed()
    async with asyncio.timeout(5):
        await Greeter.ended.get()
    assert len(server.server.server_state.connections) == 0


async def test_a_request_behind_it_neither_breaks_nor_ends_the_stream(server: Listener) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    writer.write(2 * b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    assert await reader.readexactly(7) == b"2\r\nhi\r\n"
    writer.write(b"?")
    assert await reader.readexactly(6) == b"\x81\x04echo"
    writer.close()
    async with asyncio.timeout(5):
        await Greeter.ended.get()


async def test_a_websocket_is_taken_over_without_extensions(server: Listener) -> None:
    async with websockets.connect(f"ws://127.0.0.1:{port_of(server)}/", close_timeout=0.1) as socket:
        assert socket.protocol.extensions == []
        assert await socket.recv() == "hi"
        await socket.send("?")
        assert await socket.recv() == "echo"
        assert len(server.server.server_state.tasks) == 0


async def test_stopping_ends_what_was_taken_over(server: Listener) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await reader.readuntil(b"hi\r\n")
    await server.stop()
    assert await reader.read() == b""
    async with asyncio.timeout(5):
        await Greeter.ended.get()
    writer.close()
