"""The limits of the HTTP server, with raw bytes over real sockets."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fazt.core.config import Address
from fazt.core.http import protocol
from fazt.core.http.messages import respond_text, stream_body
from fazt.core.http.server import Listener, bind, bind_local

Seen = list[str]


@pytest.fixture
async def seen() -> Seen:
    """What the application under the server has noted."""
    return []


@pytest.fixture
async def port(seen: Seen, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server that answers with the size of the body it got; its limits are a tenth of a second."""
    for name in ("HEAD_TIMEOUT_S", "IDLE_TIMEOUT_S", "BODY_TIMEOUT_S", "SWEEP_S"):
        monkeypatch.setattr(protocol, name, 0.1)

    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            seen.append("begun")
            await asyncio.sleep(0.4)
        size = 0
        try:
            async for piece in stream_body(scope, receive, 1_000_000):
                size += len(piece)
        except Exception as error:
            seen.append(type(error).__name__)
            raise
        await respond_text(send, 200, f"{size} bytes")
        seen.append("answered")

    listener = Listener(answer, [bind(Address("127.0.0.1", 0))])
    chosen = listener.sockets[0].getsockname()[1]
    await listener.start()
    yield chosen
    await listener.stop()


async def talk(port: int, *pieces: bytes) -> bytes:
    """Send, and read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def test_a_request_is_answered_and_an_idle_connection_is_closed(port: int) -> None:
    answer = await talk(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"3 bytes")


async def test_a_head_that_is_too_large_is_refused(port: int) -> None:
    answer = await talk(port, b"GET / HTTP/1.1\r\nX: " + b"a" * protocol.MAX_HEAD_BYTES + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_fragment_is_refused_and_not_cut_off(port: int, seen: Seen) -> None:
    answer = await talk(port, b"DELETE /a#b HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert seen == []


async def test_too_many_headers_are_refused(port: int) -> None:
    answer = await talk(port, b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * (protocol.MAX_HEADERS + 2) + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 431 ")


async def test_a_head_that_never_ends_is_cut_off(port: int) -> None:
    assert (await talk(port, b"GET / HTTP/1.1\r\nHost: x\r\n")).startswith(b"HTTP/1.1 408 ")


async def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    assert await talk(port) == b""


async def test_a_body_that_stops_coming_ends_the_request_and_nothing_is_answered(port: int, seen: Seen) -> None:
    with suppress(ConnectionError):
        assert await talk(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc") == b""
    assert seen[-1:] == ["ClientGone"]


async def test_a_slow_answer_is_not_the_clients_fault(port: int) -> None:
    answer = await talk(port, b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
async def test_garbage_is_refused(port: int, garbage: bytes) -> None:
    assert (await talk(port, garbage)).startswith(b"HTTP/1.1 400 ")


async def test_two_requests_at_once_are_answered_in_order(port: int) -> None:
    one = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"
    two = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
    answer = await talk(port, one + two)
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert answer.index(b"1 bytes") < answer.index(b"2 bytes")


async def test_stopping_lets_an_open_request_end() -> None:
    begun = asyncio.Event()

    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        begun.set()
        await asyncio.sleep(0.3)
        await respond_text(send, 200, "whole")

    listener = Listener(answer, [bind(Address("127.0.0.1", 0))])
    port = listener.sockets[0].getsockname()[1]
    await listener.start()
    request = asyncio.create_task(talk(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
    await begun.wait()
    await listener.stop()
    assert (await request).endswith(b"whole")
    with pytest.raises(ConnectionRefusedError):
        await talk(port, b"GET / HTTP/1.1\r\n\r\n")


async def test_a_process_that_is_not_trusted_does_not_come_by_the_local_socket(tmp_path: Path) -> None:
    async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await respond_text(send, 200, "welcome")

    listener = Listener(answer, [bind_local(tmp_path / "door.sock")])
    await listener.start()

    async def ask() -> bytes:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "door.sock")
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = b""
        with suppress(ConnectionError):
            said = await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        return said

    try:
        assert b"welcome" in await ask()
        protocol.UNTRUSTED.add(os.getpid())
        assert await ask() == b""
    finally:
        protocol.UNTRUSTED.discard(os.getpid())
        await listener.stop()
