"""Who sees which item, and what their devices are told of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, bindparam, false, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from fazt.apps.joplin.model.shares import ACCEPTED
from fazt.apps.joplin.schema import item, membership, share, view
from fazt.apps.joplin.store.seq import next_seq

v = view.c
SEEN = (
    select(item, v.seq)
    .join_from(view, item, item.c.id == v.item)
    .where(v.user_id == bindparam("user_id"), v.name == bindparam("name"), v.is_visible)
)
_VIEWERS = select(v.user_id).where(v.item == bindparam("item"), v.is_visible)
_OTHER = select(v.item).where(v.user_id == bindparam("user_id"), v.name == bindparam("name"), v.is_visible)
_MEMBERS = select(membership.c.user_id).where(
    membership.c.share_id == bindparam("share_id"), membership.c.status == ACCEPTED
)
_OWNER = select(share.c.owner_id).where(share.c.id == bindparam("share_id"))
_HIDE = (
    update(view)
    .where(v.user_id == bindparam("of_user"), v.name == bindparam("of_name"))
    .values(is_visible=false(), item=None, seq=bindparam("new_seq"), changed_at=bindparam("now"))
)


def find_seen(conn: Connection, user_id: str, name: str) -> Row[Any] | None:
    """The item that this person sees under `name`."""
    return conn.execute(SEEN, {"user_id": user_id, "name": name}).first()


def viewers_of(conn: Connection, item_id: int) -> set[str]:
    """Who sees an item."""
    return set(conn.scalars(_VIEWERS, {"item": item_id}))


def members_of(conn: Connection, share_id: str) -> set[str]:
    """The owner of a shared notebook and all who accepted it."""
    return {*conn.scalars(_OWNER, {"share_id": share_id}), *conn.scalars(_MEMBERS, {"share_id": share_id})}


def show(conn: Connection, facts: Row[Any] | Any, users: Iterable[str], now: int, *, first: str = "") -> set[str]:
    """Let exactly these people see an item (`id`, `name`, `type`), and tell their devices; who sees it no longer.

    Somebody who has an item of their own of that name keeps seeing theirs, except `first`, who sent this one.
    """
    wanted, before = set(users), viewers_of(conn, facts.id)
    is_told = facts.type > 0
    for user_id in sorted(wanted):
        if user_id not in before and user_id != first:
            other = conn.scalar(_OTHER, {"user_id": user_id, "name": facts.name})
            if other is not None and other != facts.id:
                continue
        put_view(conn, user_id, facts, next_seq(conn) if is_told else None, now)
    for user_id in before - wanted:
        hide(conn, user_id, facts.name, now, is_told=is_told)
    return before - wanted


def _upsert(on: Any) -> Any:
    statement = on.insert(view).values(
        user_id=bindparam("user_id"),
        name=bindparam("name"),
        item=bindparam("item"),
        seq=bindparam("seq"),
        is_visible=true(),
        type=bindparam("type"),
        changed_at=bindparam("changed_at"),
    )
    new = statement.excluded
    changes = {name: new[name] for name in ("item", "seq", "is_visible", "type", "changed_at")}
    return statement.on_conflict_do_update(index_elements=["user_id", "name"], set_=changes)


_PUT = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}


def put_view(conn: Connection, user_id: str, facts: Any, seq: int | None, now: int) -> None:
    """One person sees an item from now on, or sees what it is now."""
    row = {"user_id": user_id, "name": facts.name, "item": facts.id, "seq": seq}
    conn.execute(_PUT[conn.dialect.name], {**row, "type": facts.type, "changed_at": now})


def hide(conn: Connection, user_id: str, name: str, now: int, *, is_told: bool) -> None:
    """One person sees an item no longer."""
    seq = next_seq(conn) if is_told else None
    conn.execute(_HIDE, {"of_user": user_id, "of_name": name, "new_seq": seq, "now": now})
