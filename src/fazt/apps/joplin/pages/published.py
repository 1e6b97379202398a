"""Published notes at `/joplin/shares/ID`, for everybody who has the link. What is in them is taken for hostile."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import Connection

from fazt.apps.joplin.actions.rendering import mime_of, render_note, send_attachment
from fazt.apps.joplin.model.items import NOTE, Item, parse_item
from fazt.apps.joplin.model.names import item_name
from fazt.apps.joplin.model.shares import PUBLISHED, Share
from fazt.apps.joplin.store import reading, shares
from fazt.apps.joplin.store.items import read_bytes, read_data
from fazt.apps.joplin.store.views import find_seen
from fazt.core import Core
from fazt.core.app import Mount, Receive, Scope, Send, Shareable
from fazt.core.auth import Caller
from fazt.core.errors import Invalid, NotFound
from fazt.core.http.messages import respond
from fazt.core.shares import Share as Link
from fazt.core.shares import count_visit, door_of, get_shared, is_open
from fazt.ui import render

PATH = re.compile(r"/joplin/(shares|s)/([0-9A-Za-z]{1,64})/?")
POLICY = (
    b"default-src 'none'; img-src 'self' data:; media-src 'self' data:; style-src 'unsafe-inline'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    b"sandbox allow-popups allow-popups-to-escape-sandbox allow-downloads"
)
GONE = "This note is not published (any more)."


async def answer(core: Core, scope: Scope, _receive: Receive, send: Send) -> None:
    """One published note, or one of its attachments. Raises NotFound."""
    found = PATH.fullmatch(scope["path"])
    if found is None or scope["method"] not in {"GET", "HEAD"}:
        raise NotFound(GONE)
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=20))
    link = await get_shared(core, found[2], "joplin") if found[1] == "s" else None
    if link is not None and not is_open(core, scope, link):
        await respond(send, 303, [(b"location", door_of(link).encode()), (b"cache-control", b"no-store")], b"")
        return
    share = to_published(link) if link else await core.db.read(shares.get_public, found[2], core.clock())
    if resource_id := query.get("resource_id"):
        facts, data, inline = await core.db.read(read_attachment, share, resource_id.lower())
        await send_attachment(core, scope, send, facts, data, inline)
        return
    note_id = query.get("note_id", share.item_id).lower()
    row, note, attachments, notes = await core.db.read(read_note, share, note_id)
    html = render(core, None, "joplin/published.html", **page_of(share, row, note, attachments, notes))
    if scope["method"] == "GET":
        await (core.db.write(count_visit, link.id) if link else core.db.write(shares.count_view, share.id))
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", POLICY),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-robots-tag", b"noindex"),
        (b"cache-control", b"no-store"),
    ]
    await respond(send, 200, headers, html.encode() if scope["method"] == "GET" else b"")


def to_published(link: Link) -> Share:
    """A link that was made here, as Joplin's apps make theirs."""
    return Share(
        link.id,
        link.user_id,
        PUBLISHED,
        link.target,
        is_recursive=False,
        master_key_id="",
        expires_at=link.expires_at,
        views=link.visits,
        created_at=link.created_at,
        updated_at=link.created_at,
    )


async def check_share(core: Core, caller: Caller, target: str) -> str:
    """What a note is called, for who sees it. Raises NotFound, and Invalid for one that nobody here can read."""
    _, note = await core.db.read(reading.get_note, caller.user_id, target.lower())
    if note.is_encrypted:
        raise Invalid("This note is encrypted. Only your devices can read it.")
    return note.title or "An untitled note"


def read_attachment(conn: Connection, share: Share, id: str) -> tuple[Any, Any, bytes]:
    """An attachment that the published note shows. Raises NotFound for all others."""
    attachments, _ = reading.reach(conn, share.owner_id, share.item_id, is_recursive=share.is_recursive)
    found = reading.find_attachment(conn, share.owner_id, id) if id in attachments else None
    if found is None:
        raise NotFound(GONE)
    facts, data = found
    return facts, data, read_data(conn, data.id) if data.hash is None else b""


def read_note(conn: Connection, share: Share, id: str) -> tuple[Any, Item | None, dict[str, dict[str, Any]], set[str]]:
    """The note, None for its text where it is encrypted; what it shows. Raises NotFound for what is not published."""
    attachments, notes = reading.reach(conn, share.owner_id, share.item_id, is_recursive=share.is_recursive)
    row = find_seen(conn, share.owner_id, item_name(id)) if id in notes else None
    if row is None or row.type != NOTE or row.deleted_at:
        raise NotFound(GONE)
    note = None if row.is_encrypted else parse_item(read_bytes(conn, row))
    shown = attachments.intersection(reading.links_of(conn, row.id))
    return row, note, reading.list_attachments(conn, share.owner_id, shown), notes


def page_of(
    share: Share, row: Any, note: Item | None, attachments: dict[str, dict[str, Any]], notes: set[str]
) -> dict[str, Any]:
    """What the template is given."""

    def address(id: str) -> str:
        if id in attachments:
            return f"?resource_id={id}"
        return f"?note_id={id}" if share.is_recursive and id in notes else ""

    types = {f"?resource_id={id_}": mime_of(found["facts"]) for id_, found in attachments.items()}
    html = render_note(note, address, types) if note is not None else None
    return {"title": note.title if note is not None else "", "html": html, "changed_at": row.item_updated_at}


SHAREABLE = Shareable(check_share, lambda link: f"/joplin/s/{link.token}")
LINKED = Mount("/joplin/s", answer, "public", "Notes that are shared by link, and their attachments.")
MOUNT = Mount("/joplin/shares", answer, "public", "Published notes and their attachments, by their link.")
