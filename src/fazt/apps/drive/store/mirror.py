"""Rules and SQL of working copies: a tree that follows a list of files, and the list that a tree is."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, select, update

from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.naming import is_junk
from fazt.apps.drive.model.nodes import Content, Node, Space, Spot
from fazt.apps.drive.schema import node, space
from fazt.apps.drive.store.files import create_file, ensure_folders, replace_file
from fazt.apps.drive.store.moves import discard
from fazt.apps.drive.store.tree import COLUMNS, walk

n, s = node.c, space.c
Files = Mapping[str, tuple[str, int]]
"""Hash and size by path, without a slash at its beginning."""
STEP = 200
_INSIDE = select(*(n[name] for name in COLUMNS)).where(n.parent_id == bindparam("of"))


def find_mark(conn: Connection, space_id: int) -> int:
    """Which state of the site the working copy has."""
    return conn.scalar(select(s.version).where(s.id == space_id)) or 0


def put_mark(conn: Connection, space_id: int, mark: int) -> None:
    """The working copy has this state of the site."""
    conn.execute(update(space).where(s.id == space_id).values(version=mark))


def list_files(conn: Connection, owned: Space) -> dict[str, Node]:
    """All files of a space by their paths; not what programs leave for themselves."""
    found: dict[str, Node] = {}
    waiting: list[tuple[int, str]] = [(owned.root_id, "")]
    while waiting:
        above, base = waiting.pop()
        for row in conn.execute(_INSIDE, {"of": above}):
            child = Node(*row)
            if child.is_folder:
                waiting.append((child.id, f"{base}{child.name}/"))
            elif not is_junk(child.name):
                found[base + child.name] = child
    return found


def follow_some(conn: Connection, owned: Space, files: Files, terms: Terms) -> bool:
    """Let the tree come nearer to `files`, by some steps; True while there is more to do."""
    there = list_files(conn, owned)
    wrong = [path for path, (hash, _) in files.items() if path not in there or there[path].hash != hash]
    extra = [path for path in there if path not in files]
    for path in extra[:STEP]:
        trail = walk(conn, Spot(owned, tuple(path.split("/"))))
        if trail.node is not None:
            discard(conn, trail, terms)
    for path in wrong[: max(0, STEP - len(extra))]:
        put_one(conn, owned, tuple(path.split("/")), Content(*files[path]), terms)
    return len(extra) + len(wrong) > STEP


def put_one(conn: Connection, owned: Space, segments: tuple[str, ...], content: Content, terms: Terms) -> None:
    """One file as it should be; a folder in its place makes way."""
    ensure_folders(conn, Spot(owned, segments[:-1]), terms)
    trail = walk(conn, Spot(owned, segments))
    if trail.node is not None and trail.node.is_folder:
        discard(conn, trail, terms)
        trail = walk(conn, Spot(owned, segments))
    if trail.node is None:
        create_file(conn, trail, content, terms)
    else:
        replace_file(conn, trail, content, terms)
