"""What changed below a folder since a client last asked (RFC 6578)."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, bindparam, delete, select, update

from fazt.apps.drive.model.naming import key_of
from fazt.apps.drive.model.nodes import Node, Space, Spot
from fazt.apps.drive.schema import gone, node, space
from fazt.apps.drive.store.locks import SYNC_SCHEME, sync_token
from fazt.apps.drive.store.spaces import get_usage
from fazt.apps.drive.store.tree import COLUMNS, climb, list_children, names_of, no_such, walk
from fazt.core.errors import Forbidden

n, g, s = node.c, gone.c, space.c
MAX_CHANGES = 20_000
_CHANGED = (
    select(*(n[name] for name in COLUMNS))
    .where(n.space_id == bindparam("of"), n.seq > bindparam("since"))
    .order_by(n.seq, n.id)
)
_GONE = (
    select(g.path, g.is_folder, g.seq, g.node_id)
    .where(g.space_id == bindparam("of"), g.seq > bindparam("since"))
    .order_by(g.seq, g.id)
)
_FLOOR = select(s.floor).where(s.id == bindparam("of"))


class Change(msgspec.Struct, frozen=True):
    """One member that is new or different (`node`), or no longer there (None), by its path in the space."""

    path: tuple[str, ...]
    node: Node | None
    seq: int
    rank: int = 0
    """The order among those of one change: by node, what is gone first."""
    was_folder: bool = False


class Changes(msgspec.Struct, frozen=True):
    """All changes up to the state that `token` names; `is_cut` where there are more."""

    token: str
    changes: list[Change]
    is_cut: bool


def list_changes(conn: Connection, spot: Spot, token: str, *, is_deep: bool, limit: int | None) -> Changes:
    """What changed since the state `token` ("": everything). Raises Forbidden for a token that says nothing here."""
    trail = walk(conn, spot)
    top = trail.node
    if top is None:
        raise no_such(spot)
    if not top.is_folder:
        raise Forbidden("Only folders tell what changed.", condition="supported-report")
    usage = get_usage(conn, top.space_id, 0)
    since, rank = read_token(conn, token, top, usage.seq)
    listed = _list_all(conn, spot.space, top, names_of(trail), since - 1 if rank else since, is_deep=is_deep)
    found = [change for change in listed if (change.seq, change.rank) > (since, rank)] if rank else listed
    most = min(limit or MAX_CHANGES, MAX_CHANGES)
    if len(found) <= most:
        return Changes(sync_token(top, usage.seq), found, is_cut=False)
    last = found[most - 1]
    return Changes(f"{sync_token(top, last.seq)}:{last.rank}", found[:most], is_cut=True)


def read_token(conn: Connection, token: str, top: Node, seq: int) -> tuple[int, int]:
    """The change that a token stands for, 0 for the beginning, and the rank in it that was told last (0: all).

    Raises Forbidden.
    """
    if not token:
        return 0, 0
    parts = token.removeprefix(SYNC_SCHEME).split(":")
    is_ours = token.startswith(SYNC_SCHEME) and all(part.isascii() and part.isdigit() for part in parts)
    floor = conn.scalar(_FLOOR, {"of": top.space_id}) or 0
    if is_ours and parts[:2] == [str(top.space_id), str(top.id)] and len(parts) in {3, 4}:
        since, rank = int(parts[2][:18]), int(parts[3][:18]) if len(parts) == 4 else 0
        if floor <= since <= seq:
            return since, rank
    raise Forbidden("This token is not known (any more): begin anew.", condition="valid-sync-token")


def _list_all(
    conn: Connection, owned: Space, top: Node, base: tuple[str, ...], since: int, *, is_deep: bool
) -> list[Change]:
    found: dict[tuple[str, ...], Change] = {}
    if since:
        for row in conn.execute(_GONE, {"of": owned.id, "since": since}):
            path = tuple(row.path.split("/")[1:])
            if path[: len(base)] == base and (len(path) == len(base) + 1 or (is_deep and len(path) > len(base))):
                found[path] = Change(path, None, row.seq, 2 * row.node_id, row.is_folder)
    changed = [Node(*row) for row in conn.execute(_CHANGED, {"of": owned.id, "since": since})]
    for one in changed:
        if not is_deep and one.parent_id != top.id:
            continue
        below = _path_below(conn, one, top)
        if below is None:
            continue
        found[base + below] = Change(base + below, one, one.seq, 2 * one.id + 1)
        if is_deep and since and one.is_folder and one.placed > since:
            _add_below(conn, one, base + below, one.placed, found)
    return sorted(found.values(), key=lambda change: (change.seq, change.rank))


def _path_below(conn: Connection, one: Node, top: Node) -> tuple[str, ...] | None:
    """The names from `top` (not included) to a node, or None where it is not below."""
    if one.parent_id == top.id:
        return (one.name,)
    nodes = climb(conn, one.id)
    at = next((level for level, step in enumerate(nodes) if step.id == top.id), 0)
    return tuple(step.name for step in reversed(nodes[:at])) if at else None


def _add_below(
    conn: Connection, folder: Node, path: tuple[str, ...], seq: int, found: dict[tuple[str, ...], Change]
) -> None:
    """All below a folder that came here as a whole: it is new to whoever asks."""
    waiting = [(folder, path)]
    while waiting:
        above, base = waiting.pop()
        after = ""
        while children := list_children(conn, above.id, after):
            for child in children:
                place = (*base, child.name)
                found[place] = Change(place, child, max(seq, child.seq), 2 * child.id + 1)
                if child.is_folder:
                    waiting.append((child, place))
            after = key_of(children[-1].name)


def forget_changes(conn: Connection, before: int, limit: int = 1_000) -> int:
    """Forget what went before this moment; clients that were away longer begin anew. How many went."""
    rows = conn.execute(select(g.id, g.space_id, g.seq).where(g.at < before).order_by(g.at, g.id).limit(limit)).all()
    for space_id in {row.space_id for row in rows}:
        floor = max(row.seq for row in rows if row.space_id == space_id)
        conn.execute(update(space).where(s.id == space_id, s.floor < floor).values(floor=floor))
    if rows:
        conn.execute(delete(gone).where(g.id.in_([row.id for row in rows])))
    return len(rows)
