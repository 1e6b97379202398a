"""A backup of a file in use beside `sqlite3 .backup` and `cp`, and what writers feel of it meanwhile."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from sqlalchemy import Connection, text

from fazt.apps.backup.engine.making import create
from fazt.apps.backup.engine.orders import Order
from fazt.apps.backup.engine.packing import ignore
from fazt.core.clock import system_clock
from fazt.core.config import Config
from fazt.core.db import Database, open_database
from fazt.core.db.copying import copy_database, sync_file

CHUNK = 128 * 1024
WRITERS = 16


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mb", type=int, default=256, help="size of the file (the rule speaks of 2048)")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--folder", type=Path, help="where to write (a temporary folder)")
    given = options.parse_args()
    logging.disable(logging.WARNING)  # that writes are slow here is what is measured
    with tempfile.TemporaryDirectory(dir=given.folder, prefix="fazt-bench-") as name:
        folder = Path(name)
        asyncio.run(fill(folder / "data.db", given.mb))
        print(f"a file of {(folder / 'data.db').stat().st_size / 1e6:.0f} MB")
        compare(folder, given.rounds)
        asyncio.run(measure_writers(folder, given.rounds))


async def fill(data: Path, megabytes: int) -> None:
    """A file as clouds have them: four fifths in large rows, one fifth in small ones with an index."""
    db = open_database(Config(data))
    await db.write(make_tables)
    for _ in range(megabytes * 4 // 5 * 1_000_000 // (64 * CHUNK) + 1):
        await db.write(add_chunks)
    for _ in range(megabytes // 5 * 1_000_000 // (20_000 * 150)):
        await db.write(add_rows)
    await db.close()


def make_tables(conn: Connection) -> None:
    """Two tables of the benchmark's own."""
    conn.exec_driver_sql("CREATE TABLE bench_chunk (id INTEGER PRIMARY KEY, data BLOB)")
    conn.exec_driver_sql("CREATE TABLE bench_row (id INTEGER PRIMARY KEY, words TEXT)")
    conn.exec_driver_sql("CREATE INDEX bench_row_words ON bench_row (words)")


def add_chunks(conn: Connection) -> None:
    """64 large rows."""
    conn.execute(
        text("INSERT INTO bench_chunk (data) VALUES (:data)"), [{"data": os.urandom(CHUNK)} for _ in range(64)]
    )


def add_rows(conn: Connection) -> None:
    """20,000 small rows."""
    rows = [{"words": os.urandom(25).hex()} for _ in range(20_000)]
    conn.execute(text("INSERT INTO bench_row (words) VALUES (:words)"), rows)


def add_row(conn: Connection) -> None:
    """One small write."""
    conn.execute(text("INSERT INTO bench_row (words) VALUES ('a small write')"))


def compare(folder: Path, rounds: int) -> None:
    """Seconds to a durable copy, each way in turn; the median of the ratios to cp."""
    data, target = folder / "data.db", folder / "copy.db"
    ways: dict[str, Callable[[], object]] = {
        "cp": lambda: shutil.copyfile(data, target),
        "sqlite3 .backup": lambda: subprocess.run(["sqlite3", str(data), f".backup {target}"], check=True),
        "fazt, the copy alone": lambda: copy_database(data, target, ignore),
        "fazt backup create, plain": lambda: run_create(folder, compress=False),
        "fazt backup create, zstd": lambda: run_create(folder, compress=True),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            target.unlink(missing_ok=True)
            started = time.perf_counter()
            way()
            if target.exists():
                sync_file(target)
            took[name].append(time.perf_counter() - started)
            shutil.rmtree(folder / "backups", ignore_errors=True)
    target.unlink(missing_ok=True)
    size = data.stat().st_size / 1e6
    print(f"{'':28}{'s':>8}{'MB/s':>8}{'times cp':>10}")
    for name, times in took.items():
        ratio = statistics.median(time / cp for time, cp in zip(times, took["cp"], strict=True))
        middle = statistics.median(times)
        print(f"{name:28}{middle:8.1f}{size / middle:8.0f}{ratio:10.2f}")


def make_order(folder: Path, *, compress: bool) -> Order:
    """A backup into a folder beside."""
    return Order("create", str(folder / "data.db"), str(folder / "backups"), system_clock(), compress=compress)


def run_create(folder: Path, *, compress: bool) -> None:
    """A whole backup: copy, rows and hashes of every table, storing."""
    create(make_order(folder, compress=compress), lambda *_: None)


class Writes(msgspec.Struct):
    """How long each write took (ms), in so many seconds."""

    times: list[float]
    seconds: float


def is_past(end: float) -> bool:
    """Whether the time is over."""
    return time.perf_counter() > end


async def measure_writers(folder: Path, rounds: int) -> None:
    """How long a durable write takes under full load: during a backup, and as long alone, half before, half after."""
    db = open_database(Config(folder / "data.db"))
    ratios: dict[str, list[float]] = {"median": [], "p99": [], "rate": []}
    print(f"{WRITERS} writers at full load:")
    tidy(folder)
    half = 5.0
    await time_alone(db, half)  # until the log has the size that it keeps
    for _ in range(rounds):
        before = await time_alone(db, half)
        done = asyncio.Event()
        backup = asyncio.create_task(run_worker(folder, done))
        during = await time_writes(db, done.is_set)
        await backup
        await asyncio.to_thread(tidy, folder)
        half = min(15.0, max(5.0, during.seconds / 2))
        after = await time_alone(db, half)
        alone, beside = figures_of(before, after), figures_of(during)
        print(f"  alone  {describe(alone)}\n  backup {describe(beside)}")
        for place, name in enumerate(ratios):
            ratios[name].append(beside[place] / alone[place])
    said = ", ".join(f"{name} {statistics.median(values):.2f}" for name, values in ratios.items())
    print(f"during a backup, times alone (median of {rounds}): {said}")
    await db.close()


def tidy(folder: Path) -> None:
    """Remove the backup, and wait until the disk is done with that: it is no part of what is measured."""
    shutil.rmtree(folder / "backups", ignore_errors=True)
    os.sync()


async def time_alone(db: Database, seconds: float) -> Writes:
    """Writes for so long, from when the disk is at rest."""
    await asyncio.sleep(1)
    return await time_writes(db, partial(is_past, time.perf_counter() + seconds))


async def run_worker(folder: Path, done: asyncio.Event) -> None:
    """The process that the program starts for a backup."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "fazt.apps.backup.engine.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.write(msgspec.json.encode(make_order(folder, compress=True)) + b"\n")
    await process.wait()
    done.set()


async def time_writes(db: Database, is_over: Callable[[], bool]) -> Writes:
    """Write until it is over."""
    times: list[float] = []

    async def write() -> None:
        while not is_over():
            started = time.perf_counter()
            await db.write(add_row)
            times.append((time.perf_counter() - started) * 1_000)

    started = time.perf_counter()
    await asyncio.gather(*(write() for _ in range(WRITERS)))
    return Writes(times, time.perf_counter() - started)


def figures_of(*windows: Writes) -> tuple[float, float, float, float]:
    """Median and p99 (ms) of all writes, how many a second, and how many seconds."""
    times = sorted(time for window in windows for time in window.times)
    seconds = sum(window.seconds for window in windows)
    return times[len(times) // 2], times[len(times) * 99 // 100], len(times) / seconds, seconds


def describe(figures: tuple[float, float, float, float]) -> str:
    """A line of figures."""
    return f"median {figures[0]:6.2f} ms, p99 {figures[1]:6.2f} ms, {figures[2]:6.0f} a second, for {figures[3]:.0f} s"


if __name__ == "__main__":
    main()
