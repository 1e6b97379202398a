"""Writes that need not be on disk when they are answered, and those that bring them there."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, text

from fazt.core.db import Database


def ask_sync(conn: Connection) -> str:
    """How the commit of this transaction treats the disk."""
    if conn.dialect.name == "postgresql":
        return str(conn.scalar(text("SHOW synchronous_commit")))
    return {2: "on", 1: "off"}[int(conn.scalar(text("PRAGMA synchronous")) or 0)]


def add(conn: Connection, number: int) -> str:
    """Put a row into a table of the test's own."""
    conn.execute(text("INSERT INTO core_soon VALUES (:n)"), {"n": number})
    return ask_sync(conn)


def count(conn: Connection) -> int:
    """How many rows there are."""
    return conn.scalar(text("SELECT count(*) FROM core_soon")) or 0


def create(conn: Connection) -> None:
    """Make the table."""
    conn.execute(text("CREATE TABLE core_soon (n INTEGER)"))


async def test_what_is_written_soon_is_seen_at_once_and_syncs_with_what_comes_after(database: Database) -> None:
    await database.write(create)
    assert await database.write_soon(add, 1) == "off"
    assert await database.read(count) == 1
    assert await database.write(add, 2) == "on"
    assert await database.write_soon(add, 3) == "off"
    assert await database.read(count) == 3


async def test_one_that_must_be_on_disk_takes_the_others_of_its_commit_along(database: Database) -> None:
    await database.write(create)
    many = [database.write(add, n) if n == 7 else database.write_soon(add, n) for n in range(20)]
    found = await asyncio.gather(*many)
    assert found[7] == "on"
    assert await database.read(count) == 20
