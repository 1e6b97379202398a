"""Rules and SQL of writing: files, new folders, and what a file held before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from fazt.apps.drive.model.locks import Lock, Terms
from fazt.apps.drive.model.naming import check_name, join_path
from fazt.apps.drive.model.nodes import EMPTY_HASH, Content, Node, Put, Spot, Trail, Version
from fazt.apps.drive.schema import node, version
from fazt.apps.drive.store.locks import Wanted, add_lock, check_locks, check_terms, list_locks_at
from fazt.apps.drive.store.spaces import add_kept, advance, check_quota
from fazt.apps.drive.store.tree import add_node, get_node_by_id, names_of, touch, walk
from fazt.core.blobs import drop, keep, put_kept
from fazt.core.db import Prepared
from fazt.core.errors import Conflict, FaztError, Forbidden, NotFound
from fazt.core.events import Event, emit

n, v = node.c, version.c
EMPTY = Content(EMPTY_HASH, 0, b"")
_REPLACE = Prepared(
    update(node)
    .where(n.id == bindparam("of"))
    .values(
        hash=bindparam("sum"),
        size=bindparam("bytes"),
        modified_at=bindparam("when"),
        seq=bindparam("at"),
        checksums=bindparam("sums"),
    )
)
_ADD_VERSION = Prepared(insert(version), ("node_id", "hash", "size", "modified_at", "saved_at", "saved_by"))
_OLD_VERSIONS = Prepared(
    select(v.id, v.hash, v.size)
    .where(v.node_id == bindparam("of"))
    .order_by(v.id.desc())
    .limit(1_000)
    .offset(bindparam("most"))
)


def check_writable(spot: Spot) -> None:
    """Raises Forbidden where this person may only read."""
    if not spot.space.may_write:
        raise Forbidden("You may read this folder, but change nothing in it.")


def get_folder_above(trail: Trail) -> Node:
    """The folder that something is or shall be in. Raises Conflict where there is none (RFC 4918, 9.7.1)."""
    if trail.parent is None:
        raise Conflict("The folder above is not there.", hint="Make it first.")
    return trail.parent


def check_place(conn: Connection, trail: Trail, spot: Spot, locks: list[Lock], terms: Terms) -> None:
    """Whether something may be put here: conditions, the folder above, locks. Raises what fits."""
    check_writable(spot)
    check_terms(conn, trail, spot, locks, terms)
    if trail.node is None:
        get_folder_above(trail)
        check_name(spot.segments[-1])
        check_locks(conn, locks, trail.ids, terms)
    else:
        check_locks(conn, locks, trail.ids, terms)


def check_put(conn: Connection, spot: Spot, terms: Terms, more: int | None) -> None:
    """All that can be said about a PUT before its body has come; `more` is its size, where that is known."""
    trail = find_place(conn, spot, terms)
    if more is not None:
        check_quota(conn, spot.space.id, more - (trail.node.size if trail.node else 0), terms.quota)


def check_no_folder(trail: Trail) -> None:
    """Raises Conflict (405 in HTTP) where a folder is."""
    if trail.node is not None and trail.node.is_folder:
        raise Conflict("There is a folder of this name.", status=405)


def put_file(conn: Connection, spot: Spot, content: Content, terms: Terms) -> Put:
    """Let a file hold `content`; made where there is none. What it held becomes a version."""
    return hold(conn, find_place(conn, spot, terms), content, terms)


def put_files(conn: Connection, wanted: Sequence[tuple[Spot, Content, Terms]]) -> list[Put | FaztError]:
    """As `put_file`, one after the other; for each what came of it, or why it may not be put there.

    What shows only while it is written (no room is left) is raised, and undoes all.
    """
    done: list[Put | FaztError] = []
    for spot, content, terms in wanted:
        try:
            trail = find_place(conn, spot, terms)
        except FaztError as error:  # nothing has been written for this one yet, so that nothing is to be undone
            done.append(error)
        else:
            done.append(hold(conn, trail, content, terms))
    return done


def find_place(conn: Connection, spot: Spot, terms: Terms) -> Trail:
    """The trail to where a file may be put. Raises what fits, and writes nothing."""
    trail = walk(conn, spot)
    check_no_folder(trail)
    check_place(conn, trail, spot, list_locks_at(conn, trail, terms.now), terms)
    return trail


def hold(conn: Connection, trail: Trail, content: Content, terms: Terms) -> Put:
    """Let the file at the end of the trail hold `content`."""
    if trail.node is None:
        return Put(create_file(conn, trail, content, terms), is_new=True)
    return Put(replace_file(conn, trail, content, terms), is_new=False)


def create_file(conn: Connection, trail: Trail, content: Content, terms: Terms) -> Node:
    """A new file at the end of the trail, whose folder is there."""
    take(conn, content, terms.now)
    space_id = trail.nodes[0].space_id
    seq = advance(conn, space_id, content.size, 0, terms.quota)
    parent, name = trail.nodes[-1], trail.rest[0]
    modified_at = terms.now if content.modified_at is None else content.modified_at
    created_at = terms.now if content.created_at is None else content.created_at
    node_id = add_node(
        conn,
        space_id=space_id,
        parent_id=parent.id,
        name=name,
        is_folder=False,
        hash=content.hash,
        size=content.size,
        modified_at=modified_at,
        created_at=created_at,
        seq=seq,
        placed=seq,
        checksums=content.checksums,
    )
    touch(conn, trail.nodes, content.size, seq, terms.now)
    found = Node(
        node_id,
        space_id,
        parent.id,
        name,
        False,
        content.hash,
        content.size,
        modified_at,
        created_at,
        seq,
        seq,
        content.checksums,
    )
    tell_put(conn, trail, found, terms)
    return found


def replace_file(conn: Connection, trail: Trail, content: Content, terms: Terms) -> Node:
    """Other bytes in the file at the end of the trail."""
    old = trail.nodes[-1]
    kept = 0
    if content.hash != old.hash:
        take(conn, content, terms.now)
        kept = retire(conn, old, terms)
    modified_at = terms.now if content.modified_at is None else content.modified_at
    seq = advance(conn, old.space_id, content.size - old.size, kept, terms.quota)
    row = {"of": old.id, "sum": content.hash, "bytes": content.size, "when": modified_at, "at": seq}
    _REPLACE.run(conn, {**row, "sums": content.checksums})
    touch(conn, trail.nodes[:-1], content.size - old.size, seq)
    found = Node(
        old.id,
        old.space_id,
        old.parent_id,
        old.name,
        False,
        content.hash,
        content.size,
        modified_at,
        old.created_at,
        seq,
        old.placed,
        content.checksums,
    )
    tell_put(conn, trail, found, terms)
    return found


def take(conn: Connection, content: Content, now: int) -> None:
    """Keep the blob of a content once more; written now where it is small."""
    if content.data is not None:
        put_kept(conn, content.data, content.hash, now)
    else:
        keep(conn, content.hash)


def retire(conn: Connection, old: Node, terms: Terms) -> int:
    """What a file holds becomes a version; how many bytes are kept by that. Empty files are not worth one."""
    if not old.size or terms.versions <= 0:
        drop(conn, old.hash)
        return 0
    row = {"node_id": old.id, "hash": old.hash, "size": old.size, "modified_at": old.modified_at}
    _ADD_VERSION.run(conn, {**row, "saved_at": terms.now, "saved_by": terms.user_id})
    return old.size - prune_versions(conn, old.id, terms.versions)


def prune_versions(conn: Connection, node_id: int, most: int) -> int:
    """Forget all but the newest `most` versions of a file; how many bytes they had."""
    rows = _OLD_VERSIONS.rows(conn, {"of": node_id, "most": most})
    for _id, hash, _size in rows:
        drop(conn, hash)
    if rows:
        conn.execute(delete(version).where(v.id.in_([row[0] for row in rows])))
    return sum(row[2] for row in rows)


def tell_put(conn: Connection, trail: Trail, found: Node, terms: Terms) -> None:
    """The event of a file that was written."""
    path = join_path(names_of(trail))
    data: dict[str, Any] = {"path": path, "space": found.space_id, "size": found.size, "by": terms.user_id}
    emit(conn, Event("drive.file_put", data, key=f"{found.space_id}{path}"), now=terms.now)


def set_times(conn: Connection, spot: Spot, terms: Terms, modified_at: int) -> Node:
    """Another time of last change, as clients that copy files set it."""
    check_writable(spot)
    trail = walk(conn, spot)
    if trail.node is None:
        raise NotFound("There is no such file.")
    check_locks(conn, list_locks_at(conn, trail, terms.now), trail.ids, terms)
    return put_time(conn, trail, modified_at)


def put_time(conn: Connection, trail: Trail, modified_at: int) -> Node:
    """As set_times, for what is at the end of the trail."""
    found = trail.nodes[-1]
    seq = advance(conn, found.space_id)
    conn.execute(update(node).where(n.id == found.id).values(modified_at=modified_at, seq=seq))
    touch(conn, trail.nodes[:-1], 0, seq)
    return get_node_by_id(conn, found.id)


def create_folder(conn: Connection, spot: Spot, terms: Terms) -> Node:
    """A new folder. Raises Conflict, with status 405 where something is already."""
    trail = walk(conn, spot)
    if trail.node is not None:
        raise Conflict("There is already something of this name.", status=405)
    check_place(conn, trail, spot, list_locks_at(conn, trail, terms.now), terms)
    return add_folder(conn, trail, terms.now)


def add_folder(conn: Connection, trail: Trail, now: int) -> Node:
    """A new folder at the end of the trail, whose folder above is there."""
    parent = trail.nodes[-1]
    seq = advance(conn, parent.space_id)
    facts: dict[str, Any] = {"is_folder": True, "hash": "", "size": 0, "seq": seq, "placed": seq, "checksums": ""}
    node_id = add_node(
        conn,
        space_id=parent.space_id,
        parent_id=parent.id,
        name=trail.rest[0],
        modified_at=now,
        created_at=now,
        **facts,
    )
    touch(conn, trail.nodes, 0, seq, now)
    return get_node_by_id(conn, node_id)


def ensure_folders(conn: Connection, spot: Spot, terms: Terms) -> Node:
    """The folder at a path, made with all above it where it is not there. Raises Conflict where a file is."""
    trail = walk(conn, spot)
    if trail.rest:
        check_writable(spot)
    while trail.rest:
        if not trail.nodes[-1].is_folder:
            raise Conflict(f"{trail.nodes[-1].name!r} is a file, not a folder.")
        check_name(trail.rest[0])
        check_locks(conn, list_locks_at(conn, trail, terms.now), trail.ids, terms)
        add_folder(conn, Trail(trail.nodes, trail.rest[:1]), terms.now)
        trail = walk(conn, spot)
    if not trail.nodes[-1].is_folder:
        raise Conflict(f"{trail.nodes[-1].name!r} is a file, not a folder.")
    return trail.nodes[-1]


def lock_node(conn: Connection, spot: Spot, wanted: Wanted, terms: Terms) -> tuple[list[Lock], bool]:
    """A lock, and all others over the place behind it; whether an empty file was made for it (9.10.4)."""
    trail = walk(conn, spot)
    locks = list_locks_at(conn, trail, terms.now)
    check_writable(spot)
    check_terms(conn, trail, spot, locks, terms)
    is_new = trail.node is None
    if is_new:
        get_folder_above(trail)
        check_name(spot.segments[-1])
        check_locks(conn, locks, trail.ids, terms)
        made = create_file(conn, trail, EMPTY, terms)
        trail = Trail((*trail.nodes, made), ())
    taken = add_lock(conn, trail, locks, wanted, terms)
    return [taken, *(one for one in locks if one.covers(trail.ids))], is_new


# --- versions


def list_versions(conn: Connection, node_id: int) -> list[Version]:
    """What a file held before, the newest first."""
    rows = conn.execute(
        select(v.id, v.hash, v.size, v.modified_at, v.saved_at, v.saved_by)
        .where(v.node_id == node_id)
        .order_by(v.id.desc())
    )
    return [Version(*row) for row in rows]


def get_version(conn: Connection, node_id: int, version_id: int) -> Version:
    """Raises NotFound."""
    found = next((one for one in list_versions(conn, node_id) if one.id == version_id), None)
    if found is None:
        raise NotFound("There is no such version of this file (any more).")
    return found


def restore_version(conn: Connection, spot: Spot, version_id: int, terms: Terms) -> Node:
    """Let a file hold what it held before; what it holds now becomes a version."""
    trail = walk(conn, spot)
    if trail.node is None or trail.node.is_folder:
        raise NotFound("There is no such file.")
    check_writable(spot)
    check_locks(conn, list_locks_at(conn, trail, terms.now), trail.ids, terms)
    found = get_version(conn, trail.node.id, version_id)
    return replace_file(conn, trail, Content(found.hash, found.size, modified_at=found.modified_at), terms)


def sweep_versions(conn: Connection, before: int, limit: int = 200) -> int:
    """Forget up to `limit` versions that were saved before this moment; how many."""
    rows = conn.execute(
        select(v.id, v.hash, v.size, v.node_id).where(v.saved_at < before).order_by(v.saved_at).limit(limit)
    ).all()
    for row in rows:
        drop(conn, row.hash)
        conn.execute(delete(version).where(v.id == row.id))
        space_id = conn.scalar(select(n.space_id).where(n.id == row.node_id))
        if space_id is not None:
            add_kept(conn, space_id, -row.size)
    return len(rows)
