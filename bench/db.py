"""Blobs in data.db beside a plain file with fsync: MB/s in and out, and how long others wait meanwhile."""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, text

from fazt.core.blobs import Blobs, drop, keep, store
from fazt.core.clock import DAY, system_clock
from fazt.core.config import Config
from fazt.core.db import Database, open_database

PIECE = 64 * 1024
MB = 1_000_000


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mb", type=int, default=256, help="size of the large blob")
    options.add_argument("--folder", type=Path, help="where to write (a temporary folder)")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="fazt-bench-") as folder:
        asyncio.run(measure_blobs(Path(folder), given.mb * MB))


async def measure_blobs(folder: Path, size: int) -> None:
    """The rows of the table, the plain file first."""
    plain = write_plain(folder / "plain", size), read_plain(folder / "plain")
    row("", "in MB/s", "out MB/s", "ratio in", "ratio out")
    row("plain file, SHA-256, one fsync", *plain)
    for kib in (64, 128, 256):
        for batch in (1, 4):
            db, blobs = open_blobs(folder / f"{kib}-{batch}.db", kib, batch)
            figures = await receive(blobs, size), await read(blobs)
            row(f"chunks of {kib} KiB, {batch} a write", *figures, figures[0] / plain[0], figures[1] / plain[1])
            await db.close()
    db, blobs = open_blobs(folder / "more.db", 128, 4)
    await measure_waiting(blobs, size)
    await measure_small(blobs)
    await db.close()
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")


def open_blobs(path: Path, kib: int, batch: int) -> tuple[Database, Blobs]:
    """Blobs with chunks of `kib`, `batch` of them a write."""
    db = open_database(Config(path))
    blobs = Blobs(db, system_clock)
    blobs.chunk_bytes, blobs.batch = kib * 1024, batch
    return db, blobs


async def stream_of(size: int, seed: bytes = b"") -> AsyncIterator[bytes]:
    """`size` bytes in pieces as a server gets them."""
    piece = os.urandom(PIECE - 32)
    for n in range(size // PIECE):
        yield sha256(seed + n.to_bytes(8, "big")).digest() + piece


def write_plain(path: Path, size: int) -> float:
    """MB/s of the same stream into a file, with its hash."""
    started, piece, hasher = time.perf_counter(), os.urandom(PIECE), sha256()
    with path.open("wb", buffering=0) as file:
        for _ in range(size // PIECE):
            hasher.update(piece)
            file.write(piece)
        os.fsync(file.fileno())
    return size / MB / (time.perf_counter() - started)


def read_plain(path: Path) -> float:
    """MB/s out of the file, piece by piece."""
    started = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        while file.read(PIECE):
            pass
    return path.stat().st_size / MB / (time.perf_counter() - started)


async def receive(blobs: Blobs, size: int) -> float:
    """MB/s in."""
    started = time.perf_counter()
    blob = await blobs.receive(stream_of(size), max_bytes=size)
    took = time.perf_counter() - started
    await blobs.db.write(keep, blob.hash)
    return blob.size / MB / took


async def read(blobs: Blobs) -> float:
    """MB/s out of the largest blob."""
    hash = await blobs.db.read(find_largest)
    started, total = time.perf_counter(), 0
    async for piece in blobs.open(hash):
        total += len(piece)
    return total / MB / (time.perf_counter() - started)


def find_largest(conn: Connection) -> str:
    """Its hash."""
    return str(conn.scalar(text("SELECT hash FROM core_blob WHERE hash IS NOT NULL ORDER BY size DESC LIMIT 1")))


async def measure_waiting(blobs: Blobs, size: int) -> None:
    """How long a small write takes while a large blob comes in, and while one is swept away."""
    print("a small write meanwhile: ", end="")
    alone = await time_writes(blobs.db, lambda: asyncio.sleep(1))
    receiving = await time_writes(blobs.db, lambda: receive(blobs, size))
    await blobs.db.write(drop, await blobs.db.read(find_largest))
    blobs.clock = lambda: system_clock() + DAY
    await blobs.sweep(store.Graces(0, 0))
    blobs.clock = lambda: system_clock() + 2 * DAY
    started = time.perf_counter()
    sweeping = await time_writes(blobs.db, lambda: blobs.sweep(store.Graces(0, 0)))
    took = time.perf_counter() - started
    print(f"alone {alone}, receiving {receiving}, sweeping {sweeping} ({size / MB / took:.0f} MB/s swept)")
    blobs.clock = system_clock


async def time_writes(db: Database, load: Callable[[], Awaitable[object]]) -> str:
    """Median and worst of small writes one after the other until `load` is done, in ms."""

    def write(conn: Connection) -> None:
        conn.execute(text("UPDATE core_blob SET touched_at = touched_at WHERE id = -1"))

    task, times = asyncio.ensure_future(load()), []
    while not task.done():
        started = time.perf_counter()
        await db.write(write)
        times.append((time.perf_counter() - started) * 1000)
    await task
    times.sort()
    return f"{times[len(times) // 2]:.1f} ms (worst {times[-1]:.0f})"


async def measure_small(blobs: Blobs, count: int = 2000, at_once: int = 32) -> None:
    """Blobs of 10 KB a second, many connections at once."""
    numbers = iter(range(count))

    async def fill() -> None:
        for n in numbers:
            data = n.to_bytes(8, "big") + os.urandom(10_000)

            async def stream(data: bytes = data) -> AsyncIterator[bytes]:
                yield data

            await blobs.receive(stream(), max_bytes=len(data))

    started = time.perf_counter()
    await asyncio.gather(*(fill() for _ in range(at_once)))
    print(f"blobs of 10 KB, {at_once} at once: {count / (time.perf_counter() - started):.0f} a second")


def row(name: str, *figures: float | str) -> None:
    """One line of the table."""
    cells = (
        figure if isinstance(figure, str) else f"{figure:.2f}" if figure < 10 else f"{figure:.0f}" for figure in figures
    )
    print(f"{name:34}" + "".join(f"{cell:>10}" for cell in cells))


if __name__ == "__main__":
    main()
