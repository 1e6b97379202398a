"""What time does: old versions and deletes are forgotten, scratch files go, people leave."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from fazt.apps.joplin.model.items import NOTE, parse_item
from fazt.apps.joplin.schema import device, item, membership, refusal, share, version, view
from fazt.apps.joplin.store import history, words
from fazt.apps.joplin.store.items import erase, read_bytes
from fazt.apps.joplin.store.shares import drop_member, drop_share, to_member, to_share
from fazt.core.events import Event
from fazt.core.jobs import enqueue

FORGET_JOB = "joplin.forget"
CHUNK = 100


def on_event(conn: Connection, event: Event) -> None:
    """Somebody was deleted: what they had here goes, piece by piece."""
    if event.name == "auth.user_deleted":
        user_id = str(event.data["user_id"])
        enqueue(conn, FORGET_JOB, {"user_id": user_id}, now=event.at, key=user_id)


def forget_user(conn: Connection, user_id: str, now: int) -> bool:
    """Delete some of what somebody had, shares first; whether there may be more."""
    for row in conn.execute(select(share).where(share.c.owner_id == user_id)).all():
        drop_share(conn, to_share(row), now)
    for row in conn.execute(select(membership).where(membership.c.user_id == user_id)).all():
        drop_member(conn, to_member(row), now)
    seen = select(item).join_from(view, item, item.c.id == view.c.item)
    rows = conn.execute(seen.where(view.c.user_id == user_id, view.c.is_visible).limit(CHUNK)).all()
    for row in rows:
        erase(conn, row, now)
    old = conn.execute(select(version.c.id, version.c.hash).where(version.c.user_id == user_id).limit(CHUNK)).all()
    for row in old:
        history.forget_version(conn, row)
    if rows or old:
        return True
    for table in (view, refusal, device):
        conn.execute(delete(table).where(table.c.user_id == user_id))
    return False


def learn_shared(conn: Connection, share_id: str, user_id: str, after: int, now: int) -> int:
    """Make some notes of a shared notebook findable for a member; the last one, 0 at the end."""
    seen = (
        select(item)
        .join_from(view, item, item.c.id == view.c.item)
        .where(view.c.user_id == user_id, view.c.is_visible, item.c.share_id == share_id)
        .where(item.c.type == NOTE, item.c.id > after)
    )
    rows = conn.execute(seen.order_by(item.c.id).limit(CHUNK)).all()
    for row in rows:
        words.learn(conn, user_id, row.item_id, parse_item(read_bytes(conn, row)), now)
    return int(rows[-1].id) if len(rows) == CHUNK else 0


def forget_scratch(conn: Connection, *, before: int) -> int:
    """Delete scratch files that a client left behind; how many."""
    old = item.c.name.like("temp/%") & (item.c.updated_at < before) & (item.c.type == 0)
    rows = conn.execute(select(item).where(old).limit(CHUNK)).all()
    for row in rows:
        erase(conn, row, before)
        conn.execute(delete(view).where(view.c.name == row.name, view.c.item.is_(None), view.c.seq.is_(None)))
    return len(rows)
