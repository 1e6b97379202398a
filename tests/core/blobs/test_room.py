"""Room: memory stays flat, a full disk is told and leaves nothing, empty pages go back to the disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Connection

from fazt.core.blobs import CHUNK_BYTES, Blobs, keep, store
from fazt.core.blobs.engine.pipe import Pipe
from fazt.core.blobs.model import Ref
from fazt.core.clock import DAY
from fazt.core.config import Config
from fazt.core.db import Database, open_database
from fazt.core.errors import OverQuota
from tests.core.blobs.conftest import Clock
from tests.core.blobs.test_engine import count, read_all, stream_of

DATA = Random(9).randbytes(6_000_000)


@pytest.fixture
async def file_db(data_file: Path) -> AsyncIterator[Database]:
    db = open_database(Config(data_file))
    yield db
    await db.close()


def set_max_pages(conn: Connection, pages: int) -> None:
    """The disk is full beyond this."""
    conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}").all()


def count_pages(conn: Connection) -> int:
    return int(conn.exec_driver_sql("PRAGMA page_count").scalar_one())


async def test_stream_waits_for_the_disk() -> None:
    """However fast it is, only a few chunks are in memory."""
    taken, written, may_write = 0, 0, asyncio.Semaphore(0)

    async def fast() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield bytes(CHUNK_BYTES)

    async def slow(ref: Ref, chunks: list[bytes]) -> Ref:
        nonlocal written
        await may_write.acquire()
        written += len(chunks)
        assert taken - written <= 2 * 4 + 1
        return Ref(ref.id, ref.size + sum(map(len, chunks)), ref.chunk_bytes)

    pipe = Pipe(Ref(1, 0, CHUNK_BYTES), slow, sha256(), batch=4)
    pouring = asyncio.create_task(pipe.pour(fast(), 1 << 30))
    while not pouring.done():
        may_write.release()
        await asyncio.sleep(0)
    may_write.release()
    may_write.release()
    assert (await pipe.finish()).size == 100 * CHUNK_BYTES
    assert written == 100
    assert pipe.hasher.digest() == sha256(bytes(100 * CHUNK_BYTES)).digest()


async def test_full_disk_is_told_and_leaves_nothing(file_db: Database, clock: Clock) -> None:
    blobs = Blobs(file_db, clock)
    small = await blobs.receive(stream_of(b"small"), max_bytes=5)
    await file_db.write(keep, small.hash)
    await file_db.write(set_max_pages, await file_db.read(count_pages) + 100)
    with pytest.raises(OverQuota):
        await blobs.receive(stream_of(DATA), max_bytes=len(DATA))
    assert await file_db.read(count) == (1, 1)
    upload = await blobs.begin()
    with pytest.raises(OverQuota):
        await blobs.append(upload, 0, stream_of(DATA), max_bytes=len(DATA))
    offset = await blobs.offset(upload)
    assert 0 < offset < len(DATA)
    assert await read_all(blobs, small.hash) == b"small"
    await file_db.write(set_max_pages, 1 << 30)
    await blobs.append(upload, offset, stream_of(DATA[offset:]), max_bytes=len(DATA))
    blob = await blobs.finish(upload)
    assert await read_all(blobs, blob.hash) == DATA


async def test_empty_pages_go_back_to_the_disk(file_db: Database, clock: Clock) -> None:
    blobs = Blobs(file_db, clock)
    before = await file_db.read(count_pages)
    await blobs.receive(stream_of(DATA), max_bytes=len(DATA))
    filled = await file_db.read(count_pages)
    for _ in range(2):
        clock.now += DAY
        await blobs.sweep(store.Graces(0, 0))
    assert await file_db.read(count_pages) == filled  # some stay for what comes next
    blobs.spare_bytes = 0
    await blobs.sweep()
    assert await file_db.read(count_pages) <= before + 10


async def test_what_comes_slowly_is_written_four_chunks_at_a_time() -> None:
    written: list[int] = []

    async def write(ref: Ref, chunks: list[bytes]) -> Ref:
        written.append(len(chunks))
        return replace(ref, size=ref.size + sum(map(len, chunks)))

    pipe = Pipe(Ref(1, 0, CHUNK_BYTES), write, sha256(), batch=4)
    for _ in range(10):
        await pipe.push(bytes(CHUNK_BYTES), 1 << 30)
        await asyncio.sleep(0)  # the write before has long ended
    ref = await pipe.finish()
    assert written == [4, 4, 2]
    assert ref.size == 10 * CHUNK_BYTES
