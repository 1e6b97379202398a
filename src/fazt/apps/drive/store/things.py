"""One person's drive, or one shared folder, out of a backup: as a new shared folder of whoever asks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

from fazt.apps.drive.model.naming import key_of
from fazt.apps.drive.model.nodes import Node, Space
from fazt.apps.drive.schema import node, space
from fazt.apps.drive.store.spaces import CHANGED, create_shared
from fazt.apps.drive.store.tree import add_node, get_node_by_id, list_children
from fazt.core.app import Thing
from fazt.core.auth.store import list_users
from fazt.core.blobs import keep
from fazt.core.db import wake
from fazt.core.errors import NotFound

KINDS = ("home", "shared")
PAGE = 2_000


def list_spaces(source: Connection) -> dict[str, Space]:
    """The drives of people, by their handles, and shared folders, by their names; a person comes first."""
    handles = {user.id: user.handle for user in list_users(source)}
    wanted = select(space.c.id, space.c.kind, space.c.name, space.c.owner, space.c.root_id)
    found = [Space(*row) for row in source.execute(wanted.where(space.c.kind.in_(KINDS)).order_by(space.c.kind))]
    named: dict[str, Space] = {}
    for each in found:
        named.setdefault(handles.get(each.owner, each.owner) if each.kind == "home" else each.name, each)
    return named


def list_names(source: Connection) -> list[str]:
    """The drives and shared folders in a backup."""
    return list(list_spaces(source))


def get_source(source: Connection, name: str) -> Space:
    """Raises NotFound."""
    found = list_spaces(source).get(name)
    if found is None:
        raise NotFound(f"There is no drive {name!r} in this backup.")
    return found


def list_blobs(source: Connection, name: str) -> list[str]:
    """The bytes of all files, each once; those in trash and older versions stay behind."""
    found: dict[str, None] = {}
    waiting = [get_source(source, name).root_id]
    while waiting:
        for child in list_all(source, waiting.pop()):
            if child.is_folder:
                waiting.append(child.id)
            else:
                found[child.hash] = None
    return list(found)


def copy_drive(conn: Connection, source: Connection, name: str, new_name: str, user_id: str, now: int) -> str:
    """Make a shared folder with all files of a drive. Raises NotFound, Conflict where the name is taken."""
    old = get_source(source, name)
    new = create_shared(conn, new_name, user_id, now)
    top = get_node_by_id(source, old.root_id)
    waiting = [(old.root_id, new.root_id)]
    while waiting:
        from_id, to_id = waiting.pop()
        for child in list_all(source, from_id):
            made = add_copy(conn, child, new.id, to_id)
            if child.is_folder:
                waiting.append((child.id, made))
    conn.execute(update(node).where(node.c.id == new.root_id).values(size=top.size))
    conn.execute(update(space).where(space.c.id == new.id).values(used=top.size))
    wake(conn, CHANGED)
    return f"/dav/shared/{new_name}/"


def add_copy(conn: Connection, child: Node, space_id: int, parent_id: int) -> int:
    """One file or folder as it was; a file keeps its bytes."""
    if not child.is_folder:
        keep(conn, child.hash)
    facts: dict[str, Any] = {key: getattr(child, key) for key in ("name", "is_folder", "hash", "size", "checksums")}
    times = {"modified_at": child.modified_at, "created_at": child.created_at}
    return add_node(conn, space_id=space_id, parent_id=parent_id, seq=1, placed=1, **facts, **times)


def list_all(source: Connection, folder_id: int) -> list[Node]:
    """What is in a folder, however much it is."""
    found: list[Node] = []
    page: list[Node] | None = None
    while page is None or len(page) == PAGE:
        page = list_children(source, folder_id, key_of(found[-1].name) if found else "", PAGE)
        found += page
    return found


THINGS = (Thing("drive", "The drive", list_names, list_blobs, copy_drive),)
