"""What the loop itself reads on SQLite: a document, or a list that is a short walk, with nothing before the driver.

What is asked for here was found to be visible as a whole to whoever asks; texts come as the bytes that are sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from fazt.apps.textdb.model.collection import Collection
from fazt.apps.textdb.model.expression import EVERYTHING
from fazt.apps.textdb.model.query import Query
from fazt.apps.textdb.store.filters import compile_filter, order_by, sort_expressions
from fazt.apps.textdb.store.lists import Known, is_served, scope_of
from fazt.apps.textdb.store.sql import HOLE, dialect_of

MOST = 100
FURTHEST = 1_000
DOCUMENT = (
    "SELECT seq, created_at, updated_at, expires_at, CAST(body AS BLOB) FROM textdb_document"
    " WHERE collection_id = ? AND key = ?"
)
STATE = "SELECT seq, documents, revision FROM textdb_collection WHERE id = ?"

Found = tuple[int, int, int, int | None, bytes]
"""(seq, created at, updated at, expires at, text)"""


@dataclass(frozen=True, slots=True)
class Walk:
    """A list as one statement. `is_whole` says that it goes through all documents of the collection."""

    collection_id: int
    revision: int
    sql: str
    values: tuple[Any, ...]
    is_counted: bool
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Walked:
    """What a walk found, all from one moment: the collection's number, the total where it is wanted, and the list."""

    seq: int
    total: int | None
    text: bytes


def raw_of(conn: Connection) -> Any:
    """SQLite's driver itself."""
    return conn.connection.dbapi_connection


def find_document(conn: Connection, collection_id: int, key: str) -> Found | None:
    """A document, be it expired, or None."""
    found: Found | None = raw_of(conn).execute(DOCUMENT, (collection_id, key)).fetchone()
    return found


def plan_walk(conn: Connection, collection: Collection, query: Query) -> Walk | None:
    """The walk that such a list is, or None where it is likely a long one, or more than the documents themselves."""
    is_bare = query.cursor is None and query.at is None and not query.fields and not query.with_meta
    is_near = query.limit <= MOST and query.offset <= FURTHEST and not collection.is_expiring
    if not (is_bare and is_near and is_served(collection, query.where, query.order)):
        return None
    dialect = dialect_of(conn)
    scope, values = scope_of(conn, collection, query.where, query, 0)
    condition = compile_filter(dialect, collection, query.where)
    order = order_by(sort_expressions(dialect, query.order))
    sql = f"SELECT CAST(body AS BLOB) {scope} AND {condition.text}{order} LIMIT {HOLE} OFFSET {HOLE}"
    return Walk(
        collection.id,
        collection.revision,
        sql.replace(HOLE, "?"),
        (*values, *condition.values, query.limit, query.offset),
        query.count,
        query.where == EVERYTHING,
    )


def take_walk(conn: Connection, walk: Walk, known: Known | None) -> Walked | None:
    """The list; None where its total has to be counted first, or the collection was changed in the meantime."""
    raw = raw_of(conn)
    state = raw.execute(STATE, (walk.collection_id,)).fetchone()
    if state is None or state[2] != walk.revision:
        return None
    total = None
    if walk.is_counted:
        total = state[1] if walk.is_whole else known[1] if known is not None and known[0] == state[0] else None
        if total is None:
            return None
    rows = raw.execute(walk.sql, walk.values).fetchall()
    return Walked(state[0], total, b"[%b]" % b",".join([text for (text,) in rows]))
