"""Constant statements with `?` for values, and their answers; SQLite's driver gets the text as it is (decision 82)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection

from fazt.core.db import row_of


class Statement:
    """A constant statement with `?` for values, in the placeholder style of each engine."""

    __slots__ = ("postgresql", "sqlite")

    def __init__(self, text: str, postgresql: str | None = None) -> None:
        self.sqlite = text
        self.postgresql = (postgresql or text).replace("?", "%s")


class Answer(Protocol):
    """What a statement answers. Rows are tuples that have their columns by name, too."""

    @property
    def rowcount(self) -> int:
        """How many rows were written."""
        ...

    def __iter__(self) -> Iterator[Any]: ...

    def all(self) -> Sequence[Any]:
        """All rows."""
        ...

    def first(self) -> Any | None:
        """The first row."""
        ...

    def one_or_none(self) -> Any | None:
        """The only row."""
        ...

    def one(self) -> Any:
        """The only row."""
        ...

    def scalar(self) -> Any:
        """The first column of the first row; None where there is none."""
        ...

    def scalar_one(self) -> Any:
        """The first column of the only row."""
        ...

    def scalars(self) -> Any:
        """The first column of each row."""
        ...


class SqliteAnswer:
    """An answer as the driver gives it: to have SQLAlchemy look at its columns costs more than to find a row."""

    __slots__ = ("_cursor",)

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    @property
    def rowcount(self) -> int:
        """See Answer."""
        return self._cursor.rowcount

    def _row(self) -> Callable[[Sequence[Any]], Any]:
        make: Callable[[Sequence[Any]], Any] = row_of(tuple(column[0] for column in self._cursor.description))._make
        return make

    def __iter__(self) -> Iterator[Any]:
        return map(self._row(), self._cursor)

    def all(self) -> list[Any]:
        """See Answer."""
        return list(self)

    def first(self) -> Any | None:
        """See Answer."""
        found = self._cursor.fetchone()
        return None if found is None else self._row()(found)

    one_or_none = first
    """What is asked so finds by a key."""

    def one(self) -> Any:
        """See Answer."""
        return self._row()(self._cursor.fetchone())

    def scalar(self) -> Any:
        """See Answer."""
        found = self._cursor.fetchone()
        return None if found is None else found[0]

    def scalar_one(self) -> Any:
        """See Answer."""
        return self._cursor.fetchone()[0]

    def scalars(self) -> Iterator[Any]:
        """See Answer."""
        return (row[0] for row in self._cursor)


def run(conn: Connection, statement: Statement, *values: Any) -> Answer:
    """Execute a constant statement."""
    raw: Any = conn.connection.dbapi_connection
    if isinstance(raw, sqlite3.Connection):
        return SqliteAnswer(raw.execute(statement.sqlite, values))
    return conn.exec_driver_sql(statement.postgresql, values)
