"""Conditions as text with holes for values, and where the two engines look into JSON differently.

Filters and sorts are compiled here and nowhere else. What comes from outside is a value in a hole, or the name of a
field, which `wire.where.check_step` has let through and `Sqlite`/`Postgres` quote.
"""

from __future__ import annotations

import re
import sqlite3
from decimal import Decimal
from typing import Any, Protocol

from sqlalchemy import Connection

from fazt.apps.textdb.model.expression import Path, Scalar
from fazt.apps.textdb.store.statements import Answer, SqliteAnswer

HOLE = "\x02"
NUL_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
MIN_INT, MAX_INT = -(2**63), 2**63 - 1
TEXT_OF_CONTAINERS = "|"  # texts from here on come after the JSON of any list or object, which SQLite gives as text


class Sql:
    """A piece of SQL with HOLEs, and the values for them in their order."""

    __slots__ = ("text", "values")

    def __init__(self, text: str, *values: Any) -> None:
        self.text = text
        self.values = values


def join(sign: str, parts: list[Sql]) -> Sql:
    """The pieces with `sign` between them, in brackets."""
    if len(parts) == 1:
        return parts[0]
    return Sql(f"({sign.join(part.text for part in parts)})", *(value for part in parts for value in part.values))


def execute(conn: Connection, sql: Sql) -> Answer:
    """Execute a statement that was put together for this call."""
    raw: Any = conn.connection.dbapi_connection
    if isinstance(raw, sqlite3.Connection):
        return SqliteAnswer(raw.execute(sql.text.replace(HOLE, "?"), sql.values))
    return conn.exec_driver_sql(sql.text.replace("%", "%%").replace(HOLE, "%s"), sql.values)


class Dialect(Protocol):
    """How one engine looks into a document. `x` is what `value` gave; each condition is true, false or NULL."""

    contains_words: str

    def value(self, path: Path) -> str:
        """The JSON at `path`, in the engine's own form."""
        ...

    def sort_keys(self, x: str) -> list[str]:
        """What to sort by: missing and null, then numbers and booleans, then texts."""
        ...

    def is_null(self, x: str) -> str:
        """Missing, or null."""
        ...

    def exists(self, path: Path) -> str:
        """There is something, be it null."""
        ...

    def compare(self, x: str, kind: str, op: str, value: Scalar) -> Sql:
        """`op` is one of == < <= > >=; the value is no null. `kind` is the expression that `kind` gave."""
        ...

    def kind(self, path: Path) -> str:
        """The name of the JSON type at `path`."""
        ...

    def contains(self, x: str, kind: str, pattern: str) -> Sql:
        """The text, number or boolean matches a LIKE pattern (letters A to Z in either case)."""
        ...

    def elements(self, path: Path) -> tuple[str, str, str]:
        """(FROM clause, value, kind) of the elements of a list, or of the single value there."""
        ...

    def any_scalar(self, pattern: str) -> Sql:
        """Some text, number or boolean anywhere in the document matches a LIKE pattern."""
        ...

    def number(self, x: str, kind: str) -> str:
        """The number at a path, or NULL where there is none."""
        ...

    def as_json(self, x: str, path: Path) -> str:
        """The value at a path as JSON text, or NULL."""
        ...

    def to_doc(self, text: str) -> str | None:
        """What goes into the column `doc`."""
        ...


