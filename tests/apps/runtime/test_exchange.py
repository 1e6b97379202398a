"""A connection to a process: answers whose heads are known are read as all others."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from fazt.apps.runtime.engine.exchange import LONGEST_KNOWN, MOST_KNOWN, Broken, Exchange, Heads

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\ncontent-length: %d\r\ndate: Sat, 28 Nov 2026 09:00:0%d GMT\r\n\r\n"
ANSWERS = [
    [HEAD % (5, 1) + b"hello"],
    [HEAD % (5, 2) + b"later"],
    [HEAD % (5, 3), b"piece"],
    [(HEAD % (5, 4))[:30], (HEAD % (5, 4))[30:] + b"parts"],
    [HEAD % (5, 5) + b"hel", b"lo"],
    [HEAD % (0, 6)],
    [b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD % (5, 7) + b"after"],
    [b"HTTP/1.1 103 Early Hints\r\n\r\n", HEAD % (5, 8) + b"hints"],
    [b"HTTP/1.1 204 No Content\r\ndate: x\r\n\r\n"],
    [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
    [b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\nx-a: " + b"x" * LONGEST_KNOWN + b"\r\n\r\nnone"],
    [b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"],
]


class Scripted(asyncio.Protocol):
    """A process that answers by a list, whatever it is asked."""

    def __init__(self, answers: Iterator[list[bytes]]) -> None:
        self.answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, _data: bytes) -> None:
        """See asyncio.Protocol."""
        for number, piece in enumerate(next(self.answers)):
            asyncio.get_running_loop().call_later(0.002 * number, self.transport.write, piece)


async def converse(path: Path, answers: list[list[bytes]], heads: Heads) -> list[tuple[int, list[object], bytes]]:
    """What comes of these answers, on one connection as long as it lasts."""
    loop, left = asyncio.get_running_loop(), iter(answers)
    server = await loop.create_unix_server(lambda: Scripted(left), path)
    heard: list[tuple[int, list[object], bytes]] = []
    exchange = None
    for _ in answers:
        if exchange is None or exchange.transport is None or exchange.transport.is_closing():
            _, exchange = await loop.create_unix_connection(partial(Exchange, heads), str(path))
        await exchange.send(b"ask")
        await exchange.read_head()
        body = b"".join([piece async for piece in exchange.read_pieces()])
        heard.append((exchange.status, list(exchange.headers), body))
        exchange.finish(may_continue=True)
    if exchange is not None:
        exchange.close("the end")
    server.close()
    await server.wait_closed()
    return heard


async def test_heads_that_are_known_are_read_alike(tmp_path: Path) -> None:
    heads: Heads = {}
    alone = [(await converse(tmp_path / f"{number}", [answer], {}))[0] for number, answer in enumerate(ANSWERS)]
    assert await converse(tmp_path / "a", ANSWERS, heads) == alone
    assert sorted(head.length for head in heads.values()) == [0, 5]
    assert await converse(tmp_path / "b", ANSWERS[::-1], heads) == alone[::-1]


async def test_no_more_heads_are_known_than_a_few(tmp_path: Path) -> None:
    heads: Heads = {}
    answers = [[HEAD % (length, 0) + b"x" * length] for length in range(MOST_KNOWN + 2)]
    await converse(tmp_path / "a", answers, heads)
    assert len(heads) == 2


@pytest.mark.parametrize(("said", "is_whole"), [(b"hellononsense", True), (b"hell", False)])
async def test_a_known_head_with_another_body_goes_the_long_way(tmp_path: Path, said: bytes, is_whole: bool) -> None:
    heads: Heads = {}
    await converse(tmp_path / "a", [[HEAD % (5, 1) + b"hello"]] * 2, heads)
    exchange = Exchange(heads)
    ours, theirs = socket.socketpair()
    with theirs:
        await asyncio.get_running_loop().create_connection(lambda: exchange, sock=ours)
        await exchange.send(b"ask")
        theirs.sendall(HEAD % (5, 2) + said)
        theirs.shutdown(socket.SHUT_WR)
        pieces = []
        with suppress(Broken):
            pieces = [piece async for piece in exchange.read_pieces()]
    assert pieces == ([b"hello"] if is_whole else [])
    assert exchange.is_plain is is_whole
    exchange.finish(may_continue=True)
    assert not exchange.is_free
