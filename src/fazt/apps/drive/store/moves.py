"""Rules and SQL of moving, copying and deleting whole trees: each is done at once or not at all."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, literal, select, update

from fazt.apps.drive.model.locks import Lock, Terms
from fazt.apps.drive.model.naming import check_name, is_junk, join_path, key_of
from fazt.apps.drive.model.nodes import Content, Node, Spot, Trail
from fazt.apps.drive.schema import node, prop, trash, version
from fazt.apps.drive.store.files import check_writable, get_folder_above, retire, tell_put
from fazt.apps.drive.store.locks import (
    check_inside,
    check_locks,
    check_terms,
    drop_locks,
    hand_over,
    list_locks,
)
from fazt.apps.drive.store.spaces import advance
from fazt.apps.drive.store.tree import add_node, get_node_by_id, names_of, no_such, note_gone, touch, walk
from fazt.core.blobs import drop, keep, keep_many
from fazt.core.errors import Conflict, Forbidden, PreconditionFailed
from fazt.core.events import Event, emit

n, p, v = node.c, prop.c, version.c
_PLACE = (
    update(node)
    .where(n.id == bindparam("of"))
    .values(
        parent_id=bindparam("above"),
        name=bindparam("called"),
        key=bindparam("k"),
        seq=bindparam("at"),
        placed=bindparam("at"),
        space_id=bindparam("space"),
    )
)
_UNPLACE = update(node).where(n.id == bindparam("of")).values(parent_id=None, seq=bindparam("at"))
_ADD_TRASH = insert(trash)


class Moved(msgspec.Struct, frozen=True):
    """What came of a move or copy: the node, and whether its path is new."""

    node: Node
    is_new: bool


class Target(msgspec.Struct, frozen=True):
    """Where something is to go, and whether what is there may be replaced."""

    spot: Spot
    overwrite: bool = True
    modified_at: int | None = None
    terms: Terms | None = None


# --- deleting


def delete_node(conn: Connection, spot: Spot, terms: Terms) -> Node:
    """Into the trash, with all below it. Raises NotFound, Locked, PreconditionFailed, Forbidden for the root."""
    trail = walk(conn, spot)
    found = trail.node
    if found is None:
        raise no_such(spot)
    locks = list_locks(conn, spot.space.id, terms.now)
    check_writable(spot)
    check_terms(conn, trail, spot, locks, terms)
    inside = check_leaving(conn, trail, locks, terms)
    drop_locks(conn, [*inside, *(one for one in locks if one.node_id == found.id)])
    discard(conn, trail, terms)
    return found


def check_leaving(conn: Connection, trail: Trail, locks: list[Lock], terms: Terms) -> list[Lock]:
    """Whether what is at the end of the trail may go from there; the locks below it. Raises Locked, Forbidden."""
    if len(trail.nodes) == 1:
        raise Forbidden("The drive itself stays.")
    check_locks(conn, locks, trail.ids, terms)
    check_locks(conn, locks, trail.ids[:-1], terms)
    return check_inside(conn, locks, trail.nodes[-1].id, terms)


def discard(conn: Connection, trail: Trail, terms: Terms) -> None:
    """Put what is at the end of the trail into the trash. What programs leave for themselves is not worth it."""
    found, names = trail.nodes[-1], names_of(trail)
    is_waste = not found.is_folder and (is_junk(found.name) or not found.size)
    seq = advance(conn, found.space_id, -found.size, 0 if is_waste else found.size)
    note_gone(conn, found, names, seq, terms.now)
    if is_waste:
        forget_file(conn, found)
    else:
        conn.execute(_UNPLACE, {"of": found.id, "at": seq})
        row = {"node_id": found.id, "space_id": found.space_id, "parent_id": found.parent_id, "size": found.size}
        path = join_path(names)
        conn.execute(_ADD_TRASH, {**row, "path": path, "deleted_at": terms.now, "deleted_by": terms.user_id})
    touch(conn, trail.nodes[:-1], -found.size, seq, terms.now)
    tell_deleted(conn, found, names, terms)


def forget_file(conn: Connection, found: Node) -> int:
    """Delete the row of a file for good, with its versions and properties; how many bytes its versions had."""
    drop(conn, found.hash)
    rows = conn.execute(select(v.hash, v.size).where(v.node_id == found.id)).all()
    for row in rows:
        drop(conn, row.hash)
    conn.execute(delete(version).where(v.node_id == found.id))
    conn.execute(delete(prop).where(p.node_id == found.id))
    conn.execute(delete(node).where(n.id == found.id))
    return sum(row.size for row in rows)


def tell_deleted(conn: Connection, found: Node, names: tuple[str, ...], terms: Terms) -> None:
    """The event of what is no longer there."""
    path = join_path(names)
    data: dict[str, Any] = {"path": path, "space": found.space_id, "by": terms.user_id, "is_folder": found.is_folder}
    emit(conn, Event("drive.file_deleted", data, key=f"{found.space_id}{path}"), now=terms.now)


# --- moving


def move_node(conn: Connection, spot: Spot, target: Target, terms: Terms) -> Moved:
    """Take something elsewhere, with all below it. Everything is checked before anything is changed."""
    source, goal = walk(conn, spot), walk(conn, target.spot)
    found = source.node
    if found is None:
        raise no_such(spot)
    check_writable(spot)
    locks = list_locks(conn, spot.space.id, terms.now)
    check_terms(conn, source, spot, locks, terms)
    there = locks if target.spot.space.id == spot.space.id else list_locks(conn, target.spot.space.id, terms.now)
    check_target(conn, source, goal, target, there, terms)
    inside = check_leaving(conn, source, locks, terms)
    old = goal.node
    leaving = [*inside, *(one for one in locks if one.node_id == found.id)]
    if old is not None and old.id != found.id:
        if not old.is_folder and not found.is_folder:
            drop_locks(conn, leaving)
            return Moved(move_over(conn, source, goal, target, terms), is_new=False)
        clear(conn, goal, there, terms)
        goal = walk(conn, target.spot)
        source = walk(conn, spot)
    drop_locks(conn, leaving)
    place(conn, source, goal, target, terms)
    if old is not None and old.id != found.id:
        hand_over(conn, there, old.id, found.id)
    return Moved(get_node_by_id(conn, found.id), is_new=old is None or old.id == found.id)


def check_target(conn: Connection, source: Trail, goal: Trail, target: Target, locks: list[Lock], terms: Terms) -> None:
    """Whether something may come to where it is to go, and nothing would be lost by it. Raises what fits."""
    found, old = source.nodes[-1], goal.node
    check_writable(target.spot)
    if not target.spot.segments or len(source.nodes) == 1:
        raise Forbidden("The drive itself stays where it is.")
    if old is not None and old.id == found.id and goal.nodes[-1].name == target.spot.segments[-1]:
        raise Forbidden("That is where it is already.")
    if found.id in goal.ids[:-1] or (goal.rest and found.id in goal.ids):
        raise Conflict("A folder cannot go into itself.")
    if old is not None and old.id in source.ids[:-1]:
        raise Conflict("This would replace the folder that it is in.")
    get_folder_above(goal)
    check_name(target.spot.segments[-1])
    if old is not None and old.id != found.id and not target.overwrite:
        raise PreconditionFailed("There is already something of this name.")
    check_locks(conn, locks, goal.ids, terms)
    if old is not None:
        check_locks(conn, locks, goal.ids[:-1], terms)
        if old.id != found.id:
            check_inside(conn, locks, old.id, terms)


def clear(conn: Connection, goal: Trail, locks: list[Lock], terms: Terms) -> None:
    """Put what is in the way into the trash; locks at its very place stay, those below it go."""
    drop_locks(conn, check_inside(conn, locks, goal.nodes[-1].id, terms))
    discard(conn, goal, terms)


def place(conn: Connection, source: Trail, goal: Trail, target: Target, terms: Terms) -> None:
    """Hang the node at the end of `source` up where `goal` ends."""
    found = source.nodes[-1]
    folders = goal.nodes if goal.rest else goal.nodes[:-1]
    above, name = folders[-1], target.spot.segments[-1]
    is_same = above.space_id == found.space_id
    seq = advance(conn, found.space_id, 0 if is_same else -found.size)
    note_gone(conn, found, names_of(source), seq, terms.now)
    touch(conn, source.nodes[:-1], -found.size, seq, terms.now)
    if not is_same:
        seq = advance(conn, above.space_id, found.size, 0, terms.quota)
        adopt(conn, found, above.space_id)
    row = {"of": found.id, "above": above.id, "called": name, "k": key_of(name), "at": seq, "space": above.space_id}
    conn.execute(_PLACE, row)
    add_sizes(conn, folders, found.size, seq, terms.now)
    if target.modified_at is not None:
        conn.execute(update(node).where(n.id == found.id).values(modified_at=target.modified_at))
    tell_moved(conn, found, names_of(source), (*names_of(Trail(folders, ())), name), terms)


def add_sizes(conn: Connection, folders: tuple[Node, ...], more: int, seq: int, now: int) -> None:
    """As `touch`, where some of the folders may have been touched already by the same change."""
    fresh = tuple(get_node_by_id(conn, folder.id) for folder in folders)
    touch(conn, fresh, more, seq, now)


def adopt(conn: Connection, found: Node, space_id: int) -> None:
    """A tree and what is kept of it belong to another space from now on."""
    if not found.is_folder:
        shift_versions(conn, [found.id], found.space_id, space_id)
        return
    below = descendants(found.id)
    ids = list(conn.scalars(select(below.c.id)))
    shift_versions(conn, ids, found.space_id, space_id)
    for at in range(0, len(ids), 500):
        conn.execute(update(node).where(n.id.in_(ids[at : at + 500])).values(space_id=space_id))


def shift_versions(conn: Connection, ids: list[int], old_space: int, new_space: int) -> None:
    """Count the versions of these nodes where they are now."""
    kept = 0
    for at in range(0, len(ids), 500):
        kept += conn.scalar(select(func.sum(v.size)).where(v.node_id.in_(ids[at : at + 500]))) or 0
    if kept:
        advance(conn, old_space, 0, -int(kept))
        advance(conn, new_space, 0, int(kept))


def descendants(node_id: int) -> Any:
    """The ids of a node and all below it, as a recursive table."""
    below = select(n.id).where(n.id == node_id).cte("below", recursive=True)
    return below.union_all(select(n.id).where(n.parent_id == below.c.id))


def move_over(conn: Connection, source: Trail, goal: Trail, target: Target, terms: Terms) -> Node:
    """A file onto a file: the one that was there stays itself, with its lock and its versions, and gets new bytes.

    This is how editors save that write a temporary file first.
    """
    found, old = source.nodes[-1], goal.nodes[-1]
    seq = advance(conn, found.space_id, -found.size)
    note_gone(conn, found, names_of(source), seq, terms.now)
    touch(conn, source.nodes[:-1], -found.size, seq, terms.now)
    if found.hash == old.hash:
        drop(conn, found.hash)
        kept = 0
    else:
        kept = retire(conn, old, terms)
    seq = advance(conn, old.space_id, found.size - old.size, kept, terms.quota)
    add_sizes(conn, goal.nodes[:-1], found.size - old.size, seq, terms.now)
    modified_at = found.modified_at if target.modified_at is None else target.modified_at
    facts = {"hash": found.hash, "size": found.size, "modified_at": modified_at, "checksums": found.checksums}
    name = target.spot.segments[-1]
    conn.execute(delete(node).where(n.id == found.id))
    conn.execute(update(node).where(n.id == old.id).values(seq=seq, name=name, key=key_of(name), **facts))
    conn.execute(delete(prop).where(p.node_id == old.id))
    conn.execute(update(prop).where(p.node_id == found.id).values(node_id=old.id))
    if found.space_id != old.space_id:
        shift_versions(conn, [found.id], found.space_id, old.space_id)
    conn.execute(update(version).where(v.node_id == found.id).values(node_id=old.id))
    moved = get_node_by_id(conn, old.id)
    tell_put(conn, goal, moved, terms)
    tell_deleted(conn, found, names_of(source), terms)
    return moved


def tell_moved(conn: Connection, found: Node, old: tuple[str, ...], new: tuple[str, ...], terms: Terms) -> None:
    """The event of what is elsewhere now."""
    data: dict[str, Any] = {"from": join_path(old), "path": join_path(new), "space": found.space_id}
    data |= {"by": terms.user_id, "is_folder": found.is_folder}
    emit(conn, Event("drive.moved", data, key=f"{found.space_id}{join_path(new)}"), now=terms.now)


# --- copying


def copy_node(conn: Connection, spot: Spot, target: Target, terms: Terms, *, is_deep: bool = True) -> Moved:
    """The same once more elsewhere, without copying a byte. A folder alone, where not `is_deep`."""
    source, goal = walk(conn, spot), walk(conn, target.spot)
    found = source.node
    if found is None:
        raise no_such(spot)
    check_terms(conn, source, spot, list_locks(conn, spot.space.id, terms.now), terms)
    locks = list_locks(conn, target.spot.space.id, terms.now)
    check_copy(source, goal, target)
    check_target(conn, source, goal, target, locks, terms)
    old = goal.node
    if old is not None and not old.is_folder and not found.is_folder:
        return Moved(copy_over(conn, found, goal, target, terms), is_new=False)
    if old is not None:
        clear(conn, goal, locks, terms)
        goal = walk(conn, target.spot)
    new_id = copy_tree(conn, found, goal, target, terms, is_deep=is_deep)
    if old is not None:
        hand_over(conn, locks, old.id, new_id)
    return Moved(get_node_by_id(conn, new_id), is_new=old is None)


def check_copy(source: Trail, goal: Trail, target: Target) -> None:
    """Raises Forbidden where source and target are one."""
    if goal.node is not None and goal.node.id == source.nodes[-1].id:
        raise Forbidden("That is where it is already.")
    if len(source.nodes) == 1 and target.spot.space.id == source.nodes[0].space_id:
        raise Conflict("A folder cannot go into itself.")


def copy_over(conn: Connection, found: Node, goal: Trail, target: Target, terms: Terms) -> Node:
    """A file's bytes and properties onto a file that is there."""
    from fazt.apps.drive.store.files import replace_file  # noqa: PLC0415

    modified_at = found.modified_at if target.modified_at is None else target.modified_at
    content = Content(found.hash, found.size, checksums=found.checksums, modified_at=modified_at)
    old = goal.nodes[-1]
    conn.execute(delete(prop).where(p.node_id == old.id))
    copy_props(conn, found.id, old.id)
    return replace_file(conn, goal, content, terms)


