"""One moment of a database as a file of its own, taken while others write to it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import text

from fazt.apps.backup import store
from fazt.apps.backup.engine.place import Advance, check_room, sync_file
from fazt.apps.backup.model import Contents, TableSum
from fazt.core.db.sqlite import create_sqlite_engine
from fazt.core.errors import Invalid, Unavailable

STEP_BYTES = 4 * 1024 * 1024
FLUSH_BYTES = 16 * 1024 * 1024
SHARE = 0.6
"""Of the time the copy works; the rest is for those who wait for the disk."""

LEFT_OUT = ("sqlite_", "_litestream_", "backup_contents")
"""Tables that belong to the file and not to the data."""

_encode = msgspec.msgpack.Encoder().encode


def copy_database(source: Path, target: Path, advance: Advance) -> None:
    """The database as it is now, in a file that any tool opens.

    SQLite's backup API reads in steps inside one read transaction, so writers are neither
    blocked nor make it begin again, and between steps the copy rests, so that they get the disk.
    """
    address = f"{source.absolute().as_uri()}?mode=ro"
    with translated(), closing(sqlite3.connect(address, uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        (page_bytes,) = reader.execute("PRAGMA page_size").fetchone()
        (pages,) = reader.execute("PRAGMA page_count").fetchone()
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on, the snapshot holds
        check_room(target.parent, pages * page_bytes)
        with closing(sqlite3.connect(target, isolation_level=None)) as writer:
            writer.execute("PRAGMA synchronous=OFF")  # flushed by hand, in small pieces
            writer.execute("PRAGMA journal_mode=OFF")
            pace = Pace(target, page_bytes, advance)
            reader.backup(writer, pages=max(1, STEP_BYTES // page_bytes), progress=pace.step)
            writer.execute("PRAGMA journal_mode=DELETE")  # no log beside it, wherever it is opened
    target.chmod(0o600)
    sync_file(target)


class Pace:
    """Between the steps of a copy: tells how far it is, flushes, rests."""

    def __init__(self, target: Path, page_bytes: int, advance: Advance) -> None:
        self._target, self._page_bytes, self._advance = target, page_bytes, advance
        self._flushed = 0
        self._since = time.monotonic()

    def step(self, _status: int, remaining: int, total: int) -> None:
        """See sqlite3.Connection.backup."""
        done = (total - remaining) * self._page_bytes
        self._advance(done, total * self._page_bytes)
        if done - self._flushed >= FLUSH_BYTES or not remaining:
            self._flushed = done
            flush(self._target)
        worked = time.monotonic() - self._since
        if remaining:
            time.sleep(min(0.25, worked * (1 - SHARE) / SHARE))
        self._since = time.monotonic()


def flush(path: Path) -> None:
    """Bring what was written to disk and forget it, so that no one else's fsync has to wait for all of it."""
    number = os.open(path, os.O_RDWR)
    try:
        os.fdatasync(number)
        os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(number)


def sum_tables(path: Path, advance: Advance) -> dict[str, TableSum]:
    """Rows and hash of every table of a file that nobody writes to (virtual ones by the tables below them)."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as conn:
        conn.execute("BEGIN")
        return sum_open_tables(conn, path.stat().st_size, advance)


def sum_open_tables(conn: sqlite3.Connection, size: int, advance: Advance) -> dict[str, TableSum]:
    """As sum_tables, in the transaction that `conn` is in."""
    sums, done = {}, 0
    for name in list_tables(conn):
        hasher, rows = hashlib.sha256(), 0
        for row in conn.execute(f'SELECT * FROM "{name}" ORDER BY {key_of(conn, name)}'):  # noqa: S608 - names of the file's own tables
            encoded = _encode(row)
            hasher.update(encoded)
            rows, done = rows + 1, done + len(encoded)
            if rows % 64 == 0:
                advance(min(done, size), size)
        sums[name] = TableSum(rows, hasher.hexdigest())
    return sums


def list_tables(conn: sqlite3.Connection) -> list[str]:
    """The tables that hold data."""
    found = conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'")
    return sorted(name for (name,) in found if not name.startswith(LEFT_OUT))


def key_of(conn: sqlite3.Connection, table: str) -> str:
    """What brings the rows of a table into an order that is always the same: its key, or their number."""
    columns = conn.execute(f'PRAGMA table_info("{table}")').fetchall()
    key = sorted((column[5], column[1]) for column in columns if column[5])
    return ", ".join(f'"{name}"' for _, name in key) or "rowid"


def make_contents(path: Path, sums: dict[str, TableSum], *, at: int, version: str, domain: str) -> Contents:
    """What is in the copy at `path`; written into it, too. Raises Invalid for a file that is none of fazt's."""
    engine = create_sqlite_engine(path)
    with engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA journal_mode=DELETE")
        step = conn.scalar(text("SELECT version_num FROM alembic_version"))
        contents = Contents(
            at, version, str(step), store.find_epoch(conn), domain, sums, store.count_blobs_elsewhere(conn)
        )
        conn.exec_driver_sql("BEGIN IMMEDIATE")
        store.put_contents(conn, contents)
        conn.exec_driver_sql("COMMIT")
    engine.dispose()
    sync_file(path)
    return contents


@contextmanager
def translated() -> Iterator[None]:
    """What SQLite says of full disks and damaged files, as errors that edges know."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unavailable(f"The copy could not be made: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise Invalid(f"The file is damaged: {error}.") from error
