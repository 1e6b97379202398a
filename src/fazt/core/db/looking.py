"""Reads on the loop itself: all of one turn see one moment of the file, and none holds the loop up."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from fazt.core.db.carrier import TooLong, control, take_after_commit
from fazt.core.log import get_logger

BRIEF_S = 0.002
STEPS = 500
"""Of SQLite's machine, between two looks at the clock."""

log = get_logger(__name__)


class Looking:
    """The loop's own connection. A transaction for each read costs two locks, which are calls of the system.

    So the first read of a turn of the loop begins one, and it ends with the turn, or before anybody is told that
    something was written or read elsewhere: who was answered never sees less afterwards.
    """

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    def begin(self) -> None:
        """Before each read."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop and not self._is_closed:
            self.end()
            if not in_transaction(self._conn):
                control(self._conn, "BEGIN")
            self._loop = loop
            loop.call_soon(self.end)

    def end(self) -> None:
        """The next read sees all that is there by then."""
        if self._loop is not None:
            self._loop = None
            undo(self._conn)

    def close(self) -> None:
        """The connection is about to be closed."""
        self.end()
        self._is_closed = True

    @contextmanager
    def briefly(self) -> Iterator[None]:
        """A block whose statements end when they have taken BRIEF_S. Raises TooLong then."""
        raw: Any = self._conn.connection.dbapi_connection
        until = perf_counter() + BRIEF_S
        raw.set_progress_handler(lambda: perf_counter() > until, STEPS)
        try:
            yield
        except (DBAPIError, sqlite3.OperationalError) as error:
            original = error.orig if isinstance(error, DBAPIError) else error
            if getattr(original, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
                raise TooLong from error
            raise
        finally:
            raw.set_progress_handler(None, 0)


def in_transaction(conn: Connection) -> bool:
    """Whether SQLite still has a transaction open."""
    raw = conn.connection.driver_connection
    return isinstance(raw, sqlite3.Connection) and raw.in_transaction


def undo(conn: Connection) -> None:
    """Roll back what is open, if anything is."""
    take_after_commit(conn)
    if in_transaction(conn):
        try:
            control(conn, "ROLLBACK")
        except sqlite3.Error as error:  # the next transaction cannot begin then, says so, and comes here again
            log.warning("a rollback failed: %s", error)