def copy_props(conn: Connection, old_id: int, new_id: int) -> None:
    """The dead properties of one node for another."""
    columns = (p.namespace, p.name, p.xml)
    conn.execute(
        insert(prop).from_select(
            ["node_id", "namespace", "name", "xml"],
            select(literal(new_id), *columns).where(p.node_id == old_id),
        )
    )


def copy_tree(conn: Connection, found: Node, goal: Trail, target: Target, terms: Terms, *, is_deep: bool) -> int:
    """A tree where nothing is; level by level, each by one statement. The id of its top."""
    above = goal.nodes[-1]
    size = found.size if is_deep or not found.is_folder else 0
    seq = advance(conn, above.space_id, size, 0, terms.quota)
    modified_at = found.modified_at if target.modified_at is None else target.modified_at
    top = add_node(
        conn,
        space_id=above.space_id,
        parent_id=above.id,
        name=target.spot.segments[-1],
        is_folder=found.is_folder,
        hash=found.hash,
        size=size,
        modified_at=modified_at,
        created_at=terms.now,
        seq=seq,
        placed=seq,
        checksums=found.checksums,
    )
    copy_props(conn, found.id, top)
    if not found.is_folder:
        keep(conn, found.hash)
    elif is_deep:
        conn.execute(update(node).where(n.id == top).values(origin_id=found.id))
        copy_levels(conn, top, above.space_id, seq, terms.now)
    touch(conn, goal.nodes, size, seq, terms.now)
    if not found.is_folder:
        tell_put(conn, goal, get_node_by_id(conn, top), terms)
    return top


