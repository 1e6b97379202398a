"""Durable creates over HTTP beside one commit each, and blobs in data.db beside a plain file with fsync."""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection, text

sys.path.insert(0, str(Path(__file__).parents[1]))

from fazt.core.blobs import Blobs, drop, keep, store
from fazt.core.clock import DAY, system_clock
from fazt.core.config import Config
from fazt.core.db import Database, open_database
from tests.program import Program

PIECE = 64 * 1024
MB = 1_000_000
WRITERS = 32
POST = """
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer {token}"
wrk.body = '{{"title": "a document", "number": 42, "tags": ["one", "two"]}}'
"""


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mb", type=int, default=256, help="size of the large blob")
    options.add_argument("--folder", type=Path, help="where to write (a temporary folder)")
    options.add_argument("--rounds", type=int, default=5, help="runs of creates, in turns")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="fazt-bench-") as folder:
        measure_creates(Path(folder), given.rounds)
        asyncio.run(measure_blobs(Path(folder), given.mb * MB))


def measure_creates(folder: Path, rounds: int) -> None:
    """Documents a second that are on disk when they are answered, beside rows of the same size committed one by one."""
    if shutil.which("wrk") is None:
        sys.exit("bench/db.py needs Debian's package wrk.")
    with Program(folder) as program:
        token = program.run("token", "create", "bench", "--scope", "textdb:write").stdout.strip()
        script = folder / "post.lua"
        script.write_text(POST.format(token=token))
        pairs = [(post_for(program, script), commit_for(folder / "alone.db")) for _ in range(rounds)]
    over_http, alone = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    print(
        f"creates over HTTP, {WRITERS} writers: {over_http:,.0f} a second; one commit each, without HTTP: {alone:,.0f}"
    )
    print(f"ratio {over_http / alone:.1f}, medians of {rounds} rounds in turns")


def post_for(program: Program, script: Path, seconds: int = 3) -> float:
    """Creates a second over HTTP."""
    command = ["wrk", "-t1", f"-c{WRITERS}", f"-d{seconds}s", "-s", str(script), f"{program.url}/db/bench"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found, said
    assert "Non-2xx" not in said, said
    return float(found[1])


def commit_for(path: Path, seconds: float = 3.0) -> float:
    """Rows a second, each in a transaction of its own, with the same promise: WAL and synchronous=FULL."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY, body TEXT)")
    body, count, started = "x" * 200, 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        conn.execute("INSERT INTO row (body) VALUES (?)", (body,))
        count += 1
    conn.close()
    return count / (time.perf_counter() - started)


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
