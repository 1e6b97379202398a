"""What notes were: older versions, the trash, and what was deleted."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from fazt.apps.joplin import actions
from fazt.apps.joplin.model.items import FOLDER, KINDS, NOTE, RESOURCE, parse_item
from fazt.apps.joplin.pages.notes import show_body
from fazt.apps.joplin.store import editing, history, reading
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, NotFound
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]
SHOWN = (NOTE, FOLDER, RESOURCE)


@get("/joplin/notes/{id:str}/history", guards=[member])
async def show_history(core: Core, caller: Caller, request: Asked, id: str) -> Response[Any]:
    """The older versions of a note."""
    row, _ = await core.db.read(reading.get_note, caller.user_id, id)
    versions = await core.db.read(history.list_versions, row.owner_id, row.name)
    days = core.settings.get("joplin.history_days")
    return page(request, "joplin/history.html", row=row, versions=versions, days=days)


@get("/joplin/notes/{id:str}/history/{number:int}", guards=[member])
async def show_version(core: Core, caller: Caller, request: Asked, id: str, number: int) -> Response[Any]:
    """One older version, to read."""
    row, _ = await core.db.read(reading.get_note, caller.user_id, id)
    found, data = await core.db.read(history.get_version, row.owner_id, number)
    if found.name != row.name:
        raise NotFound("There is no such version any more.")
    old = parse_item(data)
    ids = await core.db.read(reading.links_of, row.id)
    attachments = await core.db.read(reading.list_attachments, caller.user_id, ids)
    html = None if old.is_encrypted else show_body(old, attachments, set())
    return page(request, "joplin/version.html", row=row, version=found, title=old.title, html=html)


@post("/joplin/notes/{id:str}/history/{number:int}", guards=[member])
async def restore_version(core: Core, caller: Caller, request: Asked, id: str, number: int) -> Response[Any]:
    """Bring an older version back."""
    keeping, now = actions.keeping_of(core), core.clock()
    await core.db.write(editing.restore_version, caller.user_id, number, keeping, now)
    return redirect(request, f"/joplin/notes/{id}", "The older version is back. What it replaced is in the history.")


async def trash_page(
    core: Core, caller: Caller, request: Asked, *, error: FaztError | None = None, before: int | None = None
) -> Response[Any]:
    """What is in Joplin's trash, and what was deleted from it."""
    thrown = await core.db.read(reading.list_notes, caller.user_id, in_trash=True, limit=200)
    deleted = await core.db.read(history.list_deleted, caller.user_id, types=SHOWN, before=before)
    return page(
        request,
        "joplin/trash.html",
        status=STATUS[error.kind] if error else 200,
        thrown=thrown,
        deleted=deleted,
        kinds=KINDS,
        days=core.settings.get("joplin.trash_days"),
        older=f"/joplin/trash?before={deleted[-1].id}" if len(deleted) == 100 else "",
        error=error,
    )


@get("/joplin/trash", guards=[member])
async def show_trash(core: Core, caller: Caller, request: Asked, before: int | None = None) -> Response[Any]:
    """What was thrown away, and what was deleted."""
    return await trash_page(core, caller, request, before=before)


@post("/joplin/trash", guards=[member])
async def restore_deleted(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Bring something deleted back, or delete it for good."""
    form = await read_form(request)
    keeping, now, id_ = actions.keeping_of(core), core.clock(), form.number("id")
    try:
        if form.text("do") == "forget":
            await core.db.write(history.forget_deletion, caller.user_id, id_)
            return redirect(request, "/joplin/trash", "It is gone for good.")
        await core.db.write(editing.restore_deleted, caller.user_id, id_, keeping, now)
    except FaztError as error:
        return await trash_page(core, caller, request, error=error)
    return redirect(request, "/joplin/trash", "It is back, with what belongs to it.")


PAGES = [show_history, show_version, restore_version, show_trash, restore_deleted]
