"""Lists, totals and aggregates; and how a list would be found."""

from __future__ import annotations

import base64
import binascii
import json
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from fazt.apps.textdb.model.collection import Access, Collection
from fazt.apps.textdb.model.document import Document, Page
from fazt.apps.textdb.model.expression import EVERYTHING, Expression, Order, Path, both
from fazt.apps.textdb.model.jsontext import parse
from fazt.apps.textdb.model.query import Aggregate, Query
from fazt.apps.textdb.store.collections import parse_index, read_state
from fazt.apps.textdb.store.filters import (
    COLUMNS,
    ID,
    bound_paths,
    compile_filter,
    is_metadata,
    order_by,
    paths_in,
    sort_expressions,
)
from fazt.apps.textdb.store.history import as_of
from fazt.apps.textdb.store.rules import permitted
from fazt.apps.textdb.store.sql import HOLE, Dialect, Sql, dialect_of, execute, join
from fazt.core.errors import Invalid

DOCUMENT = "key, body, seq, created_at, updated_at, expires_at, user_id, rid"
INDEXED = frozenset({"@id", "@seq"})
Terms = list[tuple[str, bool]]
Known = tuple[int, int]
"""(seq, total): what the total was when the collection had that sequence number."""


class Plan(msgspec.Struct, frozen=True, rename="camel"):
    """How a list would be found. `steps` is what the database says; `advice` an index to declare, or ""."""

    sql: str
    steps: list[str]
    uses_index: bool
    documents: int
    advice: str


def list_documents(
    conn: Connection, collection: Collection, query: Query, access: Access, *, now: int, known: Known | None = None
) -> Page:
    """One piece of a list with its total, all from one moment. Raises Invalid for a cursor of another list."""
    seq, documents = read_state(conn, collection)
    rule = permitted(collection, "read", access, now)
    where = both(rule, query.where)
    dialect = dialect_of(conn)
    scope, values = scope_of(conn, collection, where, query, now)
    condition = compile_filter(dialect, collection, where)
    total = None
    if query.count:
        is_whole = where == EVERYTHING and query.at is None and not collection.is_expiring
        total = documents if is_whole else known[1] if known is not None and known[0] == seq else None
        if total is None:
            sql = Sql(f"SELECT count(*) {scope} AND {condition.text}", *values, *condition.values)
            total = execute(conn, sql).scalar_one()
    terms = sort_expressions(dialect, query.order)
    rows, cursor = fetch(conn, terms, Sql(f"{scope} AND {condition.text}", *values, *condition.values), query)
    scanned = 0 if is_served(collection, where, query.order) else documents
    return Page(tuple(map(to_document, rows)), total, seq, cursor, scanned)


def scope_of(
    conn: Connection, collection: Collection, where: Expression, query: Query, now: int
) -> tuple[str, tuple[Any, ...]]:
    """FROM and WHERE for the documents of a collection, now or as they were, with the values for their holes.

    SQLite guesses badly between indexes that all begin with the collection's id: where none of them can
    serve, the range of row ids is named instead, which also gives the order in which documents were made.
    """
    if query.at is not None:
        source = as_of(conn, collection, query.at, now)
        return f"FROM ({source.text}) d WHERE 1=1", source.values
    is_narrow = conn.dialect.name == "postgresql" or bool(useful_indexes(collection, where, query.order))
    scope = f"collection_id = {collection.id}" if is_narrow else ""
    if not is_narrow or conn.dialect.name == "postgresql":
        scope += f"{' AND ' if scope else ''}rid >= {collection.first} AND rid < {collection.end}"
    if collection.is_expiring:
        return f"FROM textdb_document WHERE {scope} AND (expires_at IS NULL OR expires_at > {HOLE})", (now,)
    return f"FROM textdb_document WHERE {scope}", ()


