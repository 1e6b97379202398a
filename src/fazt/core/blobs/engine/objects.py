"""Blobs whose bytes are in object storage: S3 and its kin, or a folder. Needs the extra `objects`.

Only the bytes are there, as objects `<place>/<number>` of 8 MiB; hashes, sizes and counts stay in the
database. What fits in one chunk of the database stays in it too, and what is in it already is read from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError

from fazt.core.blobs import store
from fazt.core.blobs.engine.blobs import Blobs
from fazt.core.blobs.model import Ref
from fazt.core.clock import Clock
from fazt.core.db import Database
from fazt.core.errors import NotFound, TooLarge, Unavailable
from fazt.core.ids import new_id

if TYPE_CHECKING:
    from obstore.store import ObjectStore

MIB = 1024 * 1024


class ObjectBlobs(Blobs):
    """The engine over an obstore `ObjectStore`; same promises as Blobs."""

    chunk_bytes = 8 * MIB
    piece_bytes = MIB
    batch = 2

    def __init__(self, db: Database, clock: Clock, objects: ObjectStore) -> None:
        super().__init__(db, clock)
        self.objects = objects

    async def read(self, hash: str) -> bytes:
        """See Blobs.read."""
        ref = await self.db.read(store.get_ref, hash)
        if not ref.place:
            return await super().read(hash)
        if ref.size > store.LOAD_MAX_BYTES:
            raise TooLarge(f"A blob of {ref.size} bytes is too large to be held in memory.")
        return b"".join([piece async for piece in self.open(hash)])

    async def sweep(self, graces: store.Graces = store.USUAL) -> None:
        """See Blobs.sweep."""
        await super().sweep(graces)
        while refs := await self.db.read(store.list_condemned_elsewhere, self.clock(), tuple(self._pins)):
            for ref in refs:
                await self._remove(ref)

    def _unit_bytes(self, ref: Ref) -> int:
        return min(self.piece_bytes, ref.chunk_bytes) if ref.place else super()._unit_bytes(ref)

    def _at_once(self, ref: Ref) -> int:
        return 1 if ref.place else super()._at_once(ref)

    def _new_place(self) -> str:
        return new_id(self.clock())

    async def _get_filling(self, upload: str) -> tuple[Ref, bytes]:
        ref, tail = await super()._get_filling(upload)
        n, inside = divmod(ref.size, ref.chunk_bytes)
        return ref, await self._get(ref, n, 0, inside) if ref.place and inside else tail

    async def _write(self, ref: Ref, chunks: list[bytes]) -> Ref:
        if not ref.place:
            return await super()._write(ref, chunks)
        first = ref.size // ref.chunk_bytes
        with translated():
            await asyncio.gather(*(self._put(ref, n, chunk) for n, chunk in enumerate(chunks, first)))
        return await self.db.write(store.note_growth, ref, sum(map(len, chunks)), self.clock())

    async def _write_soon(self, ref: Ref, chunks: list[bytes]) -> Ref:
        return await (self._write if ref.place else super()._write_soon)(ref, chunks)

    async def _read(self, ref: Ref, n: int, count: int) -> list[bytes]:
        if not ref.place:
            return await super()._read(ref, n, count)
        step = self._unit_bytes(ref)
        number, inside = divmod(n * step, ref.chunk_bytes)
        return [await self._get(ref, number, inside, inside + min(step, ref.size - n * step))]

    async def _remove(self, ref: Ref) -> None:
        if not ref.place:
            return await super()._remove(ref)
        with translated():
            async for objects in obstore.list(self.objects, prefix=ref.place + "/"):
                await obstore.delete_async(self.objects, [entry["path"] for entry in objects])
        return await self.db.write(store.forget_blob, ref.id)

    def _put(self, ref: Ref, n: int, chunk: bytes) -> Awaitable[object]:
        return obstore.put_async(self.objects, f"{ref.place}/{n}", chunk)

    async def _get(self, ref: Ref, n: int, start: int, end: int) -> bytes:
        with translated():
            return bytes(await obstore.get_range_async(self.objects, f"{ref.place}/{n}", start=start, end=end))


@contextmanager
def translated() -> Iterator[None]:
    """What object storage raises, as errors that edges know."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("These bytes are gone.") from error
    except (BaseError, OSError) as error:
        raise Unavailable("The object storage does not answer just now.", hint="Try again in a moment.") from error


def open_objects(url: str) -> ObjectStore:
    """The store at `url` (`s3://bucket/folder`, `file:///folder`, …); credentials come from the usual variables."""
    from obstore.store import from_url  # noqa: PLC0415 - only where it is asked for

    return from_url(url)
