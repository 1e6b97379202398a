"""The feed: what changed since a number, each document once, with its latest state.

A document stands in the feed at the number of its last write. Numbers of one collection are given one after the
other and become visible in that order, so a reader who goes on from `last_seq` misses nothing and sees nothing twice.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row

from fazt.apps.textdb.model.collection import SHIFT, Access, Collection
from fazt.apps.textdb.model.document import ChangeEntry, Changes
from fazt.apps.textdb.model.expression import EVERYTHING, Expression, both
from fazt.apps.textdb.model.naming import id_of
from fazt.apps.textdb.store.history import was_visible
from fazt.apps.textdb.store.rules import permitted, satisfies
from fazt.apps.textdb.store.statements import Statement, run

STATE = Statement("SELECT seq, floor, documents FROM textdb_collection WHERE id = ?")
NEXT = Statement(
    "SELECT seq, key, rid, body, updated_at AS at, expires_at FROM textdb_document"
    " WHERE collection_id = ? AND seq > ? ORDER BY seq LIMIT ?"
)
NEXT_DELETED = Statement(
    "SELECT seq, key, deleted_at AS at FROM textdb_tombstone WHERE collection_id = ? AND seq > ? ORDER BY seq LIMIT ?"
)
LAST_RID = Statement("SELECT rid FROM textdb_version WHERE collection_id = ? AND key = ? AND replaced_seq = ?")


def list_changes(
    conn: Connection,
    collection: Collection,
    since: int,
    access: Access,
    *,
    limit: int,
    now: int,
    where: Expression = EVERYTHING,
) -> Changes:
    """The next changes behind `since`, at most `limit` rows of which those for `access` and `where` are told.

    Who asks from before what is forgotten is sent to the beginning (`is_reset`).
    """
    seen = both(permitted(collection, "read", access, now), where)
    state = run(conn, STATE, collection.id).one_or_none()
    if state is None:
        return Changes((), since, has_more=False, is_reset=False)
    is_reset = 0 < since < state.floor or since > state.seq
    start = 0 if is_reset else since
    living = run(conn, NEXT, collection.id, start, limit + 1).all()
    deleted = run(conn, NEXT_DELETED, collection.id, start, limit + 1).all()
    rows = sorted([*living, *deleted], key=lambda row: int(row.seq))
    entries = [entry for row in rows[:limit] if (entry := to_entry(conn, collection, row, start, seen, now))]
    has_more = len(rows) > limit
    last_seq = rows[limit - 1].seq if has_more else state.seq
    return Changes(tuple(entries), last_seq, has_more, is_reset)


def to_entry(
    conn: Connection, collection: Collection, row: Row[Any], since: int, seen: Expression, now: int
) -> ChangeEntry | None:
    """What a reader is told of a row: its state, that it is gone, or nothing where it never was theirs to see."""
    is_living = hasattr(row, "body") and (row.expires_at is None or row.expires_at > now)
    if is_living and satisfies(conn, collection, row.rid, seen):
        return ChangeEntry(row.seq, id_of(row.key), row.body, row.at)
    if seen != EVERYTHING:
        was = was_visible(conn, collection, row.key, since, seen)
        if was is False or (was is None and created_after(conn, collection, row, since)):
            return None
    return ChangeEntry(row.seq, id_of(row.key), None, row.at)


def created_after(conn: Connection, collection: Collection, row: Row[Any], since: int) -> bool:
    """Whether the document was made after `since`, so that nobody can have seen it before; its row id tells."""
    rid = row.rid if hasattr(row, "rid") else run(conn, LAST_RID, collection.id, row.key, row.seq).scalar()
    return rid is not None and rid - (collection.id << SHIFT) > since
