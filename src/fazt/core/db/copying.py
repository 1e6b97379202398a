"""One moment of a SQLite file as a file of its own, taken while others write to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from fazt.core.errors import Invalid, OverQuota, Unavailable

KEEP_FREE_BYTES = 64 * 1024 * 1024
STEP_BYTES = 4 * 1024 * 1024
FLUSH_BYTES = 16 * 1024 * 1024
SHARE = 0.6
"""Of the time the copy works; the rest is for those who wait for the disk."""

Advance = Callable[[int, int], None]
"""Called with what is done and what there is to do, in bytes."""


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
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT, 0o600))  # nobody else reads it, from its first byte on
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
