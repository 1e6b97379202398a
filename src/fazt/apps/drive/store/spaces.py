"""Rules and SQL of spaces: homes, shared folders, working copies of sites; and how full they are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, delete, or_, select, update

from fazt.apps.drive.model.naming import check_name
from fazt.apps.drive.model.nodes import Space, SpaceKind, Usage
from fazt.apps.drive.schema import access, node, space
from fazt.core.db import Prepared, insert, wake
from fazt.core.errors import Conflict, Forbidden, Invalid, NotFound, OverQuota

s, a = space.c, access.c
_SPACE = select(s.id, s.kind, s.name, s.owner, s.root_id)
_FIND = _SPACE.where(s.kind == bindparam("k"), s.name == bindparam("n"))
_USAGE = select(s.used, s.kept, s.quota, s.seq).where(s.id == bindparam("of"))
_ADVANCE = Prepared(
    update(space)
    .where(s.id == bindparam("of"))
    .values(seq=s.seq + 1, used=s.used + bindparam("more"), kept=s.kept + bindparam("more_kept"))
    .returning(s.seq, s.used, s.quota)
)
_KEEP = update(space).where(s.id == bindparam("of")).values(kept=s.kept + bindparam("more_kept"))


CHANGED = "drive"
"""What is woken after each change of any space."""


def signal(space_id: int) -> str:
    """What is woken after each change of a space."""
    return f"drive:{space_id}"


def find_space(conn: Connection, kind: SpaceKind, name: str) -> Space | None:
    """A space, whoever asks."""
    row = conn.execute(_FIND, {"k": kind, "n": name}).first()
    return None if row is None else Space(*row)


def create_space(conn: Connection, kind: SpaceKind, name: str, owner: str, now: int) -> Space:
    """The space of this name, made where there is none."""
    found = find_space(conn, kind, name)
    if found is not None:
        return found
    facts: dict[str, Any] = {"used": 0, "kept": 0, "seq": 1, "floor": 0, "indexed": 0, "version": 0}
    space_id = conn.scalar(
        insert(conn, space).values(kind=kind, name=name, owner=owner, created_at=now, **facts).returning(s.id)
    )
    root = {"name": "", "key": "", "is_folder": True, "hash": "", "size": 0, "seq": 1, "placed": 1, "checksums": ""}
    root_id = conn.scalar(
        insert(conn, node).values(space_id=space_id, modified_at=now, created_at=now, **root).returning(node.c.id)
    )
    conn.execute(update(space).where(s.id == space_id).values(root_id=root_id))
    assert space_id is not None
    assert root_id is not None
    return Space(space_id, kind, name, owner, root_id)


def get_space(conn: Connection, space_id: int) -> Space:
    """Raises NotFound."""
    row = conn.execute(_SPACE.where(s.id == space_id)).first()
    if row is None:
        raise NotFound("This folder is gone.")
    return Space(*row)


def find_shared(conn: Connection, name: str, user_id: str) -> Space | None:
    """A shared folder as this user may use it, or None."""
    found = find_space(conn, "shared", name)
    if found is None or found.owner == user_id:
        return found
    may_write = conn.scalar(select(a.may_write).where(a.space_id == found.id, a.user_id == user_id))
    return None if may_write is None else Space(found.id, "shared", found.name, found.owner, found.root_id, may_write)


def list_shared(conn: Connection, user_id: str) -> list[Space]:
    """The shared folders that this user sees."""
    joined = space.outerjoin(access, (a.space_id == s.id) & (a.user_id == user_id))
    rows = conn.execute(
        select(s.id, s.kind, s.name, s.owner, s.root_id, a.may_write)
        .select_from(joined)
        .where(s.kind == "shared", or_(s.owner == user_id, a.user_id == user_id))
        .order_by(s.name)
    )
    return [Space(*row[:5], row.owner == user_id or bool(row.may_write)) for row in rows]


def create_shared(conn: Connection, name: str, owner: str, now: int) -> Space:
    """A new shared folder. Raises Invalid, and Conflict where there is one of this name."""
    if name != name.strip():
        raise Invalid("The name of a shared folder has no blanks around it.")
    if find_space(conn, "shared", check_name(name)) is not None:
        raise Conflict(f"There is already a shared folder {name!r}.", hint="Choose another name.")
    return create_space(conn, "shared", name, owner, now)


def get_own_shared(conn: Connection, name: str, user_id: str) -> Space:
    """A shared folder of this owner's. Raises NotFound and Forbidden."""
    found = find_shared(conn, name, user_id)
    if found is None:
        raise NotFound(f"There is no shared folder {name!r}.")
    if found.owner != user_id:
        raise Forbidden("Only who made a shared folder may change who sees it.")
    return found


