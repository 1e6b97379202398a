"""Rules and SQL of finding: names by what they hold, and what the cloud's search knows of files."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, and_, bindparam, or_, select, update

from fazt.apps.drive.model.naming import key_of
from fazt.apps.drive.model.nodes import Node, Space
from fazt.apps.drive.schema import gone, node, space
from fazt.apps.drive.store.moves import descendants
from fazt.apps.drive.store.tree import COLUMNS, climb, list_children, to_node
from fazt.apps.drive.wire.types import find_type
from fazt.core.blobs import load
from fazt.core.db import Prepared
from fazt.core.errors import Invalid, NotFound
from fazt.core.search import index, remove

n, s, g = node.c, space.c, gone.c
KIND = "drive"
TEXT_BYTES = 1_000_000
STEP = 20
_BEHIND = Prepared(
    select(s.id, s.owner, s.root_id, s.seq, s.indexed)
    .where(s.indexed < s.seq, or_(s.kind == "home", s.kind == "shared"))
    .order_by(s.id)
    .limit(1)
)
_NEXT = Prepared(
    select(*(n[name] for name in COLUMNS))
    .where(
        n.space_id == bindparam("of"),
        or_(n.seq > bindparam("at"), and_(n.seq == bindparam("at"), n.id > bindparam("last"))),
    )
    .order_by(n.seq, n.id)
    .limit(STEP)
)


class Hit(msgspec.Struct, frozen=True):
    """Something whose name was looked for, and where it is."""

    node: Node
    path: tuple[str, ...]


def find_by_name(conn: Connection, owned: Space, query: str, limit: int = 100) -> list[Hit]:
    """What has all words of the query in its name, wherever in the space, shallow first."""
    words = [key_of(word) for word in query.casefold().split()][:8]
    if not words:
        return []
    wanted = select(*(n[name] for name in COLUMNS)).where(n.space_id == owned.id, n.parent_id.is_not(None))
    for word in words:
        wanted = wanted.where(n.key.icontains(word, autoescape=True))
    found = []
    for row in conn.execute(wanted.order_by(n.is_folder.desc(), n.modified_at.desc()).limit(4 * limit)):
        one = Node(*row)
        nodes = climb(conn, one.id)
        if nodes and nodes[-1].id == owned.root_id:
            found.append(Hit(one, tuple(step.name for step in reversed(nodes[:-1]))))
            if len(found) == limit:
                break
    return found


# --- the cloud's search


class Place(msgspec.Struct):
    """How far the index has come in a space: after the node `last` of the change `at`, on the way to `upto`.

    What changes meanwhile is for the next round, with what goes meanwhile.
    """

    space_id: int
    at: int
    last: int
    upto: int


NOWHERE = Place(0, 0, 0, 0)


def index_some(conn: Connection, place: Place | None, now: int) -> Place | None:
    """Tell search of some files that changed; where to go on, or None when it knows all.

    The end of a space is noted in the space itself; after a crash a space begins where it was last noted.
    """
    behind = _BEHIND.first(conn, {})
    if behind is None:
        return None
    if place is None or place.space_id != behind.id:
        place = Place(behind.id, behind.indexed, 0, behind.seq)
        forget_gone(conn, behind.id, behind.root_id, behind.indexed)
    rows = [to_node(row) for row in _NEXT.rows(conn, {"of": behind.id, "at": place.at, "last": place.last})]
    for one in rows:
        if one.parent_id is not None and not (one.is_folder and one.placed <= behind.indexed):
            index_one(conn, one, behind.root_id, behind.owner, now)
    if len(rows) == STEP:
        return Place(behind.id, rows[-1].seq, rows[-1].id, place.upto)
    conn.execute(update(space).where(s.id == behind.id).values(indexed=place.upto))
    return NOWHERE


def forget_gone(conn: Connection, space_id: int, root_id: int, since: int) -> None:
    """Take out of search what is in the trash, or no more, since the change `since`."""
    for node_id in conn.scalars(select(g.node_id).where(g.space_id == space_id, g.seq > since)).all():
        nodes = climb(conn, node_id)
        if nodes and nodes[-1].id == root_id:
            continue  # it only moved
        remove(conn, KIND, str(node_id))
        for below in conn.scalars(select(descendants(node_id).c.id)).all():
            remove(conn, KIND, str(below))


def index_one(conn: Connection, one: Node, root_id: int, owner: str, now: int) -> None:
    """Make a file or folder findable by its owner, texts by what they say."""
    nodes = climb(conn, one.id)
    if not nodes or nodes[-1].id != root_id:
        return
    index(
        conn,
        KIND,
        str(one.id),
        one.name,
        read_text(conn, one),
        user_id=owner,
        path=f"/drive/open/{one.id}",
        now=min(now, one.modified_at),
    )


def read_text(conn: Connection, one: Node) -> str:
    """What a text file says; "" for all others."""
    if one.is_folder or not 0 < one.size <= TEXT_BYTES or not find_type(one.name).startswith("text/"):
        return ""
    try:
        return load(conn, one.hash).decode(errors="replace")
    except (NotFound, Invalid):  # object storage has it
        return ""


def list_below(conn: Connection, node_id: int, limit: int) -> Iterator[tuple[tuple[str, ...], Node]]:
    """All below a node with their paths from it, folders before what is in them; at most `limit`."""
    waiting: list[tuple[int, tuple[str, ...]]] = [(node_id, ())]
    count = 0
    while waiting:
        above, base = waiting.pop()
        after = ""
        while children := list_children(conn, above, after):
            for child in children:
                count += 1
                if count > limit:
                    return
                path = (*base, child.name)
                yield path, child
                if child.is_folder:
                    waiting.append((child.id, path))
            after = key_of(children[-1].name)
