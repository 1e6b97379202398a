"""Notes in the browser: notebooks and lists, one note to read, to edit, to move and to throw away."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get, post
from markupsafe import Markup
from sqlalchemy import Connection

from fazt.apps.joplin import actions
from fazt.apps.joplin.actions.rendering import mime_of, render_note
from fazt.apps.joplin.model.items import NOTE, Item
from fazt.apps.joplin.model.notebooks import Notebook, build_tree, ids_below
from fazt.apps.joplin.store import delta, editing, reading, shares
from fazt.apps.joplin.store.words import KIND
from fazt.core import Core, search
from fazt.core.app import Card
from fazt.core.auth import Caller
from fazt.core.errors import FaztError
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import base_url
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]
FORM_BYTES = 40_000_000


async def card(core: Core, caller: Caller) -> Card:
    """How many notes there are."""
    counts = await core.db.read(delta.count_seen, caller.user_id)
    if not counts.get(NOTE):
        return Card("None yet", "Connect Joplin, and your notes are here.", "Connect an app", "/joplin/devices")
    newest = (await core.db.read(reading.list_notes, caller.user_id, limit=1))[:1]
    said = f"{newest[0].title or 'An encrypted note'} changed last." if newest else "All are in the trash."
    return Card(str(counts[NOTE]), said, "Write a note", "/joplin#new")


def read_overview(
    conn: Connection, user_id: str, notebook: str, tag: str, q: str, start: int
) -> tuple[list[Notebook], list[Any], list[Any], list[Any]]:
    """Notebooks, tags, and the notes or hits that are asked for."""
    tree = build_tree(reading.list_folders(conn, user_id), reading.count_notes(conn, user_id))
    tags = reading.list_tags(conn, user_id)
    if q:
        hits = search.search(conn, q, user_id=user_id, kinds=(KIND,), limit=reading.PAGE + 1, offset=start)
        return tree, tags, [], list(hits)
    below = ids_below(tree, notebook) if notebook else None
    rows = reading.list_notes(conn, user_id, folder_ids=below, tag_id=tag, limit=reading.PAGE + 1, offset=start)
    return tree, tags, rows, []


async def overview(
    core: Core,
    caller: Caller,
    request: Asked,
    *,
    notebook: str = "",
    tag: str = "",
    q: str = "",
    start: int = 0,
    error: FaztError | None = None,
    draft: tuple[str, str] = ("", ""),
) -> Response[Any]:
    """The page of notes, with what went wrong."""
    start = max(0, min(start, 1_000_000))
    tree, tags, rows, hits = await core.db.read(read_overview, caller.user_id, notebook, tag, q[:200], start)
    query = {key: value for key, value in (("notebook", notebook), ("tag", tag), ("q", q)) if value}
    more = len(rows) > reading.PAGE or len(hits) > reading.PAGE
    scope: Any = request.scope
    return page(
        request,
        "joplin/list.html",
        status=STATUS[error.kind] if error else 200,
        tree=tree,
        tags=[(row, count) for row, count in tags if count],
        rows=[(row, msgspec.json.decode(row.facts)) for row in rows[: reading.PAGE]],
        hits=hits[: reading.PAGE],
        titles={one.id: one.title for one in tree},
        options=[("", "Inbox"), *((one.id, " / ".join(one.path)) for one in tree)],
        here=next((one for one in tree if one.id == notebook), None),
        tagged=next((row for row, _ in tags if row.item_id == tag), None),
        notebook=notebook,
        q=q,
        older=f"/joplin?{urlencode({**query, 'start': start + reading.PAGE})}" if more else "",
        newer=f"/joplin?{urlencode({**query, 'start': max(0, start - reading.PAGE)})}" if start else "",
        base=f"{base_url(core.config, scope)}/joplin",
        error=error,
        draft=draft,
    )


@get("/joplin", guards=[member])
async def show_notes(
    core: Core, caller: Caller, request: Asked, notebook: str = "", tag: str = "", q: str = "", start: int = 0
) -> Response[Any]:
    """Notebooks, and the notes of one, of a tag, of a search, or all."""
    return await overview(core, caller, request, notebook=notebook, tag=tag, q=q.strip(), start=start)


@post("/joplin", guards=[member], request_max_body_size=FORM_BYTES)
async def capture(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """A new note."""
    form = await read_form(request)
    notebook, title, body = form.text("notebook"), form.text("title"), form.raw("body")
    try:
        keeping, now = actions.keeping_of(core), core.clock()
        id_ = await core.db.write(editing.create_note, caller.user_id, notebook, title, body, keeping, now)
    except FaztError as error:
        return await overview(core, caller, request, notebook=notebook, error=error, draft=(title, body))
    return redirect(
        request, f"/joplin/notes/{id_}", "The note is kept. Your devices take it when they synchronise next."
    )


def read_page(conn: Connection, user_id: str, id: str) -> dict[str, Any]:
    """All that the page of a note shows. Raises NotFound."""
    row, note = reading.get_note(conn, user_id, id)
    ids = reading.links_of(conn, row.id)
    attachments = reading.list_attachments(conn, user_id, ids)
    tree = build_tree(reading.list_folders(conn, user_id), {})
    return {
        "row": row,
        "note": note,
        "attachments": attachments,
        "linked": {id_ for id_ in ids if id_ not in attachments},
        "options": [(one.id, " / ".join(one.path)) for one in tree],
        "folder": next((one for one in tree if one.id == row.parent_id), None),
        "tags": reading.tags_of(conn, user_id, id),
        "links": [one for one, found in shares.list_published(conn, user_id, item_id=id) if found is not None],
    }


def show_body(note: Item, attachments: dict[str, dict[str, Any]], linked: set[str]) -> Markup:
    """The body for who may read all of it."""

    def address(id: str) -> str:
        if id in attachments:
            return f"/joplin/files/{id}"
        return f"/joplin/notes/{id}" if id in linked else ""

    types = {f"/joplin/files/{id_}": mime_of(found["facts"]) for id_, found in attachments.items()}
    return render_note(note, address, types)


async def note_page(
    core: Core, caller: Caller, request: Asked, id: str, *, error: FaztError | None = None
) -> Response[Any]:
    """The page of a note, with what went wrong."""
    found = await core.db.read(read_page, caller.user_id, id)
    note: Item = found["note"]
    html = None if note.is_encrypted else show_body(note, found["attachments"], found["linked"])
    scope: Any = request.scope
    status = STATUS[error.kind] if error else 200
    base = f"{base_url(core.config, scope)}/joplin/shares/"
    return page(request, "joplin/note.html", status=status, html=html, error=error, base=base, **found)


@get("/joplin/notes/{id:str}", guards=[member])
async def show_note(core: Core, caller: Caller, request: Asked, id: str) -> Response[Any]:
    """One note, to read."""
    return await note_page(core, caller, request, id)


@post("/joplin/notes/{id:str}", guards=[member])
async def change_note(core: Core, caller: Caller, request: Asked, id: str) -> Response[Any]:
    """Move, throw away, bring back from the trash, publish: `do` says what."""
    form = await read_form(request)
    keeping, now, user_id = actions.keeping_of(core), core.clock(), caller.user_id
    target, said = f"/joplin/notes/{id}", "Done."
    try:
        match form.text("do"):
            case "move":
                await core.db.write(editing.move_note, user_id, id, form.text("notebook"), keeping, now)
                said = "The note is in its new notebook."
            case "trash":
                fields = {"deleted_time": str(now)}
                await core.db.write(editing.change_note, user_id, id, keeping, now, fields=fields)
                target, said = "/joplin", "The note is in the trash."
            case "untrash":
                await core.db.write(editing.change_note, user_id, id, keeping, now, fields={"deleted_time": "0"})
                said = "The note is back."
            case "publish":
                await core.db.write(editing.publish_note, user_id, id, keeping, now)
                said = "Everybody with the link can read this note."
    except FaztError as error:
        return await note_page(core, caller, request, id, error=error)
    return redirect(request, target, said)


async def edit_page(
    core: Core, caller: Caller, request: Asked, id: str, *, error: FaztError | None = None, **draft: Any
) -> Response[Any]:
    """The editor, with what was typed where it could not be kept."""
    row, note = await core.db.read(reading.get_note, caller.user_id, id)
    known = {"title": note.head.partition("\n")[0], "body": note.body, "at": row.item_updated_at}
    status = STATUS[error.kind] if error else 200
    return page(request, "joplin/edit.html", status=status, row=row, note=note, error=error, **{**known, **draft})


@get("/joplin/notes/{id:str}/edit", guards=[member])
async def show_editor(core: Core, caller: Caller, request: Asked, id: str) -> Response[Any]:
    """One note, to edit."""
    return await edit_page(core, caller, request, id)


@post("/joplin/notes/{id:str}/edit", guards=[member], request_max_body_size=FORM_BYTES)
async def save_note(core: Core, caller: Caller, request: Asked, id: str) -> Response[Any]:
    """Keep what was written, unless somebody else wrote meanwhile."""
    data = await request.form()
    title, body = str(data.get("title", "")), str(data.get("body", "")).replace("\r\n", "\n")
    at = str(data.get("at", ""))
    base = int(at) if at.isascii() and at.isdigit() and len(at) < 18 else 0
    try:
        keeping, now = actions.keeping_of(core), core.clock()
        await core.db.write(editing.change_note, caller.user_id, id, keeping, now, base=base, title=title, body=body)
    except FaztError as error:
        return await edit_page(core, caller, request, id, error=error, title=title, body=body, at=base)
    return redirect(request, f"/joplin/notes/{id}", "Saved. Your devices take it when they synchronise next.")


PAGES = [show_notes, capture, show_note, change_note, show_editor, save_note]
