"""What changed for one person since a cursor."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select

from fazt.apps.joplin.schema import GONE, item, view
from fazt.apps.joplin.store.seq import current_seq, raise_floor, read_cursor, write_cursor

LIMIT = 200
MOST = 1_000
CREATED, DELETED = 1, 3
CHUNK = 500

v = view.c
_CHANGES = (
    select(v.name, v.item, v.seq, v.is_visible, v.changed_at, item.c.item_updated_at)
    .join_from(view, item, item.c.id == v.item, isouter=True)
    .where(v.user_id == bindparam("user_id"), v.seq > bindparam("since"))
    .order_by(v.seq)
    .limit(bindparam("count"))
)
_FIRST = _CHANGES.where(v.is_visible | (v.seq > bindparam("begun")))


def read_delta(conn: Connection, user_id: str, cursor: str, limit: int = LIMIT) -> dict[str, Any]:
    """The next page of changes, oldest first, in the words of the protocol. Raises Resync.

    A comparison from the start leaves out what was deleted, which its client never had.
    """
    since, begun = read_cursor(conn, cursor) if cursor else (0, current_seq(conn))
    asked = {"user_id": user_id, "since": since, "count": limit}
    rows = conn.execute(_FIRST if begun else _CHANGES, asked | ({"begun": begun} if begun else {})).all()
    has_more = len(rows) == limit
    at = rows[-1].seq if has_more else max(since, current_seq(conn))
    cursor = write_cursor(conn, at, begun if has_more and at < begun else 0)
    return {"items": [to_change(row) for row in rows], "cursor": cursor, "has_more": has_more}


def to_change(row: Any) -> dict[str, Any]:
    """One change. What this person sees no longer is a delete, whatever it was before: nothing of it is told."""
    change = {"id": str(row.seq), "item_id": str(row.item or ""), "item_name": row.name, "updated_time": row.changed_at}
    if not row.is_visible or row.item is None:
        return {**change, "type": DELETED}
    return {**change, "type": CREATED, "jop_updated_time": row.item_updated_at}


def forget_deletes(conn: Connection, *, before: int) -> int:
    """Forget up to CHUNK deletes older than `before` (ms); devices that were away for longer compare anew. How many."""
    old = select(v.user_id, v.name, v.seq).where(GONE, v.changed_at < before).limit(CHUNK)
    rows = conn.execute(old).all()
    for row in rows:
        conn.execute(delete(view).where(v.user_id == row.user_id, v.name == row.name))
    raise_floor(conn, max((row.seq or 0 for row in rows), default=0))
    return len(rows)


def list_names(conn: Connection, user_id: str, prefix: str, *, limit: int, offset: int) -> tuple[list[Any], bool]:
    """Names that begin with `prefix`, newest first, and whether there are more."""
    wanted = (v.user_id == user_id) & v.is_visible
    if prefix:
        wanted &= v.name.startswith(prefix, autoescape=True)
    rows = conn.execute(
        select(item.c.id, v.name, item.c.updated_at)
        .join_from(view, item, item.c.id == v.item)
        .where(wanted)
        .order_by(item.c.updated_at.desc(), item.c.id.desc())
        .limit(limit + 1)
        .offset(offset)
    ).all()
    return list(rows[:limit]), len(rows) > limit


def count_seen(conn: Connection, user_id: str) -> dict[int, int]:
    """How many items of each type this person sees."""
    rows = conn.execute(select(v.type, func.count()).where(v.user_id == user_id, v.is_visible).group_by(v.type))
    return {row[0]: row[1] for row in rows}
