"""Putting another file in the place of data.db, so that at every moment one of the two is there, whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from fazt.core.clock import to_datetime
from fazt.core.db.copying import sync_file
from fazt.core.errors import Conflict, Unavailable
from fazt.core.instance import InstanceLock
from fazt.core.log import get_logger

LOCK_S = 20.0
BUSY_S = 5.0
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
RESTORING = ".restoring"
REPLACED = ".replaced-"

log = get_logger(__name__)


def replaced_path(data: Path, now: int) -> Path:
    """Where the file that is replaced is kept."""
    return data.with_name(f"{data.name}{REPLACED}{to_datetime(now).strftime('%Y-%m-%dT%H-%M-%S.%fZ')}")


def swap(data: Path, prepared: Path, kept: Path) -> None:
    """`prepared` becomes `data`, which is kept as `kept`. The caller has closed both.

    Each step leaves data.db whole: its log is folded in before anything moves, the second name is given
    before the first is taken away, and a rename is one act. Raises Conflict while another program has the file open.
    """
    with held(data, LOCK_S):
        put_in_place(data, prepared, kept)


@contextmanager
def held(data: Path, patience_s: float) -> Iterator[None]:
    """Nobody else opens the file inside the block. Raises Unavailable where somebody has it open already."""
    lock = InstanceLock(data)
    end = time.monotonic() + patience_s
    while not lock.acquire():
        if time.monotonic() > end:
            raise Unavailable(f"Another fazt has opened {data}.", hint="Stop it, and restore again.")
        time.sleep(0.05)
    try:
        yield
    finally:
        lock.release()


def put_in_place(data: Path, prepared: Path, kept: Path) -> None:
    """As `swap`, for a caller that holds the file already."""
    if data.exists():
        fold_log(data, kept)
        keep(data, kept)
    prepared.rename(data)
    sync_file(data.parent)
    log.info("%s is in place; the file before it is kept as %s", data, kept.name)


def fold_log(data: Path, kept: Path) -> None:
    """Bring everything that stands in the log beside data.db into it, and take the log away.

    A log that lay there when another file takes the name would be played into that. Where the
    old file is too broken for it, the log is kept beside it as it is.
    """
    log_file = data.with_name(data.name + "-wal")
    try:
        with closing(sqlite3.connect(f"{data.absolute().as_uri()}?mode=ro", uri=True)) as conn:
            conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(data, isolation_level=None, timeout=BUSY_S)) as conn:
            conn.execute("PRAGMA synchronous=FULL")
            busy, *_ = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise Conflict(f"Another program has {data} open.", hint="Close it, and restore again.")
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code not in DAMAGED:
            raise Unavailable(f"{data} cannot be closed properly: {error}.", hint="Nothing was changed.") from error
        log.warning("the file that is replaced is damaged: %s", error)
        if log_file.exists():
            keep(log_file, kept.with_name(kept.name + "-wal"))
    log_file.unlink(missing_ok=True)
    data.with_name(data.name + "-shm").unlink(missing_ok=True)
    sync_file(data.parent)


def keep(path: Path, kept: Path) -> None:
    """A second name for a file; where the file system knows none, a copy."""
    try:
        os.link(path, kept)
    except OSError:
        shutil.copyfile(path, kept)
        kept.chmod(0o600)
        sync_file(kept)
    sync_file(kept.parent)


def list_replaced(data: Path) -> list[Path]:
    """The files that restores have replaced, newest first."""
    found = [path for path in data.parent.glob(f"{data.name}{REPLACED}*") if not path.name.endswith("-wal")]
    return sorted(found, key=lambda path: path.name, reverse=True)


def sweep_replaced(data: Path, *, older_than: float) -> list[str]:
    """Remove those older than a moment (s), but never the newest, and what a restore left that was cut off; which."""
    gone = []
    for path in [*list_replaced(data)[1:], *data.parent.glob(data.name + RESTORING)]:
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < older_than:
                path.unlink()
                path.with_name(path.name + "-wal").unlink(missing_ok=True)
                gone.append(path.name)
    return gone