def fetch(conn: Connection, terms: Terms, source: Sql, query: Query) -> tuple[list[Row[Any]], str | None]:
    """The rows of a page, and the cursor behind it where that was asked for and there is more."""
    if query.cursor is None:
        sql = Sql(
            f"SELECT {DOCUMENT} {source.text}{order_by(terms)} LIMIT {HOLE} OFFSET {HOLE}",
            *source.values,
            query.limit,
            query.offset,
        )
        return list(execute(conn, sql)), None
    keys = ", ".join(f"{key} AS sort_{place}" for place, (key, _) in enumerate(terms[:-1]))
    behind = after_cursor(conn, terms, query.cursor) if query.cursor else Sql("1=1")
    sql = Sql(
        f"SELECT {DOCUMENT}{', ' if keys else ''}{keys} {source.text} AND {behind.text}{order_by(terms)} LIMIT {HOLE}",
        *source.values,
        *behind.values,
        query.limit + 1,
    )
    rows = list(execute(conn, sql))
    if len(rows) <= query.limit or not query.limit:
        return rows[: query.limit], None
    last = rows[query.limit - 1]
    values = [getattr(last, f"sort_{place}") for place in range(len(terms) - 1)]
    return rows[: query.limit], write_cursor([*values, last.rid])


def write_cursor(values: list[Any]) -> str:
    """Where a page ended, as text for an address."""
    plain = [{"n": str(value)} if isinstance(value, Decimal | float) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def read_cursor(text: str, length: int) -> list[Any]:
    """What `write_cursor` wrote. Raises Invalid for anything else."""
    try:
        values = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        read = [Decimal(value["n"]) if isinstance(value, dict) else value for value in values]
    except (ValueError, binascii.Error, TypeError, KeyError, ArithmeticError) as error:
        raise Invalid("This cursor is none of ours.") from error
    fits = all(isinstance(value, str | int | Decimal | None) and not isinstance(value, bool) for value in read)
    if len(read) != length or not fits or not isinstance(read[-1], int) or not 0 <= read[-1] < 2**63:
        raise Invalid("This cursor belongs to a list that was sorted otherwise.")
    return read


def after_cursor(conn: Connection, terms: Terms, text: str) -> Sql:
    """The condition that a row comes behind the cursor in the order of `terms`."""
    values = read_cursor(text, len(terms))
    is_postgres = conn.dialect.name == "postgresql"
    options: list[Sql] = []
    for place, (key, descending) in enumerate(terms):
        equal = [same_key(terms[i][0], values[i], is_postgres=is_postgres) for i in range(place)]
        options.append(join(" AND ", [*equal, beyond(key, values[place], descending, is_postgres=is_postgres)]))
    return join(" OR ", options)


def hole_for(value: Any, *, is_postgres: bool) -> tuple[str, Any]:
    """A hole of the right type on each engine."""
    if is_postgres:
        kind = "text" if isinstance(value, str) else "bigint" if isinstance(value, int) else "numeric"
        return f"{HOLE}::{kind}", str(value) if isinstance(value, Decimal) else value
    return HOLE, float(value) if isinstance(value, Decimal) else value


def same_key(key: str, value: Any, *, is_postgres: bool) -> Sql:
    """`key` is `value`, of which either may be NULL."""
    hole, bound = hole_for(value, is_postgres=is_postgres)
    return Sql(f"{key} {'=' if is_postgres else 'IS'} {hole}", bound)


def beyond(key: str, value: Any, descending: bool, *, is_postgres: bool) -> Sql:  # noqa: FBT001 - a term of a sort
    """`key` comes behind `value`; on SQLite NULL comes before everything, on PostgreSQL no key is NULL."""
    if value is None:
        return Sql("1=0" if descending else f"{key} IS NOT NULL")
    hole, bound = hole_for(value, is_postgres=is_postgres)
    if descending and not is_postgres and key != "rid":
        return Sql(f"({key} < {hole} OR {key} IS NULL)", bound)
    return Sql(f"{key} {'<' if descending else '>'} {hole}", bound)


def to_document(row: Row[Any]) -> Document:
    """A row as it is known outside."""
    return Document(row.key, row.body, row.seq, row.created_at, row.updated_at, row.expires_at, row.user_id)


def useful_indexes(collection: Collection, where: Expression, order: tuple[Order, ...]) -> list[str]:
    """Declared indexes (and the two that every collection has) that could find or sort such a list."""
    bound = bound_paths(where)
    useful = [str(path) for path in (*bound, *(term.path for term in order[:1])) if str(path) in INDEXED or path == ID]
    for text, _ in collection.indexes:
        if not text.startswith("*"):
            first = parse_index(text)[0].path
            if first in bound or (order and order[0].path == first):
                useful.append(text)
    return useful


def is_served(collection: Collection, where: Expression, order: tuple[Order, ...]) -> bool:
    """Whether a list is found without looking through the whole collection."""
    if where == EVERYTHING and not order:
        return True
    bound = bound_paths(where)
    indexed = {parse_index(text)[0].path for text, _ in collection.indexes if not text.startswith("*")} | {ID}
    filtered = any(path in indexed or str(path) in INDEXED for path in bound)
    sorted_by_index = bool(order) and (order[0].path in indexed or str(order[0].path) in INDEXED)
    return filtered or (sorted_by_index and where == EVERYTHING)


def advise(collection: Collection, where: Expression, order: tuple[Order, ...]) -> str:
    """The index that would serve such a list, or "" when there is nothing to gain."""
    if is_served(collection, where, order):
        return ""
    bound = bound_paths(where)
    exact = [str(path) for path, is_exact in bound.items() if is_exact and not is_metadata(path)]
    sort = [str(term) for term in order if not is_metadata(term.path) and term.path not in bound]
    ranges = [str(path) for path, is_exact in bound.items() if not is_exact and not is_metadata(path)]
    return ",".join([*exact[:2], *(sort or ranges[:1])][:4])


def explain(conn: Connection, collection: Collection, query: Query, access: Access, *, now: int) -> Plan:
    """How a list would be found, without finding it."""
    _, documents = read_state(conn, collection)
    where = both(permitted(collection, "read", access, now), query.where)
    dialect = dialect_of(conn)
    scope, values = scope_of(conn, collection, where, query, now)
    condition = compile_filter(dialect, collection, where)
    terms = sort_expressions(dialect, query.order)
    text = f"SELECT body {scope} AND {condition.text}{order_by(terms)} LIMIT {query.limit}"
    ask = "EXPLAIN" if conn.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    rows = execute(conn, Sql(f"{ask} {text}", *values, *condition.values)).all()
    return Plan(
        text.replace(HOLE, "?"),
        [str(row[-1]) for row in rows],
        is_served(collection, where, query.order),
        documents,
        advise(collection, where, query.order),
    )


def aggregate(
    conn: Connection, collection: Collection, asked: Aggregate, access: Access, *, now: int
) -> list[dict[str, Any]]:
    """Rows of `{<group>: value, "count": n, "sum": {field: n}, …}`, ordered by their groups."""
    read_state(conn, collection)
    where = both(permitted(collection, "read", access, now), asked.where)
    dialect = dialect_of(conn)
    scope, values = scope_of(conn, collection, where, Query(where), now)
    condition = compile_filter(dialect, collection, where)
    groups = [group_expression(dialect, path) for path in asked.group]
    figures = [figure_expression(dialect, kind, path) for kind, path in asked.figures]
    columns = ", ".join([*groups, "count(*)", *figures])
    positions = ", ".join(str(place + 1) for place in range(len(groups)))
    tail = f" GROUP BY {positions} ORDER BY {positions}" if groups else ""
    sql = Sql(
        f"SELECT {columns} {scope} AND {condition.text}{tail} LIMIT {asked.limit}",
        *values,
        *condition.values,
    )
    return [to_figures(asked, tuple(row)) for row in execute(conn, sql)]


def group_expression(dialect: Dialect, path: Path) -> str:
    """What to group by: a column, or JSON text."""
    if is_metadata(path):
        return COLUMNS[str(path)]
    return dialect.as_json(dialect.value(path), path)


def figure_expression(dialect: Dialect, kind: str, path: Path) -> str:
    """One figure over the numbers at a path."""
    number = COLUMNS[str(path)] if is_metadata(path) else dialect.number(dialect.value(path), dialect.kind(path))
    return f"{kind}({number})"


def to_figures(asked: Aggregate, row: tuple[Any, ...]) -> dict[str, Any]:
    """A row of an aggregate as JSON values."""
    found: dict[str, Any] = {}
    for path, value in zip(asked.group, row, strict=False):
        found[str(path)] = value if is_metadata(path) or value is None else parse(value)
    rest = row[len(asked.group) :]
    found["count"] = rest[0]
    for (kind, path), value in zip(asked.figures, rest[1:], strict=True):
        found.setdefault(kind, {})[str(path)] = to_plain(value)
    return found


def to_plain(value: Any) -> Any:
    """Decimals that are whole as integers, others as they are."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    return value


def fields_of(where: Expression) -> list[str]:
    """The names of all fields in a filter, for messages."""
    return sorted(map(str, paths_in(where)))
