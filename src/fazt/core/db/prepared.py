"""Statements of the hottest paths: on SQLite they go to the driver as text that was made once.

An execute through SQLAlchemy costs about 26 µs, of which SQLite itself takes 4. What is run some
thousand times a second may leave the difference out; on PostgreSQL nothing changes.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import Executable

Row = Sequence[Any]


@lru_cache(maxsize=512)
def row_of(columns: tuple[str, ...]) -> Any:
    """The class of rows with these columns, whose `_make(values)` is one."""
    return namedtuple("row", columns, rename=True)  # noqa: PYI024 - not known before


class Prepared:
    """A statement with bind parameters; `keys` are the columns of an INSERT that has no values of its own.

    Values come and go as the driver has them: on SQLite a truth value is 0 or 1.
    """

    def __init__(self, statement: Executable, keys: Sequence[str] = ()) -> None:
        self.statement = statement
        compiled: Any = statement.compile(dialect=sqlite.dialect(), column_keys=list(keys) or None)  # type: ignore[attr-defined] # every statement has it
        self._sql = str(compiled)
        self._pick = picker(tuple(compiled.positiontup or ()))
        columns = compiled._result_columns  # noqa: SLF001 - SQLAlchemy has no other list of them
        self._named = row_of(tuple(name for name, *_ in columns))
        self._fixed: dict[str, Any] = {name: value for name, value in compiled.params.items() if value is not None}

    def rows(self, conn: Connection, params: Mapping[str, Any]) -> Sequence[Row]:
        """All rows of the answer."""
        raw: Any = conn.connection.dbapi_connection
        if isinstance(raw, sqlite3.Connection):
            return raw.execute(self._sql, self._bind(params)).fetchall()
        return conn.execute(self.statement, dict(params)).all()

    def row(self, conn: Connection, params: Mapping[str, Any]) -> Row | None:
        """The first row, or None."""
        rows = self.rows(conn, params)
        return rows[0] if rows else None

    def first(self, conn: Connection, params: Mapping[str, Any]) -> Any | None:
        """The first row with its columns by name, or None."""
        raw: Any = conn.connection.dbapi_connection
        if isinstance(raw, sqlite3.Connection):
            row = raw.execute(self._sql, self._bind(params)).fetchone()
            return None if row is None else self._named(*row)
        return conn.execute(self.statement, dict(params)).first()

    def run(self, conn: Connection, params: Mapping[str, Any]) -> None:
        """For statements that answer nothing."""
        raw: Any = conn.connection.dbapi_connection
        if isinstance(raw, sqlite3.Connection):
            raw.execute(self._sql, self._bind(params))
        else:
            conn.execute(self.statement, dict(params))

    def run_many(self, conn: Connection, many: Sequence[Mapping[str, Any]]) -> None:
        """Once for each of these parameters."""
        raw: Any = conn.connection.dbapi_connection
        if isinstance(raw, sqlite3.Connection):
            raw.executemany(self._sql, [self._bind(params) for params in many])
        elif many:
            conn.execute(self.statement, [dict(params) for params in many])

    def _bind(self, params: Mapping[str, Any]) -> tuple[Any, ...]:
        return self._pick({**self._fixed, **params} if self._fixed else params)


def picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """The values of these names in their order: what runs for each row of each write has no loop in Python."""
    if len(names) > 1:
        return itemgetter(*names)
    if names:
        (name,) = names
        return lambda params: (params[name],)
    return lambda _params: ()