def copy_levels(conn: Connection, top: int, space_id: int, seq: int, now: int) -> None:
    """All below the folder that `top` was copied from, below `top`."""
    m = node.alias("m")
    same = ("name", "key", "is_folder", "hash", "size", "modified_at", "checksums")
    rows = select(
        literal(space_id), m.c.id, *(n[name] for name in same), literal(now), literal(seq), literal(seq), n.id
    ).select_from(node.join(m, m.c.origin_id == n.parent_id))
    columns = ["space_id", "parent_id", *same, "created_at", "seq", "placed", "origin_id"]
    fresh = (m.c.space_id == space_id) & (m.c.seq == seq)
    last, highest = top - 1, top
    while highest > last:
        conn.execute(insert(node).from_select(columns, rows.where(fresh, m.c.id > last, m.c.id <= highest)))
        last, highest = highest, conn.scalar(select(func.max(n.id))) or 0
    mine = (n.space_id == space_id) & (n.seq == seq) & n.origin_id.is_not(None) & (n.id > top)
    counts = conn.execute(select(n.hash, func.count()).where(mine, ~n.is_folder).group_by(n.hash))
    keep_many(conn, {row[0]: row[1] for row in counts})
    conn.execute(
        insert(prop).from_select(
            ["node_id", "namespace", "name", "xml"],
            select(n.id, p.namespace, p.name, p.xml).select_from(node.join(prop, p.node_id == n.origin_id)).where(mine),
        )
    )
    conn.execute(update(node).where(n.space_id == space_id, n.seq == seq).values(origin_id=None))
