"""One moment of a database as a file of its own, taken while others write to it."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
from sqlalchemy import text

from fazt.apps.backup import store
from fazt.apps.backup.model import Contents, TableSum
from fazt.core.db.copying import Advance, sync_file
from fazt.core.db.sqlite import create_sqlite_engine

LEFT_OUT = ("sqlite_", "_litestream_", "backup_contents")
"""Tables that belong to the file and not to the data."""

_encode = msgspec.msgpack.Encoder().encode


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
