"""What both engines promise, and what store functions may ask of their Connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

P = ParamSpec("P")
T = TypeVar("T")
StoreFunction = Callable[Concatenate[Connection, P], T]

AFTER = "fazt_after_commit"


class Database(Protocol):
    """`await db.read(fn, *args)` and `await db.write(fn, *args)`; handlers never hold a connection."""

    async def read(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(conn, …)` on one snapshot of the data, on a reader thread."""
        ...

    async def point(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `read`, for look-ups by key that take microseconds: on SQLite run on the loop itself."""
        ...

    async def write(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(conn, …)` in a transaction, alone; the answer comes when it is on disk.

        What `fn` raises undoes what it did and is raised here. `fn` may be run again from the
        start (PostgreSQL, serialisation failures), so it touches nothing but the Connection.
        Raises OverQuota when the disk is full and Unavailable when the database is away.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted, then close; on SQLite with a checkpoint of the log."""
        ...


def after_commit(conn: Connection, call: Callable[[], None]) -> None:
    """Have `call` run on the loop once this write is on disk; never if it is undone."""
    conn.info.setdefault(AFTER, []).append(call)


def take_after_commit(conn: Connection) -> list[Callable[[], None]]:
    """What after_commit gathered since the last take."""
    calls: list[Callable[[], None]] = conn.info.pop(AFTER, [])
    return calls


@contextmanager
def attempt(conn: Connection) -> Iterator[None]:
    """A savepoint: what is raised inside undoes only what was done inside.

    On PostgreSQL a failed statement spoils its whole transaction, so a store function that
    catches IntegrityError has to wrap the statement in this.
    """
    before = list(conn.info.get(AFTER, []))
    conn.exec_driver_sql("SAVEPOINT fazt_attempt")
    try:
        yield
    except BaseException:
        conn.exec_driver_sql("ROLLBACK TO SAVEPOINT fazt_attempt")
        conn.exec_driver_sql("RELEASE SAVEPOINT fazt_attempt")
        conn.info[AFTER] = before
        raise
    conn.exec_driver_sql("RELEASE SAVEPOINT fazt_attempt")


def insert(conn: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` on both engines."""
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)
