"""One connection to a function's process: a request out, its answer in, then the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import cast

import httptools

from fazt.apps.runtime.wire.http import Head, Headers, keep_headers, strip_date
from fazt.core.http.hosts import find_header

HIGH_WATER = 256 << 10
"""How many bytes of an answer wait here before the process has to wait."""

BODILESS = frozenset({204, 304})
LONGEST_KNOWN, MOST_KNOWN = 2_048, 64
Heads = dict[bytes, Head]
"""Heads of answers by their bytes, but for the date."""


class Broken(Exception):
    """The connection ended, or what came was no HTTP, before the answer was whole. `reason` says why."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason


class Exchange(asyncio.Protocol):
    """The program's end of a connection. One request at a time; `is_free` says whether there may be a next.

    `heads` are those that the process has answered with lately; its connections share them.
    """

    def __init__(self, heads: Heads) -> None:
        self._heads = heads
        self.transport: asyncio.Transport | None = None
        self.moved_at = 0.0
        """When something last came or went, by the loop's clock: the time-out counts from there."""
        self.is_free = True
        self.was_cut = False
        """Whether the process closed it in the middle of something."""
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._drain: asyncio.Future[None] | None = None
        self._lost: Broken | None = None
        self._told: Callable[[], None] | None = None
        self._parser = httptools.HttpResponseParser(self)  # it is ready for the next answer where there may be one
        self._begin(is_head=False)

    def _begin(self, *, is_head: bool) -> None:
        self._is_head = is_head
        self.status = 0
        self.headers: Headers = ()
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0
        self._lines: list[tuple[bytes, bytes]] = []
        self._key = b""
        self._is_fresh = True
        self._has_head = self._is_whole = self._is_paused = self._may_continue = False

    # --- what asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self.moved_at = self._loop.time()
        if self.is_free:
            self.close("it spoke without being asked")
            return
        if self._is_fresh and not self._is_head:
            self._is_fresh = False
            if self._recognize(data):
                self._wake()
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close("its answer was no HTTP")
            return
        if self._waiting_bytes > HIGH_WATER and not self._is_paused and self.transport is not None:
            self._is_paused = True
            self.transport.pause_reading()
        self._wake()

    def connection_lost(self, _error: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.is_free = False
        if self._lost is None:
            self._lost = Broken("the process ended")
            self.was_cut = True
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)
        self._wake()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._drain = self._loop.create_future()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        if self._drain is not None and not self._drain.done():
            self._drain.set_result(None)
        self._drain = None
        self.moved_at = self._loop.time()

    def _recognize(self, data: bytes) -> bool:
        """Whether this is a whole answer with a head that is known, which needs no parser then."""
        end = data.find(b"\r\n\r\n")
        self._key = key = strip_date(data[:end]) if 0 < end <= LONGEST_KNOWN else b""
        known = self._heads.get(key)
        if known is None or len(data) - end - 4 != known.length:
            return False
        self.status, self.headers = known.status, known.headers
        self._pieces.append(data[end + 4 :])
        self._has_head = self._is_whole = self._may_continue = True
        return True

    def _learn(self) -> None:
        """Know the head of this answer the next time."""
        length = find_header(self.headers, b"content-length")
        if not self._key or length is None or not self._may_continue or not 200 <= self.status <= 599:
            return
        if self.status in BODILESS:
            return
        if len(self._heads) >= MOST_KNOWN:
            self._heads.clear()
        self._heads[self._key] = Head(self.status, tuple(self.headers), int(length))

    # --- what httptools tells

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools."""
        self._lines.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """See httptools."""
        self.status = self._parser.get_status_code()
        if self.status < 200:  # an interim answer; the real one follows
            self._lines = []
            self._key = b""
            return
        self._has_head = True
        self.headers = keep_headers(self._lines)
        self._may_continue = self._parser.should_keep_alive()  # it forgets this at the end of the message
        self._learn()
        if self._is_head:
            self._is_whole = True

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._pieces.append(body)
        self._waiting_bytes += len(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        if self._has_head:
            self._is_whole = True

    # --- what the program does

    @property
    def is_waiting(self) -> bool:
        """Whether the process has the turn: a visitor who reads slowly is not its fault."""
        return self._waiter is not None or self._told is not None or self._drain is not None

    @property
    def has_news(self) -> bool:
        """Whether there is an answer's head, or there will be none."""
        return self._has_head or self._lost is not None

    @property
    def is_plain(self) -> bool:
        """Whether a whole answer is here, of a kind that has a body."""
        return self._is_whole and 200 <= self.status <= 599 and self.status not in BODILESS

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if self._told is not None and self.has_news:
            told, self._told = self._told, None
            told()

    async def _wait(self) -> None:
        if self._lost is not None:
            raise self._lost
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def send(self, head: bytes, *, is_head: bool = False) -> None:
        """Begin a request."""
        self._begin(is_head=is_head)
        self.is_free = False
        await self.write(head)

    def send_now(self, head: bytes, told: Callable[[], None]) -> None:
        """Begin a request that is a head alone, without waiting; `told` is called once, when there is news."""
        self._begin(is_head=False)
        self.is_free = False
        self.moved_at = self._loop.time()
        self._told = told
        assert self.transport is not None, "a free connection has one"
        self.transport.write(head)

    async def write(self, data: bytes) -> None:
        """More of the request. Raises Broken."""
        if self._lost is not None or self.transport is None:
            raise self._lost or Broken("there is no connection")
        self.moved_at = self._loop.time()
        self.transport.write(data)
        if self._drain is not None:
            await asyncio.shield(self._drain)

    async def read_head(self) -> None:
        """Wait until `status` and `headers` are there. Raises Broken."""
        while not self._has_head:
            await self._wait()

    def take_whole(self) -> bytes | None:
        """The body, where all of it is here already; else None."""
        if not self._is_whole:
            return None
        body = b"".join(self._pieces)
        self._pieces = []
        return body

    async def read_pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises Broken where it ends too early."""
        while True:
            if self._pieces:
                piece = b"".join(self._pieces)
                self._pieces, self._waiting_bytes = [], 0
                if self._is_paused and self.transport is not None:
                    self._is_paused = False
                    self.transport.resume_reading()
                yield piece
                self.moved_at = self._loop.time()
            elif self._is_whole:
                return
            else:
                await self._wait()

    def finish(self, *, may_continue: bool) -> None:
        """The answer has been used: keep the connection for the next request, or close it."""
        if may_continue and self._is_whole and not self._is_head and self._may_continue:
            self.is_free = self._lost is None
        else:
            self.close("it was given up")

    def close(self, reason: str) -> None:
        """End the connection; whoever waits hears `reason`."""
        if self._lost is None:
            self._lost = Broken(reason)
        self.is_free = False
        if self.transport is not None:
            self.transport.abort()
        self._wake()
