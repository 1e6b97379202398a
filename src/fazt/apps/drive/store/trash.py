"""Rules and SQL of the trash: bringing things back, and forgetting them for good, some at a time."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select, update

from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.naming import free_name, key_of, split_path
from fazt.apps.drive.model.nodes import Space, Spot, Trail, Trashed
from fazt.apps.drive.schema import access, node, prop, space, trash
from fazt.apps.drive.store.files import check_writable, ensure_folders
from fazt.apps.drive.store.locks import check_locks, list_locks
from fazt.apps.drive.store.moves import descendants, forget_file, tell_moved
from fazt.apps.drive.store.spaces import add_kept, advance, get_space, get_usage, signal
from fazt.apps.drive.store.tree import climb, get_node_by_id, list_children, touch, trail_of
from fazt.core.db import wake
from fazt.core.errors import NotFound

t, n, s = trash.c, node.c, space.c
FORGOTTEN = 0
"""`deleted_at` of what nobody can bring back any more: its rows go by `purge_some`."""


def list_trash(conn: Connection, space_id: int, limit: int = 500) -> list[Trashed]:
    """What can be brought back, the latest first."""
    rows = conn.execute(
        select(n.id, n.name, n.is_folder, n.size, t.path, t.deleted_at, t.deleted_by)
        .select_from(trash.join(node, n.id == t.node_id))
        .where(t.space_id == space_id, t.deleted_at > FORGOTTEN)
        .order_by(t.deleted_at.desc(), t.node_id.desc())
        .limit(limit)
    )
    return [Trashed(*row) for row in rows]


def get_trashed(conn: Connection, space_id: int, node_id: int) -> Trashed:
    """Raises NotFound."""
    row = conn.execute(
        select(n.id, n.name, n.is_folder, n.size, t.path, t.deleted_at, t.deleted_by)
        .select_from(trash.join(node, n.id == t.node_id))
        .where(t.space_id == space_id, t.node_id == node_id, t.deleted_at > FORGOTTEN)
    ).first()
    if row is None:
        raise NotFound("This is not in the trash (any more).")
    return Trashed(*row)


def restore_trashed(conn: Connection, owned: Space, node_id: int, terms: Terms) -> tuple[str, ...]:
    """Bring something back to where it was, under a free name; its path now. Missing folders above are made."""
    found = get_trashed(conn, owned.id, node_id)
    segments = split_path(found.path)
    above = ensure_folders(conn, Spot(owned, segments[:-1]), terms)
    check_writable(Spot(owned, segments))
    trail = trail_of(conn, above.id)
    check_locks(conn, list_locks(conn, owned.id, terms.now), trail.ids, terms)
    taken = set(conn.scalars(select(n.key).where(n.parent_id == above.id)))
    name = free_name(segments[-1], taken, is_folder=found.is_folder)
    old = get_node_by_id(conn, node_id)
    seq = advance(conn, owned.id, old.size, -old.size, terms.quota)
    conn.execute(delete(trash).where(t.node_id == node_id))
    facts = {"parent_id": above.id, "name": name, "key": key_of(name), "seq": seq, "placed": seq}
    conn.execute(update(node).where(n.id == node_id).values(**facts))
    if old.is_folder:  # all in it is there again for whoever asks what changed
        conn.execute(update(node).where(n.id.in_(select(descendants(node_id).c.id))).values(seq=seq))
    touch(conn, trail.nodes, old.size, seq, terms.now)
    path = (*(step.name for step in trail.nodes[1:]), name)
    tell_moved(conn, old, segments, path, terms)
    return path


def forget_trashed(conn: Connection, space_id: int, node_ids: Sequence[int]) -> None:
    """Give things in the trash up for good; their rows go by `purge_some`."""
    for node_id in node_ids:
        get_trashed(conn, space_id, node_id)
        conn.execute(update(trash).where(t.node_id == node_id).values(deleted_at=FORGOTTEN))


def empty_trash(conn: Connection, space_id: int) -> int:
    """Give all up that is in the trash; how many."""
    wanted = update(trash).where(t.space_id == space_id, t.deleted_at > FORGOTTEN)
    return conn.execute(wanted.values(deleted_at=FORGOTTEN)).rowcount


def expire_trash(conn: Connection, before: int) -> int:
    """Give up what was deleted before this moment; how many."""
    wanted = update(trash).where(t.deleted_at < before, t.deleted_at > FORGOTTEN)
    return conn.execute(wanted.values(deleted_at=FORGOTTEN)).rowcount


def make_room(conn: Connection, default_quota: int) -> bool:
    """Give up the oldest of the trash where tree, trash and versions together go beyond a quota; whether any went."""
    went = False
    for space_id in conn.scalars(select(s.id).where(s.kept > 0)).all():
        usage = get_usage(conn, space_id, default_quota)
        over = usage.used + usage.kept - usage.quota if usage.quota else 0
        rows = conn.execute(
            select(t.node_id, t.size).where(t.space_id == space_id, t.deleted_at > FORGOTTEN).order_by(t.deleted_at)
        ).all()
        for row in rows:
            if over <= 0:
                break
            conn.execute(update(trash).where(t.node_id == row.node_id).values(deleted_at=FORGOTTEN))
            over -= row.size
            went = True
    return went


def purge_some(conn: Connection, limit: int = 200) -> bool:
    """Delete some rows of what was given up; True while there is more.

    Folders in a folder that goes are given up by themselves, so that each step is short however deep they lie.
    """
    left = limit
    while left > 0:
        top = conn.scalar(select(t.node_id).where(t.deleted_at == FORGOTTEN).limit(1))
        if top is None:
            return False
        left -= 1 + purge_one(conn, top, left)
    return True


def purge_one(conn: Connection, top: int, limit: int) -> int:
    """Delete a node that was given up, or up to `limit` of those in it; how many those were."""
    children = list_children(conn, top, limit=limit)
    went = 0
    for child in children:
        if child.is_folder:
            conn.execute(update(node).where(n.id == child.id).values(parent_id=None))
            row = {"node_id": child.id, "space_id": child.space_id, "parent_id": top, "path": "", "size": 0}
            conn.execute(insert(trash).values(deleted_at=FORGOTTEN, deleted_by="", **row))
        else:
            went += child.size + forget_file(conn, child)
    space_id = children[0].space_id if children else 0
    if len(children) < limit:
        found = get_node_by_id(conn, top)
        space_id = found.space_id
        if found.is_folder:
            conn.execute(delete(prop).where(prop.c.node_id == top))
            conn.execute(delete(node).where(n.id == top))
        else:
            went += found.size + forget_file(conn, found)
        conn.execute(delete(trash).where(t.node_id == top))
    if went:
        add_kept(conn, space_id, -went)
    return len(children)


def count_trash(conn: Connection, space_id: int) -> int:
    """How many things could be brought back."""
    wanted = select(func.count()).select_from(trash).where(t.space_id == space_id, t.deleted_at > FORGOTTEN)
    return conn.scalar(wanted) or 0


def forget_person(conn: Connection, user_id: str) -> None:
    """Give up all that somebody had who is no longer here; it goes by `purge_some`."""
    for space_id, root_id in conn.execute(select(s.id, s.root_id).where(s.owner == user_id)).all():
        for child_id in conn.scalars(select(n.id).where(n.parent_id == root_id)).all():
            conn.execute(update(node).where(n.id == child_id).values(parent_id=None))
            row = {"node_id": child_id, "space_id": space_id, "parent_id": root_id, "path": "", "size": 0}
            conn.execute(insert(trash).values(deleted_at=FORGOTTEN, deleted_by="", **row))
        empty_trash(conn, space_id)
        conn.execute(update(space).where(s.id == space_id).values(kept=s.kept + s.used, used=0))
        conn.execute(update(node).where(n.id == root_id).values(size=0))
        wake(conn, signal(space_id))
    conn.execute(delete(access).where(access.c.user_id == user_id))


def find_space_of(conn: Connection, node_id: int) -> tuple[Space, Trail] | None:
    """The space and the trail of a node that is in a tree, or None."""
    nodes = climb(conn, node_id)
    if not nodes:
        return None
    owned = get_space(conn, nodes[0].space_id)
    if nodes[-1].id != owned.root_id:
        return None
    return owned, Trail(tuple(reversed(nodes)), ())
