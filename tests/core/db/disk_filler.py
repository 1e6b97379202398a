"""A program that fills a small disk with writes, makes room, and goes on; it checks each step by itself."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, text

from fazt.core.config import Config
from fazt.core.db import Database, open_database
from fazt.core.errors import OverQuota

PUT = text("INSERT INTO note (id, words) VALUES (:id, :words)")
GOOD, NO_ROOM = "written", "no room"


def create(conn: Connection) -> None:
    """The table that is filled."""
    conn.exec_driver_sql("CREATE TABLE note (id INTEGER PRIMARY KEY, words TEXT NOT NULL)")


def put(conn: Connection, note_id: int, size: int) -> None:
    """A row of `size` bytes."""
    conn.execute(PUT, {"id": note_id, "words": "x" * size})


def list_ids(conn: Connection) -> list[int]:
    """What is there."""
    return [row.id for row in conn.execute(text("SELECT id FROM note ORDER BY id"))]


async def outcome(write: Callable[[], Awaitable[None]]) -> str:
    """Whether it was written or there was no room; anything else is raised."""
    try:
        await write()
    except OverQuota as error:
        if error.message != "The disk of this server is full; nothing was changed.":
            raise
        return NO_ROOM
    return GOOD


async def fill(db: Database, first_id: int) -> set[int]:
    """Eight writers at once until each of them has been refused; what was acknowledged."""
    kept: set[int] = set()

    async def write_until_full(note_id: int) -> None:
        while await outcome(partial(db.write, put, note_id, 20_000)) == GOOD:
            kept.add(note_id)
            note_id += 8

    await asyncio.gather(*(write_until_full(first_id + n) for n in range(8)))
    return kept


async def main(folder: Path) -> None:
    """Fill, read while full, make room, go on; twice."""
    ballasts = [folder / f"ballast{n}" for n in range(2)]
    for ballast in ballasts:
        ballast.write_bytes(bytes(600_000))
    path = folder / "data.db"
    db = open_database(Config(data=path))
    await db.write(create)
    kept: set[int] = set()
    for turn, ballast in enumerate(ballasts):
        kept |= await fill(db, 1_000 * (turn + 1))
        assert set(await db.read(list_ids)) == kept
        ballast.unlink()
        assert await outcome(partial(db.write, put, 100_000 + turn, 100_000)) == GOOD
        kept.add(100_000 + turn)
    kept |= await fill(db, 9_000)
    await db.close()
    with closing(sqlite3.connect(path)) as conn:
        assert {row[0] for row in conn.execute("SELECT id FROM note")} == kept
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    sys.stdout.write(f"{len(kept)} kept\n")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