def like_pattern(text: str) -> str:
    """`text` anywhere, for LIKE with the escape character backslash."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"


class Sqlite:
    """json_extract on the text: numbers and texts come out as SQLite's own, booleans as 0 and 1, lists as text."""

    contains_words = "rid IN (SELECT rowid FROM textdb_words WHERE words MATCH \x02 AND rowid >= \x02 AND rowid < \x02)"

    @staticmethod
    def _place(path: Path) -> str:
        steps = (f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in path.steps)
        return "'$" + "".join(steps).replace("'", "''") + "'"

    def value(self, path: Path) -> str:
        """See Dialect."""
        return f"json_extract(body,{self._place(path)})"

    def kind(self, path: Path) -> str:
        """See Dialect."""
        return f"json_type(body,{self._place(path)})"

    def sort_keys(self, x: str) -> list[str]:
        """See Dialect."""
        return [x]

    def is_null(self, x: str) -> str:
        """See Dialect."""
        return f"{x} IS NULL"

    def exists(self, path: Path) -> str:
        """See Dialect."""
        return f"{self.kind(path)} IS NOT NULL"

    def compare(self, x: str, kind: str, op: str, value: Scalar) -> Sql:
        """See Dialect. The type is looked up only where SQLite's own order leaves it open, so that indexes suffice."""
        sign = "=" if op == "==" else op
        if isinstance(value, bool):
            return Sql(f"({x} = {int(value)} AND {kind} = '{'true' if value else 'false'}')")
        if isinstance(value, str):
            low = f" AND {x} >= ''" if op in {"<", "<="} else ""
            is_open = value[:1] in {"[", "{"} if op == "==" else (op in {"<", "<="} or value < TEXT_OF_CONTAINERS)
            check = f" AND {kind} = 'text'" if is_open else ""
            return Sql(f"({x} {sign} {HOLE}{low}{check})", value)
        assert value is not None
        high = f" AND {x} < ''" if op in {">", ">="} else ""
        is_open = value in {0, 1} if op == "==" else (value >= 0 if op in {"<", "<="} else value <= 1)
        check = f" AND {kind} IN ('integer','real')" if is_open else ""
        return Sql(f"({x} {sign} {HOLE}{high}{check})", to_sqlite_number(value))

    def contains(self, x: str, kind: str, pattern: str) -> Sql:
        """See Dialect."""
        shown = (
            f"CASE {kind} WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'array' THEN NULL WHEN 'object' "
            f"THEN NULL ELSE CAST({x} AS TEXT) END"
        )
        return Sql(f"{shown} LIKE {HOLE} ESCAPE '\\'", pattern)

    def elements(self, path: Path) -> tuple[str, str, str]:
        """See Dialect."""
        return f"json_each(body,{self._place(path)}) e WHERE {self.kind(path)} <> 'object' AND ", "e.value", "e.type"

    def any_scalar(self, pattern: str) -> Sql:
        """See Dialect."""
        shown = "CASE w.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(w.atom AS TEXT) END"
        return Sql(
            f"EXISTS (SELECT 1 FROM json_tree(body) w WHERE {shown} LIKE {HOLE} ESCAPE '\\')",  # noqa: S608 - bound
            pattern,
        )

    def number(self, x: str, kind: str) -> str:
        """See Dialect."""
        return f"CASE WHEN {kind} IN ('integer','real') THEN {x} END"

    def as_json(self, _x: str, path: Path) -> str:
        """See Dialect."""
        return f"(body -> {self._place(path)})"

    def to_doc(self, _text: str) -> str | None:
        """See Dialect."""
        return None


def to_sqlite_number(value: float | Decimal) -> int | float:
    """A number that SQLite can hold: integers of 64 bits as such, all others as floats."""
    if isinstance(value, int) and MIN_INT <= value <= MAX_INT:
        return value
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


