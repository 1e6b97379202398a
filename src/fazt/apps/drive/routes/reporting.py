"""REPORT: what changed (RFC 6578)."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.apps.drive import store
from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.nodes import Spot
from fazt.apps.drive.routes.asking import Ask, Refused, Reply
from fazt.apps.drive.routes.listing import complete, make_scene, multistatus, shows_dead
from fazt.apps.drive.wire.headers import parse_depth
from fazt.apps.drive.wire.multistatus import (
    Plan,
    Scene,
    render,
    render_status,
)
from fazt.apps.drive.wire.xml import parse_report


async def report(ask: Ask) -> Reply:
    """REPORT: what changed (RFC 6578)."""
    ask.check_xml()
    asked = parse_report(await ask.body())
    if parse_depth(ask.text(b"depth"), "0") != "0":
        raise Refused(400, "A sync-collection has Depth 0.")
    spot = ask.spot
    terms = await ask.terms()
    found, dead, scene = await ask.core.db.read(
        find_changes, spot, asked.token, terms, asked.is_deep, asked.limit, asked.names
    )
    plan = Plan(asked.names)
    scene = complete(ask, scene)
    parts = []
    prefix = ask.names[: len(ask.names) - len(spot.segments)]
    for change in found.changes:
        href = ask.href((*prefix, *change.path), is_folder=change.node.is_folder if change.node else change.was_folder)
        if change.node is None:
            parts.append(render_status(href, "HTTP/1.1 404 Not Found"))
        else:
            parts.append(render(plan, [change.node], href, scene, dead, is_self=True))
    if found.is_cut:
        own = ask.href(ask.names, is_folder=True)
        parts.append(render_status(own, "HTTP/1.1 507 Insufficient Storage", "number-of-matches-within-limits"))
    parts.append(f"<D:sync-token>{found.token}</D:sync-token>")
    return multistatus(["".join(parts).encode()])


def find_changes(
    conn: Connection,
    spot: Spot,
    token: str,
    terms: Terms,
    is_deep: bool,
    limit: int | None,
    names: tuple[tuple[str, str], ...],
) -> tuple[store.Changes, dict[int, store.Props], Scene]:
    """Changes with all that is shown of them. Raises as list_changes."""
    found = store.list_changes(conn, spot, token, is_deep=is_deep, limit=limit)
    dead: dict[int, store.Props] = {}
    plan = Plan(names)
    if shows_dead(plan):
        for change in found.changes:
            if change.node is not None and (props := store.load_props(conn, change.node.id)):
                dead[change.node.id] = props
    top = store.get_node(conn, spot)
    return found, dead, make_scene(conn, spot, top, (), plan, terms)
