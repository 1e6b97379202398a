"""One's drops: send, see who downloads now, change, delete."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from fazt.apps.drops import actions, store
from fazt.apps.drops.engine import Download, get_desk
from fazt.apps.drops.model import Drop, Uploader, choices_of, quote_path
from fazt.core import Core
from fazt.core.app import Card
from fazt.core.auth import Caller
from fazt.core.clock import DAY
from fazt.core.errors import FaztError, NotFound
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect
from fazt.ui.formats import format_bytes, plural

Asked = Request[Any, Any, Any]


async def card(core: Core, caller: Caller) -> Card:
    """How many drops there are."""
    count, size, downloads = await core.db.read(store.count_drops, caller.user_id, core.clock())
    if not count:
        return Card("None now", "Send a file by a link that ends by itself.", "Send files", "/drops")
    return Card(
        plural(count, "drop"), f"{format_bytes(size)}, {plural(downloads, 'download')}.", "Send files", "/drops"
    )


def list_now(core: Core, drops: list[Drop]) -> list[Download]:
    """What is being downloaded of these at this moment."""
    ids = {drop.id for drop in drops}
    return [one for one in get_desk(core).downloads.values() if one.drop_id in ids]


@get("/drops", guards=[member])
async def show_drops(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Send files, and what was sent."""
    drops = await actions.list_drops(core, caller)
    return page(
        request,
        "drops/list.html",
        drops=drops,
        names=await core.db.read(store.list_first_names, [drop.id for drop in drops if not drop.is_encrypted]),
        now=list_now(core, drops),
        policy=(policy := actions.read_policy(core, is_stranger=False)),
        choices=choices_of(policy),
        held=await core.db.read(store.held_bytes, Uploader(caller.user_id)),
    )


@get("/drops/now", guards=[member])
async def show_now(core: Core, caller: Caller, request: Asked, drop: str = "") -> Response[Any]:
    """The live part of the pages: who downloads now."""
    drops = [one for one in await actions.list_drops(core, caller) if drop in {"", one.id}]
    return page(request, "drops/now.html", now=list_now(core, drops))


async def get_own(core: Core, request: Asked, drop_id: str, needed: str = "drops:write") -> Drop:
    """A drop of the caller's. Raises NotFound."""
    scope: Any = request.scope
    return await actions.check_manager(core, scope, drop_id, needed=needed)


async def drop_page(core: Core, request: Asked, drop: Drop, *, error: FaztError | None = None) -> Response[Any]:
    """One drop, with what went wrong."""
    policy = actions.read_policy(core, is_stranger=not drop.user_id)
    start = drop.created_at - drop.created_at % DAY
    report = await core.visits.report(("drop",), (drop.id,), start, core.clock() + 1, "day", top=1)
    return page(
        request,
        "drops/drop.html",
        status=STATUS[error.kind] if error else 200,
        drop=drop,
        url=actions.url_of(core, request.scope, drop.id),
        choices=choices_of(policy),
        now=list_now(core, [drop]),
        visits=report.views + report.robot_views,
        quote_path=quote_path,
        error=error,
    )


@get("/drops/{drop_id:str}", guards=[member])
async def show_drop(core: Core, request: Asked, drop_id: str) -> Response[Any]:
    """One drop: its link, its files, what was chosen for it."""
    return await drop_page(core, request, await get_own(core, request, drop_id, "drops:read"))


@post("/drops/{drop_id:str}", guards=[member])
async def save_drop(core: Core, request: Asked, drop_id: str) -> Response[Any]:
    """Change it."""
    drop = await get_own(core, request, drop_id)
    form = await read_form(request)
    password = "" if form.is_on("open") else (form.raw("password") or None)
    try:
        changes = actions.Changes(
            title=None if drop.is_encrypted else form.text("title"),
            note=None if drop.is_encrypted else form.text("note"),
            lifetime_s=form.number("expires_in") or None,
            is_sliding=None if drop.is_private else form.is_on("sliding"),
            max_downloads=None if drop.is_private else form.number("max_downloads"),
            password=None if drop.is_private else password,
        )
        await actions.change_drop(core, drop, changes)
    except FaztError as error:
        return await drop_page(core, request, drop, error=error)
    return redirect(request, f"/drops/{drop.id}", "Saved.")


@post("/drops/{drop_id:str}/delete", guards=[member])
async def delete_drop(core: Core, request: Asked, drop_id: str) -> Response[Any]:
    """Its link ends at once."""
    await actions.delete_drop(core, await get_own(core, request, drop_id))
    return redirect(request, "/drops", "The drop is deleted.", kind="warn")


@post("/drops/{drop_id:str}/files/{file_id:int}", guards=[member])
async def take_out(core: Core, request: Asked, drop_id: str, file_id: int) -> Response[Any]:
    """Take one file out."""
    drop = await get_own(core, request, drop_id)
    if all(file.id != file_id for file in drop.files):
        raise NotFound("There is no such file in this drop.")
    hashes = await core.db.write(store.delete_file, drop.id, file_id, core.clock())
    await core.blobs.purge(hashes)
    return redirect(request, f"/drops/{drop.id}", "The file is out.")


PAGES = [show_drops, show_now, show_drop, save_drop, delete_drop, take_out]
