"""What time does to collections: documents expire, tombstones are forgotten, events are heard."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.apps.textdb.store.collections import LIST, lock, to_collection
from fazt.apps.textdb.store.finding import ask_for_finding
from fazt.apps.textdb.store.statements import Statement, run
from fazt.apps.textdb.store.writing import CHANGED, remove
from fazt.apps.textdb.store.writing import COLUMNS as DOCUMENT
from fazt.core.events import Event

CHUNK = 200

EXPIRED = Statement(
    f"SELECT {DOCUMENT} FROM textdb_document WHERE collection_id = ? AND expires_at <= ? LIMIT ?"  # noqa: S608 - a constant
)
OLD_TOMBSTONES = Statement(
    "SELECT collection_id, key, seq FROM textdb_tombstone WHERE deleted_at < ? ORDER BY deleted_at LIMIT ?"
)
FORGET = Statement("DELETE FROM textdb_tombstone WHERE collection_id = ? AND key = ?")
FORGET_VERSIONS = Statement("DELETE FROM textdb_version WHERE collection_id = ? AND key = ? AND replaced_seq <= ?")
RAISE_FLOOR = Statement(
    "UPDATE textdb_collection SET tombstones = tombstones - 1, floor = CASE WHEN floor < ? THEN ? ELSE floor END"
    " WHERE id = ?"
)
HEARD = Statement("UPDATE textdb_collection SET told = 0 WHERE name = ?")


def remove_expired(conn: Connection, *, now: int) -> int:
    """Delete up to CHUNK documents that have expired, as any delete; how many."""
    lock(conn)
    count = 0
    for row in run(conn, LIST).all():
        if not row.is_expiring or count >= CHUNK:
            continue
        collection = to_collection(row)
        for expired in run(conn, EXPIRED, collection.id, now, CHUNK - count).all():
            remove(conn, collection, expired, now)
            count += 1
    return count


def forget_tombstones(conn: Connection, *, before: int) -> int:
    """Forget up to CHUNK deletes older than `before` (ms), with the versions of what was deleted; how many."""
    lock(conn)
    rows = run(conn, OLD_TOMBSTONES, before, CHUNK).all()
    for row in rows:
        run(conn, FORGET, row.collection_id, row.key)
        run(conn, FORGET_VERSIONS, row.collection_id, row.key, row.seq)
        run(conn, RAISE_FLOOR, row.seq, row.seq, row.collection_id)
    return len(rows)


def on_event(conn: Connection, event: Event) -> None:
    """When `textdb.changed` was heard by all, the next write of that collection tells it again."""
    if event.name == CHANGED:
        lock(conn)
        run(conn, HEARD, event.key)
        ask_for_finding(conn, event)
