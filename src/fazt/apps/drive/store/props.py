"""Rules and SQL of dead properties: what clients write to a file or folder beside its bytes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select

from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.nodes import Node, Spot
from fazt.apps.drive.schema import node, prop
from fazt.apps.drive.store.files import check_writable, put_time
from fazt.apps.drive.store.locks import check_locks, check_terms, list_locks
from fazt.apps.drive.store.spaces import signal
from fazt.apps.drive.store.tree import no_such, walk
from fazt.core.db import wake
from fazt.core.errors import OverQuota

p, n = prop.c, node.c
MAX_PROPS = 200
MAX_PROP_BYTES = 256 * 1024
_PROPS = select(p.namespace, p.name, p.xml).where(p.node_id == bindparam("of")).order_by(p.namespace, p.name)
_BELOW = select(p.node_id, p.namespace, p.name, p.xml).where(
    p.node_id.in_(
        select(n.id).where(n.parent_id == bindparam("of"), n.key > bindparam("low"), n.key <= bindparam("high"))
    )
)

Name = tuple[str, str]
"""Namespace and local name."""
Props = dict[Name, str]
"""The whole element by its name."""


class Change(msgspec.Struct, frozen=True):
    """One property to set to an element, or with `xml` None to remove."""

    name: Name
    xml: str | None


def load_props(conn: Connection, node_id: int) -> Props:
    """The dead properties of a node."""
    return {(row.namespace, row.name): row.xml for row in conn.execute(_PROPS, {"of": node_id})}


def load_child_props(conn: Connection, parent_id: int, low: str, high: str) -> dict[int, Props]:
    """The dead properties of those in a folder whose key is above `low`, up to `high`, by id."""
    found: dict[int, Props] = {}
    for row in conn.execute(_BELOW, {"of": parent_id, "low": low, "high": high}):
        found.setdefault(row.node_id, {})[row.namespace, row.name] = row.xml
    return found


def change_props(
    conn: Connection, spot: Spot, changes: Sequence[Change], modified_at: int | None, terms: Terms
) -> Node:
    """All changes in their order, or none; with `modified_at` also the time of last change.

    Raises NotFound, Locked, PreconditionFailed, OverQuota beyond MAX_PROPS or MAX_PROP_BYTES.
    """
    trail = walk(conn, spot)
    if trail.node is None:
        raise no_such(spot)
    check_writable(spot)
    locks = list_locks(conn, spot.space.id, terms.now)
    check_terms(conn, trail, spot, locks, terms)
    check_locks(conn, locks, trail.ids, terms)
    put_props(conn, trail.node.id, changes)
    wake(conn, signal(spot.space.id))
    return trail.node if modified_at is None else put_time(conn, trail, modified_at)


def put_props(conn: Connection, node_id: int, changes: Sequence[Change]) -> None:
    """Write changes of one node. Raises OverQuota."""
    for change in changes:
        namespace, name = change.name
        conn.execute(delete(prop).where(p.node_id == node_id, p.namespace == namespace, p.name == name))
        if change.xml is not None:
            conn.execute(insert(prop).values(node_id=node_id, namespace=namespace, name=name, xml=change.xml))
    count, size = conn.execute(
        select(func.count(), func.coalesce(func.sum(func.length(p.xml)), 0)).where(p.node_id == node_id)
    ).one()
    if count > MAX_PROPS or size > MAX_PROP_BYTES:
        raise OverQuota(f"A file has at most {MAX_PROPS} properties of {MAX_PROP_BYTES} bytes together.")
