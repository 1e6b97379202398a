"""PostgreSQL: the same store functions on a pool of threads and psycopg connections.

Every write is SERIALIZABLE and run again when PostgreSQL says that two of them clashed, so a
store function may reason as if it were alone, as it is on SQLite.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NoReturn

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from fazt.core.db.carrier import P, Signals, StoreFunction, T, equip, run_all, run_store, take_after_commit
from fazt.core.errors import OverQuota, Unavailable
from fazt.core.log import get_logger

SIZE = 8
TRIES = 12
CLASHED = {"40001", "40P01"}
FULL = {"53100", "53200"}

log = get_logger(__name__)


def parse_url(url: str) -> URL:
    """`postgresql://…` with the driver that fazt uses."""
    return make_url(url).set(drivername="postgresql+psycopg")


class PostgresDatabase:
    """The Database over a server."""

    has_look = False

    def __init__(self, url: str, size: int = SIZE) -> None:
        self.engine = create_engine(parse_url(url), pool_size=size, max_overflow=0, pool_pre_ping=True)
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="fazt-pg")
        self._signals = Signals()
        equip(self.engine, self._signals)
        self._closed = False

    async def read(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.read."""
        answer: T = await self._send(self._read, fn, args, kwargs)
        return answer

    async def read_lane(self, lane: int, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:  # noqa: ARG002 - as the Protocol's
        """See Database.read_lane. Here any thread of the pool reads it."""
        return await self.read(fn, *args, **kwargs)

    async def point(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.point."""
        answer: T = await self._send(self._read, fn, args, kwargs)
        return answer

    def look(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.look."""
        raise NotImplementedError

    def look_briefly(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.look_briefly."""
        raise NotImplementedError

    async def write(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.write."""
        answer: T = await self._send(partial(self._write, asyncio.get_running_loop(), False), fn, args, kwargs)
        return answer

    async def write_soon(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """See Database.write_soon."""
        answer: T = await self._send(partial(self._write, asyncio.get_running_loop(), True), fn, args, kwargs)
        return answer

    async def write_bulk(self, size: int, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:  # noqa: ARG002 - as the Protocol's
        """See Database.write_bulk."""
        return await self.write_soon(fn, *args, **kwargs)

    async def _send(self, how: Callable[..., Any], fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if self._closed:
            raise Unavailable("The server is stopping.", hint="Try again in a moment.")
        return await asyncio.get_running_loop().run_in_executor(self._threads, how, fn, args, kwargs)

    def watch(self, name: str, call: Callable[[], None]) -> Callable[[], None]:
        """See Database.watch."""
        return self._signals.watch(name, call)

    def check_room(self, size: int) -> None:
        """See Database.check_room. The server's disk is elsewhere, and it keeps a reserve of its own."""

    def leave_checkpoints(self, *, to_others: bool) -> None:
        """See Database.leave_checkpoints. Here the server does as it thinks best."""

    async def close(self) -> None:
        """See Database.close."""
        self._closed = True
        await asyncio.to_thread(self._threads.shutdown, wait=True)
        self.engine.dispose()

    def _read(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        try:
            with self.engine.connect().execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            ) as conn:
                return run_store(fn, conn, args, kwargs)
        except OperationalError as error:
            raise_known(error)

    def _write(
        self,
        loop: asyncio.AbstractEventLoop,
        is_soon: bool,  # noqa: FBT001 - bound by place
        fn: Callable[..., Any],
        args: Any,
        kwargs: Any,
    ) -> Any:
        for tried in range(TRIES):
            try:
                answer, after = self._write_once(fn, args, kwargs, is_soon=is_soon)
                if after:  # from here, since whoever asked may have stopped waiting for the answer
                    loop.call_soon_threadsafe(run_all, after)
                return answer
            except DBAPIError as error:
                if sqlstate(error) not in CLASHED or tried == TRIES - 1:
                    raise_known(error)
            time.sleep(random.uniform(0, 0.005 * 2 ** min(tried, 5)))  # noqa: S311 - jitter, not a secret
        raise AssertionError("the last try returns or raises")

    def _write_once(
        self, fn: Callable[..., Any], args: Any, kwargs: Any, *, is_soon: bool
    ) -> tuple[Any, list[Callable[[], None]]]:
        with self.engine.connect().execution_options(isolation_level="SERIALIZABLE") as conn:
            take_after_commit(conn)
            with conn.begin():
                if is_soon:
                    conn.exec_driver_sql("SET LOCAL synchronous_commit = off")
                answer = run_store(fn, conn, args, kwargs)
            return answer, take_after_commit(conn)


def sqlstate(error: DBAPIError) -> str:
    """PostgreSQL's five characters for what went wrong, or ""."""
    return str(getattr(error.orig, "sqlstate", "") or "")


def raise_known(error: DBAPIError) -> NoReturn:
    """Full disks and lost servers as errors that edges know; everything else as it is."""
    state = sqlstate(error)
    if state in FULL:
        raise OverQuota("The disk of the database server is full; nothing was changed.") from error
    if state in CLASHED or isinstance(error, OperationalError):
        told = "The database cannot be reached or is busy; nothing was changed."
        raise Unavailable(told, hint="Try again.") from error
    raise error
