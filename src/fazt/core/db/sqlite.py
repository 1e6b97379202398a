"""SQLite: reader threads, and one writer thread with group commit.

The writer takes all jobs that wait (up to BATCH), runs each inside a savepoint of one
transaction, commits once, then answers all. So what was answered is on disk (WAL,
synchronous=FULL), and a thousand small writes cost a few fsyncs.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from fazt.core.db.calls import Call, post
from fazt.core.db.carrier import (
    P,
    Signals,
    StoreFunction,
    T,
    control,
    equip,
    take_after_commit,
)
from fazt.core.db.folding import PAGES, Folding
from fazt.core.db.gathering import Gathering
from fazt.core.db.guard import Guard
from fazt.core.db.looking import Looking, in_transaction, undo
from fazt.core.errors import FaztError, Invalid, OverQuota, Unavailable
from fazt.core.log import get_logger
from fazt.core.metrics import WRITE_BATCH, WRITE_SECONDS

BATCH = 256
READERS = 4
LANES = 2
LANE_CACHE_KIB = 512
"""Pages of large bytes are read once: in a small cache each is still near the processor when it is copied."""

SLOW_WRITE_S = 0.1
RESERVE_BYTES = 16 * 1024 * 1024
VAST_BYTES, VAST_S = 4 * 1024 * 1024 * 1024, 0.1
"""More room than a disk could be filled with in this time: so long it is not asked again for what is small."""

FULL = "The disk of this server is full; nothing was changed."
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=10000",
    "PRAGMA cache_size=-8000",
    "PRAGMA journal_size_limit=67108864",  # a long reader lets the log grow; afterwards it is cut back to this
    "PRAGMA temp_store=MEMORY",
    "PRAGMA secure_delete=ON",  # what is deleted is overwritten with zeros; Debian's SQLite does so by itself
    "PRAGMA trusted_schema=ON",  # SQLite 3.40 lets no index call json_extract otherwise (textdb makes such indexes)
)

log = get_logger(__name__)


def create_sqlite_engine(path: Path, guard: Guard | None = None) -> Engine:
    """An engine whose connections are in autocommit mode: transactions are begun by hand."""

    def connect() -> sqlite3.Connection:
        conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=1024)
        for pragma in PRAGMAS:
            conn.execute(pragma)
        if guard is not None:
            guard.watch(conn)
        return conn

    return create_engine(
        "sqlite://",
        creator=connect,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
    )


def foreseen(error: BaseException, *, reading: bool = False) -> BaseException:
    """Full disks, broken files and numbers over 64 bits as errors that edges know; everything else as it is.

    When `reading`, a refused write is no trouble of the file but a bug: the function belongs into `write`.
    """
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, OverflowError) and "SQLite INTEGER" in str(original):
        return caused(Invalid("A number is too large."), error)
    if not isinstance(original, sqlite3.Error):
        return error
    code = getattr(original, "sqlite_errorcode", 0) & 0xFF
    if reading and code == sqlite3.SQLITE_READONLY:
        return error
    if code == sqlite3.SQLITE_FULL:
        return caused(OverQuota(FULL, hint="Make room and try again."), error)
    if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY}:
        return caused(Unavailable("The server cannot write its file just now; nothing was changed."), error)
    return error


def caused(known: FaztError, error: BaseException) -> FaztError:
    """`known`, with what it was in the log."""
    known.__cause__ = error
    return known


class SqliteDatabase:
    """The Database over one file. `readers` threads read, one writes; `apps` own the tables named after them."""

    has_look = True

    def __init__(self, path: Path, apps: Collection[str] = (), readers: int = READERS) -> None:
        self.guard = Guard(apps)
        self.engine = create_sqlite_engine(path, self.guard)
        self.path = path
        self._signals = Signals()
        equip(self.engine, self._signals, self.guard.acting)
        self._point = self._connect_to_read()
        self._looking = Looking(self._point)
        self._reads: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._lanes: list[queue.SimpleQueue[Call | None]] = [queue.SimpleQueue() for _ in range(LANES)]
        self._writes: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._folding = Folding(self.engine)
        self._closed = False
        self._checkpoints_here = True
        self._syncs = True
        self._vast_until = 0.0
        self._is_vast = False
        self._threads = [self._new_reader(f"fazt-read-{n}", self._reads) for n in range(readers)]
        self._threads += [
            self._new_reader(f"fazt-lane-{n}", lane, LANE_CACHE_KIB) for n, lane in enumerate(self._lanes)
        ]
        self._threads.append(
            threading.Thread(target=self._write_forever, args=(self.engine.connect(),), name="fazt-write", daemon=True)
        )
        for thread in self._threads:
            thread.start()

    async def read(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.read."""
        return await self._send(self._reads, fn, args, kwargs)

    async def read_lane(self, lane: int, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.read_lane."""
        return await self._send(self._lanes[lane % LANES], fn, args, kwargs)

    async def point(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.point."""
        return self.look(fn, *args, **kwargs)

    def look(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.look."""
        self._looking.begin()
        try:
            with self.guard.acting(fn):
                return fn(self._point, *args, **kwargs)
        except DBAPIError as error:
            known = foreseen(error, reading=True)
            if known is error:
                raise
            raise known from error

    def look_briefly(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.look_briefly."""
        with self._looking.briefly():
            return self.look(fn, *args, **kwargs)

    async def write(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.write."""
        return await self._send(self._writes, fn, args, kwargs)

    async def write_soon(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.write_soon."""
        return await self._send(self._writes, fn, args, kwargs, is_soon=True)

    async def write_bulk(self, size: int, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.write_bulk."""
        self.check_room(size)
        return await self._send(self._writes, fn, args, kwargs, is_soon=True, size=size)

    async def _send(
        self,
        to: queue.SimpleQueue[Call | None],
        fn: Callable[..., T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        is_soon: bool = False,
        size: int = 0,
    ) -> T:
        if self._closed:
            raise Unavailable("The server is stopping.", hint="Try again in a moment.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        to.put(Call(fn, args, kwargs, loop, future, is_soon, size))
        return await future

    def watch(self, name: str, call: Callable[[], None]) -> Callable[[], None]:
        """See Database.watch."""
        return self._signals.watch(name, call)

    def check_room(self, size: int) -> None:
        """See Database.check_room. What is written stands in the log first, and in the file when that is folded in."""
        if size <= RESERVE_BYTES and time.monotonic() < self._vast_until:
            return
        disk = os.statvfs(self.path)
        room = disk.f_bavail * disk.f_frsize
        self._is_vast = room >= VAST_BYTES
        if self._is_vast:
            self._vast_until = time.monotonic() + VAST_S
        if room >= RESERVE_BYTES + 2 * size:
            return
        pages = self._point.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        if room < size or pages * self._point.exec_driver_sql("PRAGMA page_size").scalar_one() < 2 * size:
            raise OverQuota(FULL, hint="Make room and try again.")

    def leave_checkpoints(self, *, to_others: bool) -> None:
        """See Database.leave_checkpoints."""
        self._checkpoints_here = not to_others

    async def close(self) -> None:
        """See Database.close."""
        if self._closed:
            return
        self._closed = True
        for _ in self._threads[: -1 - LANES]:
            self._reads.put(None)
        for calls in (*self._lanes, self._writes):
            calls.put(None)
        self._looking.close()
        await asyncio.to_thread(self._join)

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()
        self._folding.close()
        self._point.close()
        with self.engine.connect() as conn:
            try:
                conn.exec_driver_sql("PRAGMA optimize")
                if self._checkpoints_here:
                    conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            except DBAPIError as error:  # all is in the log, which the next start reads
                log.warning("closing without a checkpoint: %s", error)
        self.engine.dispose()

    def _connect_to_read(self) -> Connection:
        conn = self.engine.connect()
        conn.exec_driver_sql("PRAGMA query_only=ON")
        return conn

    def _new_reader(self, name: str, calls: queue.SimpleQueue[Call | None], cache_kib: int = 0) -> threading.Thread:
        conn = self._connect_to_read()
        if cache_kib:
            conn.exec_driver_sql(f"PRAGMA cache_size=-{cache_kib}")
        return threading.Thread(target=self._read_forever, args=(conn, calls), name=name, daemon=True)

    def _read_forever(self, conn: Connection, calls: queue.SimpleQueue[Call | None]) -> None:
        with conn:
            while (call := calls.get()) is not None:
                try:
                    control(conn, "BEGIN")
                    with self.guard.acting(call.fn):
                        call.run(conn)
                except BaseException as error:  # noqa: BLE001 - carried to the caller, who raises it
                    call.error = error
                undo(conn)
                if call.error is not None:
                    call.error = foreseen(call.error, reading=True)
                post([call], self._looking.end)

    def _write_forever(self, conn: Connection) -> None:
        with conn:
            gathering = Gathering(self._writes, BATCH)
            pages: int | None = None
            while not gathering.is_over:
                batch = gathering.take()
                bulk = sum(call.size for call in batch) if self._is_vast else 0  # a long log could fill up a small disk
                wanted = self._checkpoint_pages(is_bulk=bulk > 0)
                if pages != wanted:
                    pages = wanted
                    conn.exec_driver_sql(f"PRAGMA wal_autocheckpoint={pages}")
                if batch:
                    started = time.perf_counter()
                    self._write_batch(conn, batch)
                    if bulk and pages:
                        self._folding.note(conn, bulk)
                    gathering.note(batch, time.perf_counter() - started)

    def _checkpoint_pages(self, *, is_bulk: bool) -> int:
        """From how many pages on a commit folds the log in by itself; while much is written another thread does."""
        if not self._checkpoints_here:
            return 0
        return 2 * PAGES if is_bulk else PAGES

    def _write_batch(self, conn: Connection, batch: list[Call]) -> None:
        """One transaction for all. If it cannot be kept, each gets one of its own, and its own error."""
        started = time.perf_counter()
        begun = False
        try:
            self._choose_sync(conn, syncs=not all(call.is_soon for call in batch))
            control(conn, "BEGIN IMMEDIATE")
            begun = True
            for call in batch:
                self._write_one(conn, call, is_alone=len(batch) == 1)
            commit(conn)
        except BaseException as error:  # noqa: BLE001 - carried to every caller, who raises it
            undo(conn)
            if begun and len(batch) > 1:
                for call in batch:
                    call.answer = call.error = call.after = None
                    self._write_batch(conn, [call])
                return
            for call in batch:
                call.answer, call.error, call.after = None, foreseen(error), None
        WRITE_BATCH.observe(len(batch))
        WRITE_SECONDS.observe(time.perf_counter() - started)
        post(batch, self._looking.end)

    def _choose_sync(self, conn: Connection, *, syncs: bool) -> None:
        """Whether the next commit waits for the disk. The log is in order, so one that waits brings all before it."""
        if syncs != self._syncs:
            control(conn, f"PRAGMA synchronous={'FULL' if syncs else 'NORMAL'}")
            self._syncs = syncs

    def _write_one(self, conn: Connection, call: Call, *, is_alone: bool) -> None:
        """Run one call. Alone in its transaction it needs no savepoint: what it raises undoes all of that."""
        started = time.perf_counter()
        if not is_alone:
            control(conn, "SAVEPOINT fazt_call")
        with self.guard.acting(call.fn):
            call.run(conn)
        after = take_after_commit(conn)
        if call.error is None:
            call.after = after
        elif is_alone or not in_transaction(conn):  # SQLite itself undoes a whole transaction when the disk is full
            raise call.error
        else:
            control(conn, "ROLLBACK TO SAVEPOINT fazt_call")
            call.error = foreseen(call.error)
        if not is_alone:
            control(conn, "RELEASE SAVEPOINT fazt_call")
        took = time.perf_counter() - started
        if took > SLOW_WRITE_S:
            log.warning("slow write: %s.%s took %d ms", call.fn.__module__, call.fn.__qualname__, took * 1_000)


def commit(conn: Connection) -> None:
    """COMMIT, which may raise what a statement does: a deferred foreign key."""
    try:
        control(conn, "COMMIT")
    except sqlite3.IntegrityError as error:
        raise IntegrityError("COMMIT", None, error) from error
