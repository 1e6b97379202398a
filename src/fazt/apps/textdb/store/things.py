"""One collection out of a backup, as it was: documents, history, deletes, settings."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.apps.textdb.model.collection import Collection
from fazt.apps.textdb.store.collections import (
    configure,
    ensure_collection,
    find_collection,
    get_collection,
    list_figures,
)
from fazt.apps.textdb.store.sql import dialect_of
from fazt.apps.textdb.store.statements import Statement, run
from fazt.apps.textdb.store.writing import BURY, insert_of
from fazt.core.app import Thing
from fazt.core.errors import Conflict

DOCUMENTS = Statement(
    "SELECT rid, key, seq, created_at, updated_at, expires_at, user_id, body FROM textdb_document"
    " WHERE collection_id = ? ORDER BY seq"
)
VERSIONS = Statement(
    "SELECT rid, key, seq, created_at, updated_at, replaced_at, replaced_seq, user_id, body FROM textdb_version"
    " WHERE collection_id = ?"
)
TOMBSTONES = Statement("SELECT key, seq, deleted_at FROM textdb_tombstone WHERE collection_id = ?")
COUNTS = Statement("SELECT seq, floor, documents, tombstones, is_expiring FROM textdb_collection WHERE id = ?")
PUT_COUNTS = Statement(
    "UPDATE textdb_collection SET seq = ?, floor = ?, documents = ?, tombstones = ?, is_expiring = ?,"
    " revision = revision + 1 WHERE id = ?"
)
ADD_VERSION = Statement(
    "INSERT INTO textdb_version (collection_id, key, seq, rid, created_at, updated_at, replaced_at, replaced_seq,"
    " user_id, body, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "INSERT INTO textdb_version (collection_id, key, seq, rid, created_at, updated_at, replaced_at, replaced_seq,"
    " user_id, body, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb)",
)


def list_names(source: Connection) -> list[str]:
    """The collections in a backup."""
    return [figures.name for figures in list_figures(source)]


def list_blobs(_source: Connection, _name: str) -> list[str]:
    """Documents refer to no blobs."""
    return []


def copy_collection(conn: Connection, source: Connection, name: str, new_name: str, _user_id: str, now: int) -> str:
    """Make a collection as it was in the backup `source`. Raises NotFound, Conflict where the new name is taken."""
    old = get_collection(source, name)
    if find_collection(conn, new_name) is not None:
        raise Conflict(f"There is a collection {new_name!r} already.", hint="Give it another name with --as NAME.")
    new = ensure_collection(conn, new_name, now=now)
    copy_rows(conn, source, old, new)
    counts = run(source, COUNTS, old.id).one()
    run(conn, PUT_COUNTS, *counts[:4], bool(counts.is_expiring), new.id)
    configure(conn, new_name, old.settings, now=now)
    return f"/db/{new_name}"


def copy_rows(conn: Connection, source: Connection, old: Collection, new: Collection) -> None:
    """All that is in a collection, with the numbers that it had, so that versions and deletes keep their order."""
    moved, to_doc = new.first - old.first, dialect_of(conn).to_doc
    for row in run(source, DOCUMENTS, old.id):
        rid, key, *times, user_id, body = row
        run(conn, insert_of(1), rid + moved, new.id, key, *times, user_id, body, to_doc(body))
    for row in run(source, VERSIONS, old.id):
        rid, key, seq, *times, user_id, body = row
        run(conn, ADD_VERSION, new.id, key, seq, rid + moved, *times, user_id, body, to_doc(body))
    for row in run(source, TOMBSTONES, old.id):
        run(conn, BURY, new.id, *row)


THINGS = (Thing("collection", "The collection", list_names, list_blobs, copy_collection),)
