"""Older versions of documents: kept at each change, read by number or by time, restored."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from fazt.apps.textdb.model.collection import DEFAULT_HISTORY, Access, Collection
from fazt.apps.textdb.model.document import Document
from fazt.apps.textdb.model.expression import EVERYTHING, Expression
from fazt.apps.textdb.model.naming import key_of
from fazt.apps.textdb.store.filters import compile_filter
from fazt.apps.textdb.store.rules import permitted
from fazt.apps.textdb.store.sql import HOLE, Sql, dialect_of, execute
from fazt.apps.textdb.store.statements import Statement, run
from fazt.core.errors import NotFound

ARCHIVE = Statement(
    "INSERT INTO textdb_version (collection_id, key, seq, rid, created_at, updated_at, replaced_at, replaced_seq,"
    " user_id, body, doc) SELECT collection_id, key, seq, rid, created_at, updated_at, ?, ?, user_id, body, doc"
    " FROM textdb_document WHERE rid = ?",
)
PRUNE = Statement(
    "DELETE FROM textdb_version WHERE collection_id = ? AND key = ? AND seq <= (SELECT v.seq FROM textdb_version v"
    " WHERE v.collection_id = ? AND v.key = ? ORDER BY v.seq DESC LIMIT 1 OFFSET ?)"
)
COLUMNS = "key, seq, created_at, updated_at, user_id, body"


def archive(conn: Connection, collection: Collection, old: Row[Any], now: int, seq: int) -> None:
    """Keep the row `old` as a version that ended with the write `seq`, as many of them as the collection wants."""
    wanted = collection.settings.history
    count = DEFAULT_HISTORY if wanted is None else wanted
    if count:
        run(conn, ARCHIVE, max(now, old.updated_at), seq, old.rid)
        run(conn, PRUNE, collection.id, old.key, collection.id, old.key, count)


def list_versions(
    conn: Connection, collection: Collection, id_: str, access: Access, *, now: int
) -> list[tuple[Document, int | None]]:
    """All kept versions, newest first, each with the time (ms) that it ended; None for the one that holds.

    The rules for reading hold for each version by itself. Raises NotFound where there is none.
    """
    where = permitted(collection, "read", access, now)
    found = versions_where(conn, collection, where, f"key = {HOLE}", key_of(id_), now=now)
    if not found:
        raise NotFound(f"There is no document {id_!r} in this collection, and there was none.")
    return found


def get_version(
    conn: Connection,
    collection: Collection,
    id_: str,
    access: Access,
    *,
    now: int,
    seq: int | None = None,
    at: int | None = None,
) -> Document:
    """A document as the write `seq` left it, or as it was at the moment `at`. Raises NotFound."""
    where = permitted(collection, "read", access, now)
    key = key_of(id_)
    if seq is not None:
        found = versions_where(conn, collection, where, f"key = {HOLE} AND seq = {HOLE}", key, seq, now=now)
    else:
        condition = f"key = {HOLE} AND updated_at <= {HOLE} AND (replaced_at IS NULL OR replaced_at > {HOLE})"
        found = versions_where(conn, collection, where, condition, key, at, at, now=now)
    if not found:
        raise NotFound(f"There is no such version of {id_!r}.", hint="It was not there then, or is forgotten by now.")
    return found[0][0]


def versions_where(
    conn: Connection, collection: Collection, where: Expression, condition: str, *values: Any, now: int
) -> list[tuple[Document, int | None]]:
    """Versions, the holding ones included, that satisfy a rule and a condition; newest first."""
    rule = compile_filter(dialect_of(conn), collection, where)
    source = all_versions(conn, collection, now)
    sql = Sql(
        f"SELECT {COLUMNS}, replaced_at FROM ({source.text}) v"  # noqa: S608 - values are bound
        f" WHERE {condition} AND {rule.text} ORDER BY seq DESC",
        *source.values,
        *values,
        *rule.values,
    )
    return [
        (Document(row.key, row.body, row.seq, row.created_at, row.updated_at, user_id=row.user_id), row.replaced_at)
        for row in execute(conn, sql)
    ]


def all_versions(conn: Connection, collection: Collection, now: int) -> Sql:
    """A subquery of everything that is or was, with `replaced_at`; what has expired ended then."""
    null = "NULL::bigint" if conn.dialect.name == "postgresql" else "NULL"
    living = f"(CASE WHEN expires_at <= {HOLE} THEN expires_at ELSE {null} END)"
    return Sql(
        f"SELECT rid, key, seq, created_at, updated_at, user_id, body, doc, {living} AS replaced_at"  # noqa: S608 - values are bound
        f" FROM textdb_document WHERE collection_id = {collection.id}"
        " UNION ALL SELECT rid, key, seq, created_at, updated_at, user_id, body, doc, replaced_at"
        f" FROM textdb_version WHERE collection_id = {collection.id}",
        now,
    )


def as_of(conn: Connection, collection: Collection, at: int, now: int) -> Sql:
    """A subquery of the documents as they were at the moment `at`."""
    source = all_versions(conn, collection, now)
    return Sql(
        f"SELECT *, replaced_at AS expires_at FROM ({source.text}) a"  # noqa: S608 - values are bound
        f" WHERE updated_at <= {HOLE} AND (replaced_at IS NULL OR replaced_at > {HOLE})",
        *source.values,
        at,
        at,
    )


def was_visible(conn: Connection, collection: Collection, key: str, since: int, where: Expression) -> bool | None:
    """Whether a reader with the rule `where` saw the document at the write `since`; None when that is forgotten."""
    if where == EVERYTHING:
        return True
    condition = f"key = {HOLE} AND seq <= {HOLE} AND replaced_seq > {HOLE}"
    rule = compile_filter(dialect_of(conn), collection, where)
    base = f"FROM textdb_version WHERE collection_id = {collection.id} AND {condition}"
    if execute(conn, Sql(f"SELECT 1 {base}", key, since, since)).first() is None:
        return None
    sql = Sql(f"SELECT 1 {base} AND {rule.text}", key, since, since, *rule.values)
    return execute(conn, sql).first() is not None
