"""From a stream into chunks: hashed on another thread while the chunks before are being written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fazt.core.blobs.model import Cutter, Ref
from fazt.core.errors import TooLarge

Write = Callable[[Ref, list[bytes]], Awaitable[Ref]]
"""Makes chunks durable at the end of the ref; answers the grown ref."""

INLINE_BYTES = 32 * 1024
"""Hashing less than this takes less time than going to another thread."""

GATHER_BYTES = 512 * 1024
"""Less than this waits for more, also where nothing is being written."""


class Pipe:
    """Fills one blob. One write is under way at a time, and at most `batch` chunks wait for it: memory stays flat.

    Without a `hasher` the bytes are hashed later, by whoever seals the blob. `tail` is the part of
    the last chunk that is there already: it is written again together with what comes after it.
    """

    def __init__(self, ref: Ref, write: Write, hasher: Any, batch: int, tail: bytes = b"") -> None:
        self.ref = ref
        self.hasher = hasher
        self._write = write
        self._batch = batch
        self._cutter = Cutter(ref.chunk_bytes, tail)
        self._skip = len(tail)
        self._total = ref.size
        self._waiting: list[bytes] = []
        self._writing: asyncio.Task[None] | None = None
        self._broken: BaseException | None = None

    async def pour(self, stream: AsyncIterator[bytes], max_bytes: int) -> None:
        """Take all of `stream`. Raises TooLarge beyond `max_bytes` in all, and what the stream or a write raises."""
        async for data in stream:
            await self.push(data, max_bytes)

    async def push(self, data: bytes, max_bytes: int) -> None:
        """Take `data`; waits while more is waiting than one write takes. Raises as `pour`."""
        self._total += len(data)
        check_size(self._total, max_bytes)
        for chunk in self._cutter.push(data):
            self._waiting.append(chunk)
            if self._is_worth_a_write():
                await self._turn()

    def _is_worth_a_write(self) -> bool:
        """A write costs much the same for one chunk as for four: small ones wait for each other."""
        if len(self._waiting) >= self._batch:
            return True
        is_idle = self._writing is None or self._writing.done()
        return is_idle and len(self._waiting) * self.ref.chunk_bytes >= GATHER_BYTES

    async def finish(self) -> Ref:
        """Write what is left and wait until all is durable. Raises what a write raised."""
        if self._broken is not None:
            raise self._broken
        if rest := self._cutter.rest():
            self._waiting.append(rest)
        while self._writing is not None or self._waiting:
            await self._turn()
        return self.ref

    async def stop(self) -> None:
        """Forget what waits, and wait for the write under way, whatever becomes of it."""
        self._waiting.clear()
        if self._writing is not None:
            await asyncio.wait([self._writing])

    async def _turn(self) -> None:
        """Wait for the write under way, then start one of all that waits."""
        if self._writing is not None:
            await asyncio.wait([self._writing])
            writing, self._writing = self._writing, None
            self._broken = writing.exception()
            if self._broken is not None:
                raise self._broken
        if self._waiting:
            chunks, self._waiting = self._waiting, []
            self._writing = asyncio.create_task(self._write_and_hash(chunks))

    async def _write_and_hash(self, chunks: list[bytes]) -> None:
        skip, self._skip = self._skip, 0
        hashing = asyncio.create_task(update_hash(self.hasher, chunks, skip))
        try:
            self.ref = await self._write(self.ref, chunks)
        finally:
            await hashing


async def update_hash(hasher: Any, chunks: list[bytes], skip: int = 0) -> None:
    """Add `chunks` without their first `skip` bytes to the hash, on another thread where that pays."""

    def update() -> None:
        hasher.update(memoryview(chunks[0])[skip:])
        for chunk in chunks[1:]:
            hasher.update(chunk)

    if hasher is None:
        return
    if sum(map(len, chunks)) < INLINE_BYTES:
        update()
    else:
        await asyncio.to_thread(update)


def check_size(size: int, max_bytes: int) -> None:
    """Raises TooLarge beyond `max_bytes`."""
    if size > max_bytes:
        raise TooLarge(f"That is more than the {max_bytes} bytes that fit here.", max_bytes=max_bytes)
