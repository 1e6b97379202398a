"""The guarded client against a real server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fazt.core import Core
from fazt.core.errors import Forbidden, Invalid, TooLarge, Unavailable
from fazt.core.outbound import open_client


def core_that_allows(*allow: str, domain: str = "example.org") -> Core:
    """As much of a Core as the client looks at."""
    settings = SimpleNamespace(get=lambda _name: list(allow))
    return cast("Core", SimpleNamespace(settings=settings, config=SimpleNamespace(domain=domain)))


@asynccontextmanager
async def answering(*pieces: bytes, pause_s: float = 0) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that reads a request and sends `pieces`; its port, and what it was asked."""
    asked: list[bytes] = []
    serving: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        with suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], asked
        if serving:
            await asyncio.wait(serving)


def page(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """An answer as bytes."""
    lines = [b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


async def get(core: Core, url: str, **options: Any) -> Any:
    async with open_client(core, **options) as client:
        return await client.get(url)


async def test_an_allowed_host_is_reached_by_its_name() -> None:
    async with answering(page(b"hello")) as (port, asked):
        assert (await get(core_that_allows("localhost"), f"http://localhost:{port}/x")).text == "hello"
        assert f"host: localhost:{port}".encode() in asked[0].lower()


REFUSED = (
    "127.0.0.1",
    "localhost",
    "127.1",
    "2130706433",
    "0x7f.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "0",
    "a.example.org",
)


@pytest.mark.parametrize("host", REFUSED)
async def test_nothing_private_is_reached(host: str) -> None:
    async with answering(page(b"secret")) as (port, asked):
        with pytest.raises((Forbidden, Unavailable)):
            await get(core_that_allows(), f"http://{host}:{port}/")
        assert asked == []


async def test_a_redirect_is_looked_at_again() -> None:
    async with answering(page(b"secret")) as (inner, asked):
        redirect = page(b"", b"location: http://127.0.0.1:%d/" % inner, status=b"302 Found")
        async with answering(redirect) as (port, _):
            with pytest.raises(Forbidden):
                await get(core_that_allows("localhost"), f"http://localhost:{port}/")
        assert asked == []


async def test_a_relative_redirect_keeps_the_name() -> None:
    async with answering(page(b"", b"location: /other", status=b"302 Found")) as (port, asked):
        with pytest.raises(Exception, match="redirects"):
            await get(core_that_allows("localhost"), f"http://localhost:{port}/")
        assert asked[-1].startswith(b"GET /other ")


async def test_other_schemes_are_refused() -> None:
    with pytest.raises((Invalid, Exception), match=r"no address of the Web|protocol"):
        await get(core_that_allows(), "ftp://example.com/")


async def test_a_large_answer_is_cut() -> None:
    async with answering(page(bytes(100_000))) as (port, _):
        with pytest.raises(TooLarge):
            await get(core_that_allows("localhost"), f"http://localhost:{port}/", max_bytes=10_000)


async def test_a_slow_answer_is_cut() -> None:
    pieces: Sequence[bytes] = [b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", *[b"x"] * 50]
    async with answering(*pieces, pause_s=0.01) as (port, _):
        with pytest.raises(Unavailable, match="longer"):
            await get(core_that_allows("localhost"), f"http://localhost:{port}/", timeout_s=0.1)