def put_access(conn: Connection, name: str, user_id: str, with_user: str, *, may_write: bool) -> None:
    """Let somebody see a shared folder, and perhaps change what is in it."""
    found = get_own_shared(conn, name, user_id)
    statement = insert(conn, access).values(space_id=found.id, user_id=with_user, may_write=may_write)
    conn.execute(statement.on_conflict_do_update(index_elements=["space_id", "user_id"], set_={"may_write": may_write}))
    wake(conn, signal(found.id))


def delete_access(conn: Connection, name: str, user_id: str, with_user: str) -> None:
    """Let somebody see it no longer; members may take themselves off."""
    found = find_shared(conn, name, user_id)
    if found is None:
        raise NotFound(f"There is no shared folder {name!r}.")
    if user_id not in {found.owner, with_user}:
        raise Forbidden("Only who made a shared folder may change who sees it.")
    conn.execute(delete(access).where(a.space_id == found.id, a.user_id == with_user))
    wake(conn, signal(found.id))


def list_access(conn: Connection, space_id: int) -> dict[str, bool]:
    """Who else sees a shared folder, and whether they may write."""
    rows = conn.execute(select(a.user_id, a.may_write).where(a.space_id == space_id))
    return {row.user_id: row.may_write for row in rows}


# --- how full


def get_usage(conn: Connection, space_id: int, default_quota: int) -> Usage:
    """How full a space is."""
    row = conn.execute(_USAGE, {"of": space_id}).one()
    return Usage(row.used, row.kept, default_quota if row.quota is None else row.quota, row.seq)


def put_quota(conn: Connection, space_id: int, quota: int | None) -> None:
    """How many bytes there may be in a space; 0 is no limit, None what the setting says."""
    conn.execute(update(space).where(s.id == space_id).values(quota=quota))


def advance(conn: Connection, space_id: int, more: int = 0, kept: int = 0, default_quota: int = 0) -> int:
    """The number of a change that adds `more` bytes to the tree and `kept` to what is kept. Raises OverQuota."""
    row = _ADVANCE.row(conn, {"of": space_id, "more": more, "more_kept": kept})
    if row is None:
        raise NotFound("This folder is gone.")
    seq: int
    seq, used, own_quota = row
    quota = default_quota if own_quota is None else own_quota
    if more > 0 and quota and used > quota:
        raise OverQuota(
            "There is not enough room left in this drive.", hint="Delete something, or ask the owner for more."
        )
    wake(conn, signal(space_id))
    wake(conn, CHANGED)
    return seq


def add_kept(conn: Connection, space_id: int, kept: int) -> None:
    """Count bytes of trash and versions, without any change that clients would see."""
    conn.execute(_KEEP, {"of": space_id, "more_kept": kept})


def check_quota(conn: Connection, space_id: int, more: int, default_quota: int) -> None:
    """Raises OverQuota where `more` bytes would not fit."""
    usage = get_usage(conn, space_id, default_quota)
    if usage.quota and usage.used + more > usage.quota:
        raise OverQuota(
            "There is not enough room left in this drive.", hint="Delete something, or ask the owner for more."
        )
