"""What Blobs promise, over both databases and all kinds of storage."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest
from sqlalchemy import Connection, func, select

from fazt.core.blobs import CHUNK_BYTES, Blob, Blobs, drop, keep, store
from fazt.core.blobs.engine.objects import ObjectBlobs
from fazt.core.blobs.schema import core_blob, core_chunk
from fazt.core.clock import DAY
from fazt.core.errors import Conflict, Invalid, Locked, NotFound, TooLarge
from tests.core.blobs.conftest import Clock

CHANCE = random.Random(4)
LARGE = CHANCE.randbytes(11 * CHUNK_BYTES + 12345)
ENOUGH = 1 << 30


async def stream_of(data: bytes, piece: int = 64 * 1024) -> AsyncIterator[bytes]:
    """As a server hands it over: in pieces of any size."""
    for at in range(0, len(data), piece):
        yield data[at : at + piece]


async def broken_stream(data: bytes) -> AsyncIterator[bytes]:
    """Some bytes, then the connection is cut."""
    async for piece in stream_of(data):
        yield piece
    raise ConnectionResetError("cut")


async def read_all(blobs: Blobs, hash: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in blobs.open(hash, start, end)])


def count(conn: Connection) -> tuple[int, int]:
    """Blobs and chunks in the database."""
    return (
        conn.scalar(select(func.count()).select_from(core_blob)) or 0,
        conn.scalar(select(func.count()).select_from(core_chunk)) or 0,
    )


async def is_empty(blobs: Blobs) -> bool:
    """Whether nothing is left anywhere."""
    objects = list(blobs.objects.list().collect()) if isinstance(blobs, ObjectBlobs) else []
    return await blobs.db.read(count) == (0, 0) and not objects


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 8 * CHUNK_BYTES, len(LARGE)])
@pytest.mark.parametrize("piece", [1000, 64 * 1024, 1 << 20])
async def test_received_bytes_come_back(blobs: Blobs, size: int, piece: int) -> None:
    data = LARGE[:size]
    blob = await blobs.receive(stream_of(data, piece), max_bytes=size)
    assert blob == Blob(sha256(data).hexdigest(), size)
    assert await read_all(blobs, blob.hash) == data
    assert await blobs.read(blob.hash) == data


async def test_any_range_comes_back(blobs: Blobs) -> None:
    blob = await blobs.receive(stream_of(LARGE), max_bytes=ENOUGH)
    ranges = [
        (0, 0),
        (0, 1),
        (CHUNK_BYTES - 1, CHUNK_BYTES + 1),
        (len(LARGE) - 1, None),
        (len(LARGE), None),
        (5, 1 << 40),
    ]
    for _ in range(20):
        low, high = sorted(CHANCE.choices(range(len(LARGE) + 1), k=2))
        ranges.append((low, high))
    for start, end in ranges:
        assert await read_all(blobs, blob.hash, start, end) == LARGE[start:end]
    for start, end in [(-1, 5), (6, 5), (len(LARGE) + 1, None)]:
        with pytest.raises(Invalid):
            await read_all(blobs, blob.hash, start, end)


async def test_unknown_hash_is_not_found(blobs: Blobs) -> None:
    with pytest.raises(NotFound):
        await read_all(blobs, "0" * 64)
    with pytest.raises(NotFound):
        await blobs.read("0" * 64)


@pytest.mark.parametrize("size", [3, len(LARGE)])
async def test_same_bytes_are_there_once(blobs: Blobs, size: int) -> None:
    first, second = [await blobs.receive(stream_of(LARGE[:size]), max_bytes=size) for _ in range(2)]
    assert first == second
    assert (await blobs.db.read(count))[0] == 1
    assert await read_all(blobs, first.hash) == LARGE[:size]


@pytest.mark.parametrize("size", [3, len(LARGE)])
async def test_same_bytes_at_the_same_time_are_there_once(blobs: Blobs, size: int) -> None:
    found = await asyncio.gather(*(blobs.receive(stream_of(LARGE[:size]), max_bytes=size) for _ in range(6)))
    assert set(found) == {Blob(sha256(LARGE[:size]).hexdigest(), size)}
    assert (await blobs.db.read(count))[0] == 1


@pytest.mark.parametrize("size", [100, len(LARGE)])
async def test_broken_stream_leaves_nothing(blobs: Blobs, size: int) -> None:
    with pytest.raises(ConnectionResetError):
        await blobs.receive(broken_stream(LARGE[:size]), max_bytes=ENOUGH)
    assert await is_empty(blobs)


async def test_too_large_leaves_nothing(blobs: Blobs) -> None:
    for max_bytes in (10, len(LARGE) - 1):
        with pytest.raises(TooLarge):
            await blobs.receive(stream_of(LARGE), max_bytes=max_bytes)
        assert await is_empty(blobs)


async def test_cancelled_receive_leaves_nothing(blobs: Blobs) -> None:
    reached = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield LARGE
        reached.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(blobs.receive(stuck(), max_bytes=ENOUGH))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await is_empty(blobs)


async def test_failed_write_is_raised_and_leaves_nothing(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    written = 0
    write = blobs._write_soon

    async def fail_third(*args: object) -> object:
        nonlocal written
        written += 1
        if written == 3:
            raise TooLarge("the disk says no")
        return await write(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(blobs, "_write_soon", fail_third)
    with pytest.raises(TooLarge, match="the disk says no"):
        await blobs.receive(stream_of(LARGE), max_bytes=ENOUGH)
    assert await is_empty(blobs)


async def test_sweep_leaves_what_is_kept_and_what_is_being_read(blobs: Blobs, clock: Clock) -> None:
    kept = await blobs.receive(stream_of(LARGE), max_bytes=ENOUGH)
    await blobs.db.write(keep, kept.hash)
    unkept = await blobs.receive(stream_of(LARGE[1:]), max_bytes=ENOUGH)
    reading = blobs.open(unkept.hash)
    read = await anext(reading)
    for _ in range(3):
        clock.now += DAY
        await blobs.sweep()
    assert await read_all(blobs, kept.hash) == LARGE
    assert read + b"".join([piece async for piece in reading]) == LARGE[1:]
    clock.now += DAY
    await blobs.sweep()
    with pytest.raises(NotFound):
        await read_all(blobs, unkept.hash)
    await blobs.db.write(drop, kept.hash)
    for _ in range(3):
        clock.now += DAY
        await blobs.sweep()
    assert await is_empty(blobs)


async def test_reader_that_leaves_early_unpins(blobs: Blobs, clock: Clock) -> None:
    blob = await blobs.receive(stream_of(LARGE), max_bytes=ENOUGH)
    reading = blobs.open(blob.hash)
    await anext(reading)
    await reading.aclose()  # type: ignore[attr-defined]
    for _ in range(2):
        clock.now += DAY
        await blobs.sweep()
    assert await is_empty(blobs)


async def test_upload_in_many_parts(blobs: Blobs) -> None:
    upload = await blobs.begin()
    at, cuts = 0, [1, 2, 1000, CHUNK_BYTES, CHUNK_BYTES + 7, 5 * CHUNK_BYTES, 0, len(LARGE)]
    for size in cuts:
        part = LARGE[at : at + size]
        at = await blobs.append(upload, at, stream_of(part), max_bytes=len(LARGE))
        assert at == await blobs.offset(upload)
    blob = await blobs.finish(upload)
    assert blob == Blob(sha256(LARGE).hexdigest(), len(LARGE)) == await blobs.finish(upload)
    assert await blobs.offset(upload) == len(LARGE)
    assert await read_all(blobs, blob.hash) == LARGE
    with pytest.raises(Conflict):
        await blobs.append(upload, len(LARGE), stream_of(b"more"), max_bytes=ENOUGH)


async def test_empty_upload(blobs: Blobs) -> None:
    blob = await blobs.finish(await blobs.begin())
    assert blob == Blob(sha256(b"").hexdigest(), 0)
    assert await read_all(blobs, blob.hash) == b""


async def test_broken_upload_goes_on_where_it_was_cut_even_after_a_restart(blobs: Blobs) -> None:
    upload = await blobs.begin()
    with pytest.raises(ConnectionResetError):
        await blobs.append(upload, 0, broken_stream(LARGE[:300_001]), max_bytes=ENOUGH)
    assert await blobs.offset(upload) == 300_001
    blobs._hashers.clear()
    with pytest.raises(Conflict) as refused:
        await blobs.append(upload, 300_000, stream_of(LARGE), max_bytes=ENOUGH)
    assert refused.value.details == {"offset": 300_001}
    assert await blobs.append(upload, 300_001, stream_of(LARGE[300_001:]), max_bytes=ENOUGH) == len(LARGE)
    assert (await blobs.finish(upload)).hash == sha256(LARGE).hexdigest()


async def test_upload_beyond_its_bound_keeps_what_fits(blobs: Blobs) -> None:
    upload = await blobs.begin()
    with pytest.raises(TooLarge):
        await blobs.append(upload, 0, stream_of(LARGE), max_bytes=100_000)
    assert await blobs.offset(upload) <= 100_000


async def test_upload_of_bytes_that_are_here_is_the_blob_that_is_here(blobs: Blobs) -> None:
    blob = await blobs.receive(stream_of(LARGE), max_bytes=ENOUGH)
    await blobs.db.write(keep, blob.hash)
    upload = await blobs.begin()
    await blobs.append(upload, 0, stream_of(LARGE), max_bytes=ENOUGH)
    assert await blobs.finish(upload) == blob == await blobs.finish(upload)
    assert (await blobs.db.read(count))[0] == 1


async def test_only_one_connection_fills_an_upload(blobs: Blobs) -> None:
    upload = await blobs.begin()
    arrived, go = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        arrived.set()
        await go.wait()
        yield b"slow"

    task = asyncio.create_task(blobs.append(upload, 0, slow(), max_bytes=ENOUGH))
    await arrived.wait()
    for other in (blobs.append(upload, 0, stream_of(b"x"), max_bytes=1), blobs.finish(upload), blobs.abandon(upload)):
        with pytest.raises(Locked):
            await other
    go.set()
    assert await task == 4


async def test_abandoned_upload_leaves_nothing(blobs: Blobs) -> None:
    upload = await blobs.begin()
    await blobs.append(upload, 0, stream_of(LARGE), max_bytes=ENOUGH)
    await blobs.abandon(upload)
    assert await is_empty(blobs)
    for ask in (blobs.offset(upload), blobs.finish(upload), blobs.abandon(upload)):
        with pytest.raises(NotFound):
            await ask


async def test_silent_upload_is_swept(blobs: Blobs, clock: Clock) -> None:
    upload = await blobs.begin()
    await blobs.append(upload, 0, stream_of(LARGE), max_bytes=ENOUGH)
    clock.now += store.Graces().upload_ms - 1
    await blobs.sweep()
    assert await blobs.offset(upload) == len(LARGE)
    for _ in range(2):
        clock.now += DAY
        await blobs.sweep()
    assert await is_empty(blobs)


async def test_a_purge_removes_what_was_just_dropped_and_nothing_else(blobs: Blobs, clock: Clock) -> None:
    dropped = await blobs.receive(stream_of(LARGE), max_bytes=ENOUGH)
    kept = await blobs.receive(stream_of(LARGE[1:]), max_bytes=ENOUGH)
    received = await blobs.receive(stream_of(LARGE[2:]), max_bytes=ENOUGH)
    for blob in (dropped, kept):
        await blobs.db.write(keep, blob.hash)
    await blobs.db.write(drop, dropped.hash)
    await blobs.purge([dropped.hash, kept.hash, received.hash, "f" * 64])
    with pytest.raises(NotFound):
        await read_all(blobs, dropped.hash)
    assert await read_all(blobs, kept.hash) == LARGE[1:]
    assert await read_all(blobs, received.hash) == LARGE[2:]
    assert (await blobs.db.read(count))[0] == 2


async def test_a_purge_leaves_what_is_being_read(blobs: Blobs, clock: Clock) -> None:
    blob = await blobs.receive(stream_of(LARGE), max_bytes=ENOUGH)
    await blobs.db.write(keep, blob.hash)
    reading = blobs.open(blob.hash)
    first = await anext(reading)
    await blobs.db.write(drop, blob.hash)
    await blobs.purge([blob.hash])
    assert first + b"".join([piece async for piece in reading]) == LARGE
    clock.now += DAY
    await blobs.sweep()
    assert await is_empty(blobs)
