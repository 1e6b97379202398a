"""Trees that these tests grow, and the books that are kept of them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import msgspec
import pytest
from sqlalchemy import Connection, func, select

from fazt.apps.drive import store
from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.nodes import Content, Node, Space, Spot
from fazt.apps.drive.schema import node, trash, version
from fazt.core.blobs.schema import core_blob

NOW = 1_800_000_000_000
ME = Terms(user_id="me", now=NOW)


def spot(space: Space, path: str) -> Spot:
    return Spot(space, tuple(part for part in path.split("/") if part))


def content(text: str) -> Content:
    data = text.encode()
    return Content(sha256(data).hexdigest(), len(data), data)


def put(conn: Connection, space: Space, path: str, text: str = "x", terms: Terms = ME) -> Node:
    return store.put_file(conn, spot(space, path), content(text), terms).node


def mkdir(conn: Connection, space: Space, path: str) -> Node:
    return store.create_folder(conn, spot(space, path), ME)


def tree(conn: Connection, space: Space, parent: int | None = None, base: str = "") -> dict[str, int]:
    """Sizes by path; folders end with a slash."""
    found = {}
    for child in store.list_children(conn, parent or space.root_id):
        path = base + child.name + ("/" if child.is_folder else "")
        found[path] = child.size
        if child.is_folder:
            found |= tree(conn, space, child.id, path)
    return found


def refuses(kind: type[Exception], *calls: Callable[[], object]) -> None:
    """Each of the calls raises this."""
    for call in calls:
        with pytest.raises(kind):
            call()


def keeps(conn: Connection) -> int:
    return conn.scalar(select(func.coalesce(func.sum(core_blob.c.keeps), 0))) or 0


def check_books(conn: Connection, space: Space) -> None:
    """What is counted is what is there: sizes of folders, bytes used and kept, keeps of blobs."""
    files = {path: size for path, size in tree(conn, space).items() if not path.endswith("/")}
    usage = store.get_usage(conn, space.id, 0)
    root = store.trail_of(conn, space.root_id).nodes[0]
    assert usage.used == root.size == sum(files.values())
    for path, size in tree(conn, space).items():
        if path.endswith("/"):
            assert size == sum(other for name, other in files.items() if name.startswith(path))
    versions = conn.execute(select(func.count(), func.coalesce(func.sum(version.c.size), 0))).one()
    trashed = conn.scalar(select(func.coalesce(func.sum(trash.c.size), 0))) or 0
    assert usage.kept == versions[1] + trashed
    rows = conn.scalar(select(func.count()).select_from(node).where(~node.c.is_folder)) or 0
    assert keeps(conn) == rows + versions[0]


def grow(conn: Connection, home: Space) -> Space:
    """A drive with a tree in it."""
    mkdir(conn, home, "a")
    mkdir(conn, home, "a/b")
    mkdir(conn, home, "a/b/c")
    put(conn, home, "a/1", "1")
    put(conn, home, "a/b/2", "22")
    put(conn, home, "a/b/c/3", "333")
    put(conn, home, "top", "4444")
    store.change_props(conn, spot(home, "a/b/2"), [store.Change(("urn:p", "q"), "<q/>")], None, ME)
    return home


def lock(conn: Connection, space: Space, path: str, *, deep: bool = False, shared: bool = False) -> Terms:
    """Terms that submit a new lock's token."""
    wanted = store.Wanted(is_shared=shared, is_deep=deep, owner_xml="", timeout_s=600)
    locks, _ = store.lock_node(conn, spot(space, path), wanted, ME)
    return msgspec.structs.replace(ME, tokens=frozenset({locks[0].token}))