class Postgres:
    """jsonb in the column `doc`; a value sorts by a number and then a text, which the indexes hold as well."""

    contains_words = (
        "rid IN (SELECT w.rid FROM textdb_word w WHERE w.words @@ to_tsquery('simple', \x02)"
        " AND w.rid >= \x02 AND w.rid < \x02)"
    )

    def value(self, path: Path) -> str:
        """See Dialect."""
        steps = ",".join(f'"{step}"' for step in path.steps).replace("'", "''")
        return f"(doc #> '{{{steps}}}')"

    def kind(self, path: Path) -> str:
        """See Dialect."""
        return f"jsonb_typeof({self.value(path)})"

    def sort_keys(self, x: str) -> list[str]:
        """See Dialect."""
        return [self._rank(x), self._text(x)]

    @staticmethod
    def _rank(x: str) -> str:
        return (
            f"(CASE jsonb_typeof({x}) WHEN 'number' THEN {x}::numeric WHEN 'boolean' THEN {x}::boolean::int::numeric "
            f"WHEN 'string' THEN 'Infinity'::numeric WHEN 'array' THEN 'Infinity'::numeric "
            f"WHEN 'object' THEN 'Infinity'::numeric ELSE '-Infinity'::numeric END)"
        )

    @staticmethod
    def _text(x: str) -> str:
        return (
            f"(CASE jsonb_typeof({x}) WHEN 'string' THEN {x} #>> '{{}}' WHEN 'array' THEN {x}::text "
            f"WHEN 'object' THEN {x}::text ELSE '' END COLLATE \"C\")"
        )

    def is_null(self, x: str) -> str:
        """See Dialect."""
        return f"{self._rank(x)} = '-Infinity'::numeric"

    def exists(self, path: Path) -> str:
        """See Dialect."""
        return f"{self.value(path)} IS NOT NULL"

    def compare(self, x: str, kind: str, op: str, value: Scalar) -> Sql:
        """See Dialect."""
        sign = "=" if op == "==" else op
        if isinstance(value, bool):
            return Sql(f"({self._rank(x)} = {int(value)} AND {kind} = 'boolean')")
        if isinstance(value, str):
            return Sql(
                f"({self._rank(x)} = 'Infinity'::numeric AND {self._text(x)} {sign} {HOLE} AND {kind} = 'string')",
                value,
            )
        bound = "< 'Infinity'" if op in {">", ">="} else "> '-Infinity'"
        return Sql(
            f"({self._rank(x)} {sign} {HOLE}::numeric AND {self._rank(x)} {bound}::numeric AND {kind} = 'number')",
            str(value),
        )

    def contains(self, x: str, kind: str, pattern: str) -> Sql:
        """See Dialect."""
        shown = f"CASE WHEN {kind} IN ('string','number','boolean') THEN lower(({x} #>> '{{}}') COLLATE \"C\") END"
        return Sql(f"{shown} LIKE lower({HOLE}::text COLLATE \"C\") ESCAPE '\\'", pattern)

    def elements(self, path: Path) -> tuple[str, str, str]:
        """See Dialect."""
        x = self.value(path)
        listed = (
            f"CASE WHEN {x} IS NULL THEN '[]'::jsonb WHEN jsonb_typeof({x}) = 'array' THEN {x} "
            f"WHEN jsonb_typeof({x}) = 'object' THEN '[]'::jsonb ELSE jsonb_build_array({x}) END"
        )
        return f"jsonb_array_elements({listed}) e(v) WHERE ", "e.v", "jsonb_typeof(e.v)"

    def any_scalar(self, pattern: str) -> Sql:
        """See Dialect."""
        inner = self.contains("w.v", "jsonb_typeof(w.v)", pattern)
        return Sql(
            f"EXISTS (SELECT 1 FROM jsonb_path_query(doc, 'strict $.**') w(v) WHERE {inner.text})",  # noqa: S608 - bound
            *inner.values,
        )

    def number(self, x: str, kind: str) -> str:
        """See Dialect."""
        return f"CASE WHEN {kind} = 'number' THEN {x}::numeric END"

    def as_json(self, x: str, _path: Path) -> str:
        """See Dialect."""
        return f"{x}::text"

    def to_doc(self, text: str) -> str | None:
        """See Dialect. The one character that jsonb cannot hold is replaced; the column `body` keeps it."""
        return NUL_ESCAPE.sub(r"\1\\ufffd", text) if "\\u0000" in text else text


SQLITE: Dialect = Sqlite()
POSTGRES: Dialect = Postgres()


def dialect_of(conn: Connection) -> Dialect:
    """The dialect of the engine behind `conn`."""
    return POSTGRES if conn.dialect.name == "postgresql" else SQLITE
