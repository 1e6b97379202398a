"""One moment of a SQLite file as a file of its own, taken while others write to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from fazt.core.db.steady import Steady
from fazt.core.errors import Invalid, OverQuota, Unavailable

KEEP_FREE_BYTES = 64 * 1024 * 1024
STEP_BYTES = 256 * 1024

Advance = Callable[[int, int], None]
"""Called with what is done and what there is to do, in bytes."""


def copy_database(source: Path, target: Path, advance: Advance, *, live: Path | None = None) -> None:
    """The database as it is now, in a file that any tool opens.

    SQLite's backup API reads in steps inside one read transaction, so writers are neither
    blocked nor make it begin again, and what it writes goes to disk steadily, so that they get theirs.
    `live` is the database that is in use, where that is not the source.
    """
    address = f"{source.absolute().as_uri()}?mode=ro"
    with translated(), closing(sqlite3.connect(address, uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        (page_bytes,) = reader.execute("PRAGMA page_size").fetchone()
        (pages,) = reader.execute("PRAGMA page_count").fetchone()
        reader.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on, the snapshot holds
        check_room(target.parent, pages * page_bytes)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600))  # nobody else reads it, from its first byte on
        with closing(sqlite3.connect(target, isolation_level=None)) as writer:
            writer.execute("PRAGMA synchronous=OFF")  # flushed by hand, in small pieces
            writer.execute("PRAGMA journal_mode=OFF")
            with closing(Steady(target, live or source)) as steady:

                def step(_status: int, remaining: int, total: int) -> None:
                    advance((total - remaining) * page_bytes, total * page_bytes)
                    steady.note((total - remaining) * page_bytes)

                reader.backup(writer, pages=max(1, STEP_BYTES // page_bytes), progress=step)
            writer.execute("PRAGMA journal_mode=DELETE")  # no log beside it, wherever it is opened
    target.chmod(0o600)
    sync_file(target)


@contextmanager
def translated() -> Iterator[None]:
    """What SQLite says of full disks and damaged files, as errors that edges know."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise Unavailable(f"The copy could not be made: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise Invalid(f"The file is damaged: {error}.") from error


def sync_file(path: Path) -> None:
    """Have a file, or the names in a folder, on disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def check_room(folder: Path, size: int) -> None:
    """Raises OverQuota where `size` more bytes would fill the disk of `folder`."""
    free = shutil.disk_usage(folder).free
    if free < size + KEEP_FREE_BYTES:
        raise OverQuota(
            f"This needs {size // 1_000_000 + 1} MB in {folder}, where {free // 1_000_000} MB are free.",
            hint="Make room, or choose another place.",
        )
