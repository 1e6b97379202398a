"""Killed at any moment: what was acknowledged is there whole, what was not leaves nothing after the sweep."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path
from random import Random

from fazt.core.blobs import Blobs, drop, store
from fazt.core.clock import DAY, system_clock
from fazt.core.config import Config
from fazt.core.db import open_database
from tests.core.blobs import crash_writer
from tests.core.blobs.conftest import Clock
from tests.core.blobs.crash_writer import make_bytes
from tests.core.blobs.test_engine import count, read_all

KILLS = 5
Told = dict[str, tuple[int, int]]


async def run_and_kill(path: Path, run: int, kept: Told, uploads: Told) -> None:
    """Let the writer tell some facts, then kill it and note all that it told."""
    lines = Random(run).randrange(3, 25)
    command = (sys.executable, "-m", crash_writer.__name__, str(path), str(1000 * run))
    writer = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert writer.stdout is not None
    try:
        told = [await writer.stdout.readline() for _ in range(lines)]
    finally:
        writer.kill()
    told += (await writer.stdout.read()).splitlines()
    await writer.wait()
    for line in told:
        what, name, seed, size = line.decode().split()
        (kept if what == "kept" else uploads)[name] = (int(seed), int(size))


async def test_killed_at_any_moment(data_file: Path) -> None:
    kept: Told = {}
    uploads: Told = {}
    for run in range(KILLS):
        await run_and_kill(data_file, run, kept, uploads)
    assert kept
    assert uploads
    with sqlite3.connect(data_file) as conn:
        assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    conn.close()
    clock = Clock()
    clock.now = system_clock()
    blobs = Blobs(open_database(Config(data_file)), clock)
    for hash, (seed, size) in kept.items():
        assert await read_all(blobs, hash) == make_bytes(seed, size)
        await blobs.db.write(drop, hash)
    for upload, (seed, acknowledged) in uploads.items():
        offset = await blobs.offset(upload)
        assert offset >= acknowledged
        blob = await blobs.finish(upload)
        assert await read_all(blobs, blob.hash) == make_bytes(seed, offset)
    for _ in range(3):
        clock.now += DAY
        await blobs.sweep(store.Graces(0, 0))
    left = await blobs.db.read(count)
    await blobs.db.close()
    # A blob may have been kept just before the kill, and not told any more.
    assert left[0] <= KILLS
