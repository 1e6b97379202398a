"""The async engine of blobs, over chunks in the database."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from time import perf_counter
from typing import Any

from fazt.core.blobs import store
from fazt.core.blobs.engine.pipe import Pipe, check_size, update_hash
from fazt.core.blobs.model import CHUNK_BYTES, Blob, Ref, check_range
from fazt.core.clock import Clock
from fazt.core.db import Database
from fazt.core.errors import Conflict, FaztError, Locked
from fazt.core.ids import new_id

READ_AHEAD = 1
HASHERS = 64


class Blobs:
    """Bytes in and out. One for each running program; rows are counted by the store functions `keep` and `drop`."""

    chunk_bytes = CHUNK_BYTES
    batch = 4
    """Chunks of one write: 512 KiB, a few ms of the writer thread."""
    at_once = 4
    """Chunks of one read. They are never joined: a copy of this size costs more than reading it did."""
    spare_bytes = 16 * 1024 * 1024
    """Empty pages that stay in the file for what comes next."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock
        self._pins: Counter[int] = Counter()
        self._uploading: set[str] = set()
        self._hashers: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    async def receive(self, stream: AsyncIterator[bytes], *, max_bytes: int) -> Blob:
        """All bytes of `stream`, durable. `keep` the blob within the grace time (an hour), or it is swept away.

        Raises TooLarge beyond `max_bytes`, OverQuota when the disk is full, and what the stream raises;
        then nothing is left behind. Bytes that are here already are answered by the blob that is here.
        """
        stream = aiter(stream)
        head = bytearray()
        async for data in stream:
            check_size(len(head) + len(data), max_bytes)
            head += data
            if len(head) > CHUNK_BYTES:
                return await self._receive_large(bytes(head), stream, max_bytes)
        self.db.check_room(len(head))
        return await self.db.write(store.put, bytes(head), self.clock())

    async def open(self, hash: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` up to `end` (exclusive; None: all), piece by piece, read ahead of the consumer.

        Raises NotFound and Invalid (outside the blob) with the first piece. What is being read is not swept away.
        """
        ref, known = await self.db.read(store.open_ref, hash, start, end, self.at_once)
        start, stop = check_range(start, end, ref.size)
        unit, most = self._unit_bytes(ref), self._at_once(ref)
        last = -(-stop // unit) if start < stop else 0
        numbers = iter(range(start // unit + len(known), last, most))
        reading: deque[tuple[int, asyncio.Future[list[bytes]]]] = deque()
        with self._pinned(ref.id):
            try:
                at = start // unit
                while True:
                    for n in islice(numbers, 1 + READ_AHEAD - len(reading)):
                        reading.append((n, asyncio.ensure_future(self._read(ref, n, min(most, last - n)))))
                    for n, data in enumerate(known, at):
                        yield cut_out(data, n * unit, start, stop)
                    if not reading:
                        return
                    at, piece = reading.popleft()
                    known = await piece
            finally:
                for _, piece in reading:
                    piece.cancel()
                await asyncio.gather(*(piece for _, piece in reading), return_exceptions=True)

    async def read(self, hash: str) -> bytes:
        """All bytes of a small blob. Raises NotFound, and TooLarge over 64 MiB."""
        return await self.db.read(store.load, hash)

    async def begin(self) -> str:
        """The id of a new upload, which is filled by `append` and ends with `finish` or `abandon`."""
        now = self.clock()
        upload = new_id(now)
        await self.db.write(store.begin_upload, upload, self.chunk_bytes, self._new_place(), now)
        return upload

    async def offset(self, upload: str) -> int:
        """How many bytes of the upload are durable. Raises NotFound."""
        finished = await self.db.read(store.find_finished, upload)
        if finished is not None:
            return finished.size
        ref, _ = await self.db.read(store.get_filling, upload)
        return ref.size

    async def append(self, upload: str, offset: int, stream: AsyncIterator[bytes], *, max_bytes: int) -> int:
        """Add the bytes of `stream`, which begin at `offset`; the new offset, durable.

        When the stream breaks, what came before is kept: ask `offset`. Raises NotFound, Conflict when `offset` is
        not where the upload is (`details["offset"]` is), Locked while another `append` is under way, TooLarge when the
        whole upload would be more than `max_bytes`, OverQuota when the disk is full.
        """
        with self._alone(upload):
            ref, tail = await self._get_filling(upload)
            if offset != ref.size:
                raise Conflict(f"The upload is at byte {ref.size}, not {offset}.", offset=ref.size)
            with self._pinned(ref.id):
                pipe = Pipe(ref, self._write, self._take_hasher(upload, ref.size), self.batch, tail)
                try:
                    await pipe.pour(stream, max_bytes)
                finally:
                    ref = await pipe.finish()
                    self._put_hasher(upload, ref.size, pipe.hasher)
            return ref.size

    async def finish(self, upload: str) -> Blob:
        """The upload as a blob; asked again within a day, the same. `keep` it as after `receive`. Raises NotFound."""
        with self._alone(upload):
            finished = await self.db.read(store.find_finished, upload)
            if finished is not None:
                return finished
            ref, _ = await self.db.read(store.get_filling, upload)
            with self._pinned(ref.id):
                hasher = self._take_hasher(upload, ref.size) or await self._hash(ref)
                blob, twice = await self.db.write(store.finish_upload, upload, ref, hasher.hexdigest(), self.clock())
            if twice:
                await self._remove(ref)
            return blob

    async def abandon(self, upload: str) -> None:
        """Give the upload and its bytes up. Raises NotFound, Locked while bytes are coming in."""
        with self._alone(upload):
            self._hashers.pop(upload, None)
            ref = await self.db.write(store.abandon_upload, upload)
            if ref is not None:
                await self._remove(ref)

    async def purge(self, hashes: Iterable[str]) -> None:
        """Remove at once, without a grace time, those of `hashes` whose last keeper just dropped them.

        What is being read at this moment stays until the next sweep.
        """
        for hash in hashes:
            ref = await self.db.write(store.condemn_dropped, hash, self.clock())
            if ref is not None and ref.id not in self._pins:
                await self._remove(ref)

    async def sweep(self, graces: store.Graces = store.USUAL) -> None:
        """Remove what nobody keeps and give empty pages back to the disk, resting as long as it works."""
        more = True
        while more:
            started = perf_counter()
            more = await self.db.write(store.sweep, self.clock(), graces, tuple(self._pins))
            await asyncio.sleep(perf_counter() - started if more else 0)
        more = True
        while more:
            started = perf_counter()
            more = await self.db.write(store.free_pages, self.spare_bytes)
            await asyncio.sleep(perf_counter() - started if more else 0)

    async def _receive_large(self, head: bytes, stream: AsyncIterator[bytes], max_bytes: int) -> Blob:
        ref = await self.db.write(store.begin, self.chunk_bytes, self._new_place(), self.clock())
        with self._pinned(ref.id):
            pipe = Pipe(ref, self._write_soon, hashlib.sha256(), self.batch)
            try:
                await pipe.push(head, max_bytes)
                await pipe.pour(stream, max_bytes)
                ref = await pipe.finish()
                blob, twice = await self.db.write(store.seal, ref, pipe.hasher.hexdigest(), self.clock())
            except BaseException:
                await pipe.stop()
                with suppress(FaztError):  # when not even this can be written, the sweeper does it later
                    await self.db.write(store.discard, ref.id)
                    await self._remove(ref)
                raise
        if twice:
            await self._remove(ref)
        return blob

    async def _hash(self, ref: Ref) -> Any:
        """The hash of what is there, read back: after a restart, or with very many uploads at once."""
        hasher = hashlib.sha256()
        last, most = -(-ref.size // self._unit_bytes(ref)), self._at_once(ref)
        for n in range(0, last, most):
            await update_hash(hasher, await self._read(ref, n, min(most, last - n)))
        return hasher

    def _take_hasher(self, upload: str, offset: int) -> Any | None:
        """The running hash of what is before `offset`, or None where it is not known any more."""
        if offset == 0:
            return hashlib.sha256()
        at, hasher = self._hashers.pop(upload, (0, None))
        return hasher if at == offset else None

    def _put_hasher(self, upload: str, offset: int, hasher: Any | None) -> None:
        if hasher is not None:
            self._hashers[upload] = (offset, hasher)
        while len(self._hashers) > HASHERS:
            self._hashers.popitem(last=False)

    @contextmanager
    def _alone(self, upload: str) -> Iterator[None]:
        if upload in self._uploading:
            raise Locked("Bytes of this upload are coming in on another connection.")
        self._uploading.add(upload)
        try:
            yield
        finally:
            self._uploading.discard(upload)

    @contextmanager
    def _pinned(self, blob_id: int) -> Iterator[None]:
        """The sweeper leaves this blob alone until the end of the block."""
        self._pins[blob_id] += 1
        try:
            yield
        finally:
            self._pins[blob_id] -= 1
            if not self._pins[blob_id]:
                del self._pins[blob_id]

    # What the implementation over object storage does in its own way.

    def _unit_bytes(self, ref: Ref) -> int:
        """How many bytes are read as one object."""
        return ref.chunk_bytes

    def _at_once(self, ref: Ref) -> int:  # noqa: ARG002 - what the other implementation asks
        """How many such units are read at a time."""
        return self.at_once

    def _new_place(self) -> str:
        """The place of a new blob, as in Ref."""
        return ""

    async def _get_filling(self, upload: str) -> tuple[Ref, bytes]:
        """What is being filled, and the bytes of its last chunk if that is not full."""
        return await self.db.read(store.get_filling, upload)

    async def _write(self, ref: Ref, chunks: list[bytes]) -> Ref:
        """Make `chunks` durable as in `store.grow`."""
        self.db.check_room(sum(map(len, chunks)))
        return await self.db.write(store.grow, ref, chunks, self.clock())

    async def _write_soon(self, ref: Ref, chunks: list[bytes]) -> Ref:
        """As `_write`, where the seal that comes after makes all of it durable."""
        return await self.db.write_bulk(sum(map(len, chunks)), store.grow, ref, chunks, self.clock())

    async def _read(self, ref: Ref, n: int, count: int) -> list[bytes]:
        """`count` units from this number on. Raises NotFound when any is gone."""
        return await self.db.read_lane(ref.id, store.read_chunks, ref, n, count)

    async def _remove(self, ref: Ref) -> None:
        """Delete the bytes and the row of a condemned blob that nobody can be reading."""
        while await self.db.write(store.remove, ref.id):
            pass


def cut_out(piece: bytes, begins: int, start: int, stop: int) -> bytes:
    """The part of a piece, whose first byte is number `begins`, that is between `start` and `stop`."""
    if begins >= start and begins + len(piece) <= stop:
        return piece
    return piece[max(0, start - begins) : stop - begins]
