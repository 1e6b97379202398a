"""Pads: made, found, listed, changed, erased."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from fazt.apps.pads.model import Pad, check_level, check_name
from fazt.apps.pads.schema import pad, state
from fazt.apps.pads.schema import update as log
from fazt.core.db import attempt, is_of_database, wake
from fazt.core.errors import Conflict, NotFound, OverQuota
from fazt.core.events import Event, emit
from fazt.core.ids import new_id
from fazt.core.search import remove
from fazt.core.shares import revoke_shares

APP = "pads"
SEARCH_KIND = "pad"
SIGNAL = "pads"
SHOWN = 500
STEP = 20

p = pad.c
FACTS = [p[name] for name in Pad.__struct_fields__]
_BY_NAME = select(*FACTS).where(p.name == bindparam("name"))
_BY_ID = select(*FACTS).where(p.id == bindparam("of"))


def no_such_pad(name: str = "") -> NotFound:
    """The error for a pad that is not here."""
    return NotFound(f"There is no pad {name!r}." if name else "There is no such pad.")


def find_pad(conn: Connection, name: str, now: int) -> Pad | None:
    """The pad of this name, unless it has ended."""
    row = conn.execute(_BY_NAME, {"name": name}).first()
    found = Pad(**row._mapping) if row is not None else None
    return None if found is None or is_over(found, now) else found


def get_pad(conn: Connection, name: str, now: int) -> Pad:
    """As find_pad. Raises NotFound."""
    found = find_pad(conn, name, now)
    if found is None:
        raise no_such_pad(name)
    return found


def get_by_id(conn: Connection, pad_id: str, now: int) -> Pad:
    """As get_pad, by its id."""
    row = conn.execute(_BY_ID, {"of": pad_id}).first()
    if row is None or is_over(Pad(**row._mapping), now):
        raise no_such_pad()
    return Pad(**row._mapping)


def is_over(found: Pad, now: int) -> bool:
    """Whether it has ended, and only waits to be erased."""
    return found.expires_at is not None and found.expires_at <= now


def ensure_pad(conn: Connection, name: str, user_id: str, now: int, *, most: int, expires_at: int | None = None) -> Pad:
    """The pad of this name, made where there is none. Raises OverQuota."""
    found = find_pad(conn, name, now)
    if found is not None:
        return found
    try:
        with attempt(conn):
            return create_pad(conn, name, user_id, now, most=most, expires_at=expires_at)
    except Conflict:
        return get_pad(conn, name, now)


def create_pad(conn: Connection, name: str, user_id: str, now: int, *, most: int, expires_at: int | None = None) -> Pad:
    """A new pad, empty. Raises Invalid, Conflict and OverQuota."""
    old = conn.execute(_BY_NAME, {"name": check_name(name)}).first()
    if old is not None:
        if not is_over(Pad(**old._mapping), now):
            raise Conflict(f"There is a pad {name!r} already.")
        erase(conn, old.id, "expired", now)
    count = conn.scalar(select(func.count()).select_from(pad).where(p.user_id == user_id)) or 0
    if count >= most:
        raise OverQuota(f"There are {count} pads already.", hint="Erase those that are not needed.")
    made = Pad(new_id(now), name, user_id, "", "", "", 0, 0, 0, 0, now, now, expires_at)
    row = {field: getattr(made, field) for field in Pad.__struct_fields__}
    try:
        conn.execute(insert(pad), {**row, "thinned_seq": 0})
    except IntegrityError as error:
        if is_of_database(error):
            raise
        raise Conflict(f"There is a pad {name!r} already.") from error
    emit(conn, Event("pads.created", {"pad": name, "user_id": user_id}, key=name), now=now)
    if expires_at is not None:
        wake(conn, SIGNAL)
    return made


def list_pads(conn: Connection, user_id: str, now: int, *, shared: bool, everything: bool = False) -> list[Pad]:
    """Somebody's pads, the newest change first; with `shared` those that members see, with `everything` all."""
    wanted = select(*FACTS).where(or_(p.expires_at.is_(None), p.expires_at > now))
    if not everything:
        seen = or_(p.user_id == user_id, p.members.in_(["read", "write"]))
        wanted = wanted.where(or_(seen, p.members == "") if shared else seen)
    rows = conn.execute(wanted.order_by(p.changed_at.desc(), p.id).limit(SHOWN))
    return [Pad(**row._mapping) for row in rows]


def change_pad(conn: Connection, /, pad_id: str, now: int, **changes: Any) -> Pad:
    """Change `members`, `guests`, `password_hash` or `expires_at`. Raises NotFound and Invalid."""
    get_by_id(conn, pad_id, now)
    for field in ("members", "guests"):
        check_level(changes.get(field, ""))
    if changes:
        conn.execute(update(pad).where(p.id == pad_id).values(**changes))
    wake(conn, SIGNAL)
    return get_by_id(conn, pad_id, now)


def erase(conn: Connection, pad_id: str, why: str, now: int) -> None:
    """Nothing of it stays in the tables: text, history, links, words in the index."""
    name = conn.scalar(select(p.name).where(p.id == pad_id))
    if name is None:
        return
    conn.execute(delete(log).where(log.c.pad_id == pad_id))
    conn.execute(delete(state).where(state.c.pad_id == pad_id))
    conn.execute(delete(pad).where(p.id == pad_id))
    remove(conn, SEARCH_KIND, pad_id)
    revoke_shares(conn, APP, pad_id)
    emit(conn, Event("pads.erased", {"pad": name, "why": why}, key=name), now=now)


def erase_expired(conn: Connection, now: int, empty_before: int, open_ids: Collection[str]) -> list[str]:
    """Erase pads that have ended, and those that were opened and never written in; their ids. Some at a time."""
    is_unused = (p.seq == 0) & (p.created_at < empty_before) & p.expires_at.is_(None) & p.id.not_in(tuple(open_ids))
    is_due = or_(p.expires_at <= now, is_unused)
    ids = list(conn.scalars(select(p.id).where(is_due).limit(STEP)))
    for pad_id in ids:
        erase(conn, pad_id, "expired", now)
    return ids


def find_next_end(conn: Connection) -> int | None:
    """The next moment (ms) at which a pad ends."""
    end: int | None = conn.scalar(select(func.min(p.expires_at)))
    return end


def list_names_of(conn: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The names of those that are there, by id."""
    return {row.id: row.name for row in conn.execute(select(p.id, p.name).where(p.id.in_(ids)))}


def count_pads(conn: Connection, user_id: str, now: int) -> tuple[int, int, str]:
    """Of somebody: how many, bytes of text, and the name of the one that changed last."""
    own = (p.user_id == user_id) & or_(p.expires_at.is_(None), p.expires_at > now)
    count, size = conn.execute(select(func.count(), func.coalesce(func.sum(p.size), 0)).where(own)).one()
    last = conn.scalar(select(p.name).where(own).order_by(p.changed_at.desc()).limit(1))
    return count, int(size), last or ""


def forget_user(conn: Connection, user_id: str) -> None:
    """Somebody was deleted: their pads end now."""
    conn.execute(update(pad).where(p.user_id == user_id).values(expires_at=0))
    wake(conn, SIGNAL)
