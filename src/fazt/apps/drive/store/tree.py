"""Rules and SQL of the tree: where a path leads, what is in a folder, and the steps that changes are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, exists, insert, select, update

from fazt.apps.drive.model.naming import join_path, key_of
from fazt.apps.drive.model.nodes import Node, Space, Spot, Trail
from fazt.apps.drive.schema import gone, lock, node
from fazt.core.db import Prepared
from fazt.core.errors import NotFound

n = node.c
COLUMNS = (
    "id",
    "space_id",
    "parent_id",
    "name",
    "is_folder",
    "hash",
    "size",
    "modified_at",
    "created_at",
    "seq",
    "placed",
    "checksums",
)
WIDTH = len(COLUMNS)
JOINED = 8
"""So many names of a path are looked up by one statement."""
NODE = select(*(n[name] for name in COLUMNS))
_NODE = Prepared(NODE.where(n.id == bindparam("of")))
_CHILD = Prepared(NODE.where(n.parent_id == bindparam("of"), n.key == bindparam("k")))
_CHILDREN = Prepared(
    NODE.where(n.parent_id == bindparam("of"), n.key > bindparam("after")).order_by(n.key).limit(bindparam("most"))
)
_CHILD_IDS = Prepared(select(n.id).where(n.parent_id == bindparam("of")).order_by(n.key))
_CHANGED = Prepared(NODE.where(n.space_id == bindparam("of"), n.seq > bindparam("since")).limit(bindparam("most")))
_ADD = Prepared(insert(node).returning(n.id), (*COLUMNS[1:], "key", "origin_id"))
_TOUCH = Prepared(
    update(node)
    .where(n.id == bindparam("of"))
    .values(size=n.size + bindparam("more"), seq=bindparam("at"), modified_at=bindparam("when"))
)
_GONE = insert(gone)


@cache
def _walk(depth: int) -> Prepared:
    """The root and `depth` nodes below it, each the child of the one before; and whether the space has any lock."""
    tables = [node.alias(f"n{level}") for level in range(depth + 1)]
    joined: Any = tables[0]
    for level in range(1, depth + 1):
        below, above = tables[level].c, tables[level - 1].c
        joined = joined.outerjoin(tables[level], (below.parent_id == above.id) & (below.key == bindparam(f"k{level}")))
    columns = [table.c[name].label(f"{name}{level}") for level, table in enumerate(tables) for name in COLUMNS]
    any_lock = exists().where(lock.c.space_id == tables[0].c.space_id).correlate(tables[0])
    return Prepared(select(*columns, any_lock).select_from(joined).where(tables[0].c.id == bindparam("root")))


def to_node(row: Sequence[Any]) -> Node:
    """A row as the driver gave it: SQLite has no truth values."""
    values: list[Any] = list(row)
    values[4] = bool(row[4])
    return Node(*values)


def walk(conn: Connection, spot: Spot) -> Trail:
    """Where a path leads. Raises NotFound where the space itself is gone."""
    segments = spot.segments
    depth = min(len(segments), JOINED)
    asked: dict[str, Any] = {f"k{level}": key_of(name) for level, name in enumerate(segments[:depth], 1)}
    row = _walk(depth).row(conn, {"root": spot.space.root_id, **asked})
    if row is None:
        raise NotFound("This folder is gone.")
    nodes = [to_node(row[at : at + WIDTH]) for at in range(0, len(row) - 1, WIDTH) if row[at] is not None]
    if len(nodes) == depth + 1:
        for name in segments[depth:]:
            found = find_child(conn, nodes[-1].id, name)
            if found is None:
                break
            nodes.append(found)
    return Trail(tuple(nodes), segments[len(nodes) - 1 :], bool(row[-1]))


def find_child(conn: Connection, parent_id: int, name: str) -> Node | None:
    """What is called `name` in a folder, however it is composed."""
    row = _CHILD.row(conn, {"of": parent_id, "k": key_of(name)})
    return None if row is None else to_node(row)


def find_node(conn: Connection, spot: Spot) -> Node | None:
    """What a path names, if it is there."""
    return walk(conn, spot).node


def get_node(conn: Connection, spot: Spot) -> Node:
    """Raises NotFound."""
    found = walk(conn, spot).node
    if found is None:
        raise no_such(spot)
    return found


def get_node_by_id(conn: Connection, node_id: int) -> Node:
    """Raises NotFound."""
    row = _NODE.row(conn, {"of": node_id})
    if row is None:
        raise NotFound("This file is gone.")
    return to_node(row)


def no_such(spot: Spot) -> NotFound:
    """The error for a path where nothing is."""
    return NotFound(f"There is no {join_path(spot.segments)!r} in this drive.")


def list_children(conn: Connection, parent_id: int, after: str = "", limit: int = 2_000) -> list[Node]:
    """What is in a folder, by key, from after the key `after` on."""
    return [to_node(row) for row in _CHILDREN.rows(conn, {"of": parent_id, "after": after, "most": limit})]


def list_child_ids(conn: Connection, parent_id: int) -> list[int]:
    """The ids of what is in a folder, by key: all of it, from the index alone."""
    return [row[0] for row in _CHILD_IDS.rows(conn, {"of": parent_id})]


def list_changed(conn: Connection, space_id: int, seq: int, limit: int) -> list[Node]:
    """What changed in a space since the change `seq` and is still there, in no order."""
    return [to_node(row) for row in _CHANGED.rows(conn, {"of": space_id, "since": seq, "most": limit})]


def climb(conn: Connection, node_id: int) -> list[Node]:
    """The node and all above it, its root last. Empty where it is gone."""
    found: list[Node] = []
    at: int | None = node_id
    while at is not None:
        row = _NODE.row(conn, {"of": at})
        if row is None:
            return []
        found.append(to_node(row))
        at = found[-1].parent_id
    return found


def path_of(conn: Connection, node_id: int) -> tuple[str, ...]:
    """The names that lead to a node."""
    return tuple(step.name for step in reversed(climb(conn, node_id)[:-1]))


def trail_of(conn: Connection, node_id: int) -> Trail:
    """The trail to a node. Raises NotFound."""
    nodes = climb(conn, node_id)
    if not nodes:
        raise NotFound("This file is gone.")
    return Trail(tuple(reversed(nodes)), ())


def is_folder(conn: Connection, node_id: int) -> bool:
    """Whether a node is a folder; False where it is gone."""
    return bool(conn.scalar(select(n.is_folder).where(n.id == node_id)))


def is_live(conn: Connection, space: Space, node_id: int) -> bool:
    """Whether a node is in the tree of the space, and not in its trash."""
    found = climb(conn, node_id)
    return bool(found) and found[-1].id == space.root_id


# --- the steps that changes are made of


def add_node(conn: Connection, **facts: Any) -> int:
    """Insert a row; its id."""
    row = _ADD.row(conn, {"origin_id": None, "key": key_of(facts["name"]), **facts})
    assert row is not None, "RETURNING answers"
    return int(row[0])


def touch(conn: Connection, folders: Sequence[Node], more: int, seq: int, now: int | None = None) -> None:
    """Tell the folders above a change (the nearest last) of it. With `now`, the members of the nearest changed."""
    last = len(folders) - 1
    _TOUCH.run_many(
        conn,
        [
            {"of": f.id, "more": more, "at": seq, "when": now if now is not None and level == last else f.modified_at}
            for level, f in enumerate(folders)
        ],
    )


def note_gone(conn: Connection, found: Node, segments: Iterable[str], seq: int, now: int) -> None:
    """Remember that something is no longer at this path."""
    row = {
        "space_id": found.space_id,
        "seq": seq,
        "node_id": found.id,
        "parent_id": found.parent_id,
        "path": join_path(tuple(segments)),
        "is_folder": found.is_folder,
        "at": now,
    }
    conn.execute(_GONE, row)


def names_of(trail: Trail) -> tuple[str, ...]:
    """The names along a trail, as they are spelled in the tree."""
    return tuple(step.name for step in trail.nodes[1:]) + trail.rest
