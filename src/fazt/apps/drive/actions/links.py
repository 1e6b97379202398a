"""What a link leads to, for whoever holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.drive import store
from fazt.apps.drive.model.nodes import Node
from fazt.core.errors import Forbidden, NotFound
from fazt.core.shares import Share, get_shared, is_open
from fazt.core.shares.engine import DEAD

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fazt.core import Core


class Linked(msgspec.Struct, frozen=True):
    """A share with the file or folder at a path below what it shares."""

    share: Share
    top: Node
    node: Node


async def open_link(core: Core, scope: Any, token: str, path: tuple[str, ...]) -> Linked:
    """What is at a path below what a link shares. Raises NotFound, and Forbidden before the password."""
    share = await get_shared(core, token, "drive")
    if not is_open(core, scope, share):
        raise Forbidden("This link asks for a password.")
    return await core.db.read(find_linked, share, path)


def find_linked(conn: Connection, share: Share, path: tuple[str, ...]) -> Linked:
    """Down from the shared node by the names of the path. Raises NotFound."""
    found = store.find_space_of(conn, int(share.target))
    if found is None:
        raise NotFound(DEAD, hint="What it shared is no longer there.")
    top = node = found[1].nodes[-1]
    for name in path:
        below = store.find_child(conn, node.id, name)
        if below is None:
            raise NotFound("There is no such file in what this link shares.")
        node = below
    return Linked(share, top, node)


def is_in(conn: Connection, share: Share, node_id: int) -> Node:
    """A node that is what a link shares, or below it. Raises NotFound."""
    found = store.find_space_of(conn, node_id)
    if found is None or int(share.target) not in found[1].ids:
        raise NotFound(DEAD)
    return found[1].nodes[-1]
