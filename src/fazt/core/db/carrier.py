"""What both engines promise, and what store functions may ask of their Connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from fazt.core.log import get_logger

P = ParamSpec("P")
T = TypeVar("T")
StoreFunction = Callable[Concatenate[Connection, P], T]

AFTER = "fazt_after_commit"
SIGNALS = "fazt_signals"
ACTING = "fazt_acting"

SQLITE_TROUBLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
POSTGRES_TROUBLE = {"08", "25", "40", "53", "57", "58"}  # classes of SQLSTATE

Acting = Callable[[Callable[..., Any]], AbstractContextManager[None]]

log = get_logger(__name__)


class TooLong(Exception):
    """What was to be a short look takes longer than the loop may be held up."""


class Database(Protocol):
    """`await db.read(fn, *args)` and `await db.write(fn, *args)`; handlers never hold a connection."""

    has_look: bool
    """Whether `look` and `look_briefly` are there; with PostgreSQL every read waits for the network."""

    async def read(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(conn, …)` on one snapshot of the data, on a reader thread."""
        ...

    async def read_lane(self, lane: int, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `read`, for large bytes in pieces: a lane, any number, reads one after the other, beside all other reads.

        Who reads piece after piece on the same lane has them from one thread, and from a connection that keeps little
        in memory, so that what passes once does not push out what is asked often.
        """
        ...

    async def point(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `read`, for look-ups by key that take microseconds: on SQLite run on the loop itself."""
        ...

    def look(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `point`, for who cannot wait: at the front door. To be called on the loop."""
        ...

    def look_briefly(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `look`, for what may turn out to be long: raises TooLong after two milliseconds. Then `read` it."""
        ...

    async def write(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `fn(conn, …)` in a transaction, alone; the answer comes when it is on disk.

        What `fn` raises undoes what it did and is raised here. `fn` may be run again from the
        start (PostgreSQL, serialisation failures), so it touches nothing but the Connection.
        Raises OverQuota when the disk is full and Unavailable when the database is away.
        """
        ...

    async def write_soon(self, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `write`, but answered as soon as others see it; on disk at the latest when the next `write` is answered.

        For what nobody has been promised yet: the pieces of an upload before its end, the mark of a delivery.
        """
        ...

    async def write_bulk(self, size: int, fn: StoreFunction[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `write_soon`, for what writes `size` bytes and is one of many such. Raises as `check_room`, too."""
        ...

    def watch(self, name: str, call: Callable[[], None]) -> Callable[[], None]:
        """Have `call` run on the loop after each commit that did `wake(conn, name)`; answers how to stop."""
        ...

    def check_room(self, size: int) -> None:
        """Before `size` more bytes are written: raises OverQuota where they would fill the disk to the brim.

        The last megabytes stay free, so that deleting, and all that is small, still works on a full disk.
        """
        ...

    def leave_checkpoints(self, *, to_others: bool) -> None:
        """Whether another program (Litestream) folds SQLite's log into the file, so that nobody here may do it."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then close; on SQLite with a checkpoint of the log."""
        ...


class Signals:
    """Who is to be woken after a commit, by name. One for each Database."""

    def __init__(self) -> None:
        self._calls: dict[str, list[Callable[[], None]]] = {}

    def watch(self, name: str, call: Callable[[], None]) -> Callable[[], None]:
        """See Database.watch."""
        calls = self._calls.setdefault(name, [])
        calls.append(call)

        def stop() -> None:
            calls.remove(call)
            if not calls and self._calls.get(name) is calls:
                del self._calls[name]

        return stop

    def tell(self, name: str) -> None:
        """Wake those who watch `name`, all of them, whatever one raises."""
        run_all(tuple(self._calls.get(name, ())))


def equip(engine: Engine, signals: Signals, acting: Acting | None = None) -> None:
    """Give every new connection of `engine` what `wake` and `acting` look for."""

    def give(_raw: object, record: Any) -> None:
        record.info[SIGNALS] = signals
        record.info[ACTING] = acting

    event.listen(engine, "connect", give)


def wake(conn: Connection, name: str) -> None:
    """After this write's commit, wake those who `watch(name)`: "there is something new for you"."""
    signals: Signals | None = conn.info.get(SIGNALS)
    if signals is not None:
        after_commit(conn, partial(signals.tell, name))


def acting(conn: Connection, fn: Callable[..., Any]) -> AbstractContextManager[None]:
    """Inside the block only what `fn`'s app may touch can be touched (on SQLite; see core.db.guard)."""
    enter: Acting | None = conn.info.get(ACTING)
    return nullcontext() if enter is None else enter(fn)


def control(conn: Connection, statement: str) -> None:
    """BEGIN, SAVEPOINT and their like, which on SQLite cost more in SQLAlchemy than in the file."""
    raw: Any = conn.connection.dbapi_connection
    if isinstance(raw, sqlite3.Connection):
        raw.execute(statement)
    else:
        conn.exec_driver_sql(statement)


def run_store(fn: Callable[..., T], conn: Connection, args: Any, kwargs: Any) -> T:
    """Call a store function. A StopIteration that it lets out would never reach a Future."""
    try:
        return fn(conn, *args, **kwargs)
    except StopIteration as error:
        raise RuntimeError(f"{fn!r} raised StopIteration") from error


def after_commit(conn: Connection, call: Callable[[], None]) -> None:
    """Have `call` run on the loop once this write is on disk; never if it is undone."""
    conn.info.setdefault(AFTER, []).append(call)


def take_after_commit(conn: Connection) -> list[Callable[[], None]]:
    """What after_commit gathered since the last take."""
    calls: list[Callable[[], None]] = conn.info.pop(AFTER, [])
    return calls


def run_all(calls: Iterable[Callable[[], None]]) -> None:
    """Run what after_commit gathered. One that raises is a bug, which must not cost others their answer."""
    for call in calls:
        try:
            call()
        except Exception:  # a rim: the data is committed, and nobody is left to raise to
            log.exception("after a commit, %r failed", call)


@contextmanager
def attempt(conn: Connection) -> Iterator[None]:
    """A savepoint: what is raised inside undoes only what was done inside.

    On PostgreSQL a failed statement spoils its whole transaction, so a store function that
    catches IntegrityError has to wrap the statement in this.
    """
    before = list(conn.info.get(AFTER, ()))
    control(conn, "SAVEPOINT fazt_attempt")
    try:
        yield
    except BaseException:
        conn.info[AFTER] = before
        with suppress(DBAPIError, sqlite3.Error):  # the whole transaction may be gone: a full disk, a lost server
            control(conn, "ROLLBACK TO SAVEPOINT fazt_attempt")
            control(conn, "RELEASE SAVEPOINT fazt_attempt")
        raise
    control(conn, "RELEASE SAVEPOINT fazt_attempt")


def is_of_database(error: BaseException) -> bool:
    """Whether `error` is the database's trouble (disk full, clash, connection lost) and not a statement's.

    Code that catches what other code's statements raise must let these through: the whole write is undone.
    """
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        return getattr(original, "sqlite_errorcode", 0) & 0xFF in SQLITE_TROUBLE
    return str(getattr(original, "sqlstate", None) or "")[:2] in POSTGRES_TROUBLE or getattr(
        error, "connection_invalidated", False
    )


def insert(conn: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update` on both engines."""
    return postgresql.insert(table) if conn.dialect.name == "postgresql" else sqlite.insert(table)
