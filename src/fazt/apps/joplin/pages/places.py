"""Published links, devices and what was refused, and what takes how much room."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, get, post
from sqlalchemy import Connection

from fazt.apps.joplin import actions
from fazt.apps.joplin.model.notebooks import build_tree
from fazt.apps.joplin.model.shares import NOTEBOOK
from fazt.apps.joplin.store import devices, editing, figures, reading, shares
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.auth import store as people
from fazt.core.clock import DAY
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import base_url
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]
PLATFORMS = {0: "", 1: "Windows", 2: "Linux", 3: "macOS", 4: "Android", 5: "iOS"}
TYPES = {0: "Joplin", 1: "Joplin desktop", 2: "Joplin mobile", 3: "Joplin terminal"}


async def published_page(
    core: Core, caller: Caller, request: Asked, *, error: FaztError | None = None
) -> Response[Any]:
    """All links, and the notebooks that are shared."""
    scope: Any = request.scope
    found = await core.db.read(shares.list_published, caller.user_id)
    return page(
        request,
        "joplin/shared.html",
        status=STATUS[error.kind] if error else 200,
        links=found,
        most=shares.MOST_LISTED,
        notebooks=await core.db.read(read_notebooks, caller.user_id),
        base=f"{base_url(core.config, scope)}/joplin/shares/",
        now=core.clock(),
        user_id=caller.user_id,
        error=error,
    )


def read_notebooks(conn: Connection, user_id: str) -> list[dict[str, Any]]:
    """Shared notebooks with who takes part: my own, and those I was invited to."""
    titles = {row.item_id: row.title for row in reading.list_folders(conn, user_id)}
    found: list[dict[str, Any]] = []
    for share, owner in shares.list_shares(conn, user_id):
        if share.type != NOTEBOOK:
            continue
        is_mine = share.owner_id == user_id
        members = shares.list_members(conn, user_id, share.id) if is_mine else []
        title = titles.get(share.item_id) or "A notebook"
        found.append({"share": share, "title": title, "owner": owner, "is_mine": is_mine, "members": members})
    return found


@get("/joplin/shared", guards=[member])
async def show_published(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Links to notes, and shared notebooks."""
    return await published_page(core, caller, request)


@post("/joplin/shared", guards=[member])
async def change_published(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Take a link back, let it end at a date, change what a member may, remove one: `do` says what."""
    form = await read_form(request)
    keeping, now, user_id, id_ = actions.keeping_of(core), core.clock(), caller.user_id, form.text("id")
    said = "Done."
    try:
        match form.text("do"):
            case "unpublish":
                await core.db.write(editing.unpublish, user_id, id_, keeping, now)
                said = "The link shows nothing any more."
            case "expire":
                await core.db.write(shares.set_expiry, user_id, id_, parse_day(form.text("day")), now)
                said = "Saved."
            case "rights":
                await core.db.write(shares.change_member, user_id, id_, now, can_write=form.text("may") == "write")
            case "remove":
                await core.db.write(shares.remove_member, user_id, id_, now)
                said = "They no longer see the notebook."
            case _:
                raise Invalid("It is not clear what is to be done.")
    except FaztError as error:
        return await published_page(core, caller, request, error=error)
    return redirect(request, "/joplin/shared", said)


def parse_day(text: str) -> int | None:
    """The end of a day (UTC) in ms; None for no day. Raises Invalid."""
    if not text:
        return None
    try:
        day = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise Invalid("That is not a day.") from error
    return int(day.timestamp() * 1000) + DAY - 1


@get("/joplin/devices", guards=[member])
async def show_devices(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """How to connect an app, which ones synchronise, and what was refused."""
    tokens = {one.id: one for one in await core.db.read(people.list_tokens, caller.user_id)}
    return page(
        request,
        "joplin/devices.html",
        devices=[
            (row, f"{TYPES[row.type]} {row.version}".strip(), PLATFORMS[row.platform], tokens.get(row.token_id))
            for row in await core.db.read(devices.list_devices, caller.user_id)
        ],
        refusals=await core.db.read(devices.list_refusals, caller.user_id),
    )


@post("/joplin/devices", guards=[member])
async def change_devices(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Lock a device out, or take something off a list."""
    form = await read_form(request)
    if form.text("do") == "forgive":
        await core.db.write(devices.forget_refusal, caller.user_id, form.text("name"))
        return redirect(request, "/joplin/devices")
    token_id = form.text("token")
    if token_id and form.text("do") == "lock":
        await core.db.write(people.delete_token, caller.user_id, token_id)
    await core.db.write(
        devices.forget_device,
        caller.user_id,
        platform=form.number("platform"),
        type=form.number("type"),
        token_id=token_id,
    )
    said = "The app password has ended, and with it the device." if token_id else "It is off the list."
    return redirect(request, "/joplin/devices", said)


def read_storage(conn: Connection, user_id: str) -> dict[str, Any]:
    """What takes how much room."""
    tree = build_tree(reading.list_folders(conn, user_id), {})
    notes = figures.notes_by_folder(conn, user_id)
    files = figures.attachments_by_folder(conn, user_id)
    rows: list[dict[str, Any]] = []
    for one in tree:
        count, size = notes.get(one.id, (0, 0))
        sizes = {"count": count, "notes": size, "files": files.get(one.id, 0)}
        rows.append({"id": one.id, "title": " / ".join(one.path), **sizes})
    rows.sort(key=lambda row: -int(row["notes"] + row["files"]))
    return {
        "rows": [row for row in rows if row["count"]][:100],
        "totals": figures.totals(conn, user_id),
        "largest": figures.largest_attachments(conn, user_id),
    }


@get("/joplin/storage", guards=[member])
async def show_storage(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Room by notebook, the largest attachments, and all notes to take away or bring in."""
    return page(request, "joplin/storage.html", **await core.db.read(read_storage, caller.user_id))


PAGES = [show_published, change_published, show_devices, change_devices, show_storage]
