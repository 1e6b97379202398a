"""SQLite's log while much is written: it is folded in beside the writer, and does not grow for ever."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection

from fazt.core.config import Config
from fazt.core.db import Database, folding, open_database, sqlite
from tests.core.jobs.parts import eventually

MIB = 1 << 20
PIECE = 256 * 1024


@pytest.fixture
async def db(data_file: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A file with room for ballast, and a log that is folded in early."""
    monkeypatch.setattr(folding, "FOLD_BYTES", MIB)
    monkeypatch.setattr(folding, "LOG_BYTES", 4 * MIB)
    monkeypatch.setattr(sqlite, "VAST_BYTES", 0)
    database = open_database(Config(data=data_file))
    await database.write(lambda conn: conn.exec_driver_sql("CREATE TABLE core_ballast (n INTEGER, data BLOB)"))
    yield database
    await database.close()


def fill(conn: Connection, n: int) -> None:
    conn.exec_driver_sql("INSERT INTO core_ballast VALUES (?, zeroblob(?))", (n, PIECE))


def size_of(path: Path) -> int:
    return path.stat().st_size


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


async def test_the_log_of_much_that_is_written_is_folded_in_and_begun_anew(db: Database, data_file: Path) -> None:
    for n in range(12 * MIB // PIECE):
        await db.write_bulk(PIECE, fill, n)
    assert size_of(log_of(data_file)) < 6 * MIB
    assert await db.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM core_ballast").scalar_one()) == 48


async def test_another_thread_folds_in_before_the_writer_has_to(db: Database, data_file: Path) -> None:
    before = size_of(data_file)
    for n in range(2 * MIB // PIECE):
        await db.write_bulk(PIECE, fill, n)
    await eventually(lambda: size_of(data_file) > before)
    assert any(thread.name == "fazt-fold" for thread in threading.enumerate())
    await db.close()
    assert not any(thread.name == "fazt-fold" for thread in threading.enumerate())
    with closing(sqlite3.connect(data_file)) as conn:
        assert conn.execute("SELECT count(*) FROM core_ballast").fetchone() == (8,)


async def test_where_room_is_short_the_log_stays_short(
    db: Database, data_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the log needs room in the file as well: a long one could fill the disk up for good."""
    monkeypatch.setattr(sqlite, "VAST_BYTES", 1 << 62)
    monkeypatch.setattr(sqlite, "PAGES", MIB // 8192)
    for n in range(12 * MIB // PIECE):
        await db.write_bulk(PIECE, fill, n)
    assert size_of(log_of(data_file)) < 2 * MIB
    assert not any(thread.name == "fazt-fold" for thread in threading.enumerate())


async def test_nothing_is_folded_in_where_another_program_does(db: Database, data_file: Path) -> None:
    db.leave_checkpoints(to_others=True)
    for n in range(8 * MIB // PIECE):
        await db.write_bulk(PIECE, fill, n)
    assert size_of(log_of(data_file)) > 8 * MIB


async def test_a_long_reader_keeps_its_moment_and_costs_nobody_an_answer(
    db: Database, data_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A reader of before holds the log where it is."""
    with closing(sqlite3.connect(data_file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM core_ballast").fetchone() == (0,)
        for n in range(8 * MIB // PIECE):
            await db.write_bulk(PIECE, fill, n)
        assert size_of(log_of(data_file)) > 8 * MIB
        assert reader.execute("SELECT count(*) FROM core_ballast").fetchone() == (0,)
    assert await db.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM core_ballast").scalar_one()) == 32
    assert not caplog.records
