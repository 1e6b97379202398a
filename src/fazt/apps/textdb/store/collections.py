"""Collections: they appear with their first document, and hold settings, rules and indexes."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from fazt.apps.textdb.model.collection import MAX_INDEXES, WORDS, Collection, Figures, Settings, Stale
from fazt.apps.textdb.model.expression import Order
from fazt.apps.textdb.model.naming import check_collection
from fazt.apps.textdb.model.schema_check import check_schema
from fazt.apps.textdb.store.filters import COLUMNS, is_metadata
from fazt.apps.textdb.store.rules import check_rules
from fazt.apps.textdb.store.sql import Sql, dialect_of, execute
from fazt.apps.textdb.store.statements import Statement, run
from fazt.apps.textdb.store.words import forget_words, start_words
from fazt.apps.textdb.wire.query import parse_orders, path_of
from fazt.core.db import wake
from fazt.core.errors import Invalid, NotFound

SIGNAL = "textdb"
"""With the id of a collection behind it: something was written there, or it was changed or dropped."""

COLUMNS_OF_ONE = "id, name, settings, indexes, revision, is_expiring, created_at, seq, floor, documents, tombstones"
FIND = Statement(f"SELECT {COLUMNS_OF_ONE} FROM textdb_collection WHERE name = ?")  # noqa: S608 - a constant
LIST = Statement(f"SELECT {COLUMNS_OF_ONE} FROM textdb_collection ORDER BY name")  # noqa: S608 - a constant
INSERT = Statement(
    "INSERT INTO textdb_collection (name, settings, indexes, revision, is_expiring, seq, floor, documents, tombstones,"
    " told, created_at) VALUES (?, ?, '{}', 1, ?, 0, 0, 0, 0, 0, ?) ON CONFLICT (name) DO NOTHING"
)
SAVE = Statement(
    "UPDATE textdb_collection SET settings = ?, indexes = ?, is_expiring = (is_expiring OR ?), revision = revision + 1"
    " WHERE id = ?"
)
SAVE_INDEXES = Statement("UPDATE textdb_collection SET indexes = ?, revision = revision + 1 WHERE id = ?")
LOCK = Statement("SELECT 1", "LOCK TABLE textdb_collection IN SHARE ROW EXCLUSIVE MODE")
STATE = Statement("SELECT seq, documents, revision FROM textdb_collection WHERE id = ?")
EMPTY = tuple(
    Statement(f"DELETE FROM textdb_{table} WHERE collection_id = ?")  # noqa: S608 - a constant
    for table in ("version", "tombstone", "document")
)
DROP = Statement("DELETE FROM textdb_collection WHERE id = ?")


def lock(conn: Connection) -> None:
    """Begin a write: on PostgreSQL one at a time, so that sequence numbers become visible in their order.

    It comes before anything is read, since the snapshot is taken by the first statement that reads.
    On SQLite there is one writer anyway.
    """
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(LOCK.postgresql)


def find_collection(conn: Connection, name: str) -> Collection | None:
    """The collection of that name, or None."""
    row = run(conn, FIND, name).one_or_none()
    return None if row is None else to_collection(row)


def get_collection(conn: Connection, name: str) -> Collection:
    """The collection of that name. Raises NotFound."""
    found = find_collection(conn, name)
    if found is None:
        raise missing(name)
    return found


def missing(name: str) -> NotFound:
    """There is no such collection."""
    return NotFound(f"There is no collection {name!r}.", hint="It appears with its first document.")


def ensure_collection(conn: Connection, name: str, *, now: int) -> Collection:
    """The collection of that name, made where it is missing. Raises Invalid for a name that none can have."""
    lock(conn)
    return _ensure(conn, name, Settings(), now)


def _ensure(conn: Connection, name: str, settings: Settings, now: int) -> Collection:
    text = msgspec.json.encode(settings).decode()
    run(conn, INSERT, check_collection(name), text, settings.ttl_seconds > 0, now)
    return get_collection(conn, name)


def get_figures(conn: Connection, name: str) -> Figures:
    """One collection with its figures. Raises NotFound."""
    row = run(conn, FIND, name).one_or_none()
    if row is None:
        raise missing(name)
    return to_figures(row)


def list_figures(conn: Connection) -> list[Figures]:
    """All collections, by name."""
    return [to_figures(row) for row in run(conn, LIST)]


def read_state(conn: Connection, collection: Collection) -> tuple[int, int]:
    """(seq, documents) at this moment. Raises Stale when the collection was changed since it was looked up."""
    row = run(conn, STATE, collection.id).one_or_none()
    if row is None or row.revision != collection.revision:
        raise Stale("The collection was changed in the same moment.", hint="Try again.")
    return row.seq, row.documents


def to_collection(row: Row[Any]) -> Collection:
    """A row as the house knows it."""
    settings = msgspec.json.decode(row.settings, type=Settings)
    indexes = tuple(json.loads(row.indexes).items())
    return Collection(row.id, row.name, row.revision, settings, bool(row.is_expiring), row.created_at, indexes)


def to_figures(row: Row[Any]) -> Figures:
    """A row as the API tells it."""
    settings = msgspec.json.decode(row.settings, type=Settings)
    return Figures(row.name, row.documents, row.seq, row.created_at, settings)


def check_settings(settings: Settings) -> Settings:
    """Settings with their indexes in plain form. Raises Invalid, saying which part is wrong."""
    check_rules(settings)
    if settings.schema is not None:
        check_schema(settings.schema)
    if settings.owner_field and is_metadata(path_of(settings.owner_field)):
        raise Invalid("ownerField names a field of the documents.")
    for field in settings.search:
        if field != "*":
            path_of(field)
    numbers = {
        "ttlSeconds": settings.ttl_seconds,
        "history": settings.history or 0,
        "maxDocuments": settings.max_documents,
    }
    for name, number in numbers.items():
        if not 0 <= number < 2**40:
            raise Invalid(f"{name} is a whole number from 0 on.")
    if not 1 <= settings.max_bytes <= 64_000_000:
        raise Invalid("maxBytes is between 1 and 64,000,000.")
    indexes = dict.fromkeys(",".join(map(str, parse_index(index))) for index in settings.indexes)
    if len(indexes) > MAX_INDEXES:
        raise Invalid(f"A collection has at most {MAX_INDEXES} indexes; each makes every write slower.")
    return msgspec.structs.replace(settings, indexes=tuple(indexes))


def parse_index(text: str) -> tuple[Order, ...]:
    """`status,-views` as the terms of a sort. Raises Invalid."""
    orders = parse_orders([name.strip() for name in text.split(",") if name.strip()], [])
    if not orders:
        raise Invalid("An index names at least one field.")
    return orders


def configure(conn: Connection, name: str, settings: Settings, *, now: int) -> Figures:
    """Set what a collection is like, making it where it is missing; indexes are built and dropped at once.

    A million documents take a few seconds an index, in which nothing else is written. Raises Invalid.
    """
    lock(conn)
    settings = check_settings(settings)
    old = _ensure(conn, name, settings, now)
    indexes = change_indexes(conn, old, settings.indexes)
    if settings.search != old.settings.search or (settings.search and WORDS not in indexes):
        indexes.pop(WORDS, None)
        forget_words(conn, old.first, old.end)
        if settings.search and start_words(conn, old, settings.search, now=now):
            indexes[WORDS] = 1
    text = msgspec.json.encode(settings).decode()
    run(conn, SAVE, text, json.dumps(indexes), settings.ttl_seconds > 0, old.id)
    wake(conn, f"{SIGNAL}/{old.id}")  # whoever follows it may be allowed to no longer
    return get_figures(conn, name)


def mark_words_ready(conn: Connection, collection: Collection) -> None:
    """The index of words is complete: lists may rely on it."""
    run(conn, SAVE_INDEXES, json.dumps({**dict(collection.indexes), WORDS: 1}), collection.id)


def change_indexes(conn: Connection, collection: Collection, wanted: tuple[str, ...]) -> dict[str, int]:
    """Build what is missing, drop what is not wanted; every index there is then, with its number."""
    there = dict(collection.indexes)
    for text in [name for name in there if name != WORDS and name not in wanted]:
        execute(conn, Sql(f"DROP INDEX textdb_ix_{collection.id}_{there.pop(text)}"))
    for text in wanted:
        if text not in there:
            number = max(there.values(), default=0) + 1
            execute(conn, Sql(index_statement(conn, collection, number, parse_index(text))))
            there[text] = number
    return there


def index_statement(conn: Connection, collection: Collection, number: int, orders: tuple[Order, ...]) -> str:
    """CREATE INDEX for one collection.

    It begins with the collection's id, else SQLite prefers the other indexes that do. The last field goes up,
    as the row id behind it does, so that reading backwards serves a sort downwards, row ids included.
    """
    dialect = dialect_of(conn)
    flip = orders[-1].descending
    terms = ["collection_id"]
    for order in orders:
        name = str(order.path)
        keys = ["key"] if name == "id" else [COLUMNS[name]] if is_metadata(order.path) else []
        direction = " DESC" if order.descending != flip else ""
        if not keys:
            keys = [f"({key})" for key in dialect.sort_keys(dialect.value(order.path))]
        terms.extend(f"{key}{direction}" for key in keys)
    if conn.dialect.name == "postgresql":
        terms.append("rid")
    columns = ", ".join(terms)
    where = f"WHERE collection_id = {collection.id}"
    return f"CREATE INDEX textdb_ix_{collection.id}_{number} ON textdb_document ({columns}) {where}"


def drop_collection(conn: Connection, name: str) -> None:
    """Delete a collection with all its documents and their history. Raises NotFound."""
    lock(conn)
    collection = get_collection(conn, name)
    change_indexes(conn, collection, ())
    forget_words(conn, collection.first, collection.end)
    for statement in EMPTY:
        run(conn, statement, collection.id)
    run(conn, DROP, collection.id)
    wake(conn, f"{SIGNAL}/{collection.id}")
