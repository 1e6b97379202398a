"""Pages of pads for people with an account: the list, and what owners choose."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from fazt.apps.pads import actions, store
from fazt.apps.pads.actions import Changes
from fazt.apps.pads.engine import get_pads
from fazt.apps.pads.model import VISIT_KIND, Pad
from fazt.apps.pads.pages.shared import SHAREABLE, show_shared
from fazt.apps.pads.pages.visits import VISITED
from fazt.core import Core
from fazt.core.app import Card
from fazt.core.auth import Caller
from fazt.core.clock import DAY
from fazt.core.errors import FaztError
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.core.shares import list_shares
from fazt.ui import page, read_form, redirect
from fazt.ui.formats import format_bytes, plural

Asked = Request[Any, Any, Any]
DAYS = (
    ("", "as it is"),
    ("1", "in a day"),
    ("7", "in a week"),
    ("30", "in 30 days"),
    ("365", "in a year"),
    ("0", "never"),
)
WHO = (("", "as this cloud says"), ("none", "no"), ("read", "read"), ("write", "read and write"))


async def card(core: Core, caller: Caller) -> Card:
    """How many pads there are."""
    count, size, last = await core.db.read(store.count_pads, caller.user_id, core.clock())
    if not count:
        return Card("None yet", "Write with others, live.", "New pad", "/pads")
    return Card(plural(count, "pad"), f"{last} changed last, {format_bytes(size)} in all.", "Open pads", "/pads")


async def list_page(core: Core, caller: Caller, request: Asked, error: FaztError | None = None) -> Response[Any]:
    """The list, with what went wrong above it."""
    shared = core.settings.get("pads.members") != "none"
    pads = await core.db.read(store.list_pads, caller.user_id, core.clock(), shared=shared, everything=caller.is_owner)
    rooms = get_pads(core).rooms
    return page(
        request,
        "pads/list.html",
        status=STATUS[error.kind] if error else 200,
        pads=pads,
        here={pad.id: len(rooms[pad.id].lines) for pad in pads if pad.id in rooms},
        error=error,
        wanted=actions.new_name(),
    )


@get("/pads", guards=[member])
async def show_pads(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Those there are, and a new one."""
    return await list_page(core, caller, request)


@post("/pads", guards=[member])
async def create_pad(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """A new one, or the one of that name."""
    name = (await read_form(request)).text("name").replace(" ", "-") or actions.new_name()
    try:
        if await core.db.read(store.find_pad, name, core.clock()) is None:
            await actions.make_pad(core, caller, name)
    except FaztError as error:
        return await list_page(core, caller, request, error)
    return redirect(request, f"/pad/{name}")


async def pad_page(core: Core, request: Asked, pad: Pad, *, error: FaztError | None = None) -> Response[Any]:
    """What its owner may choose, with what went wrong."""
    scope: Any = request.scope
    shares = await core.db.read(list_shares, store.APP, pad.id)
    report = await core.visits.report(
        (VISIT_KIND,), (pad.id,), pad.created_at - pad.created_at % DAY, core.clock() + 1, "day", top=1
    )
    room = get_pads(core).rooms.get(pad.id)
    return page(
        request,
        "pads/settings.html",
        status=STATUS[error.kind] if error else 200,
        pad=pad,
        size=pad.size if room is None else room.document.size,
        here=len(room.lines) if room is not None else 0,
        url=actions.pad_url(core, scope, pad.name),
        links=sum(not share.is_over(core.clock()) for share in shares),
        visits=report.views + report.robot_views,
        days=DAYS,
        who=WHO,
        error=error,
    )


@get("/pads/{name:str}", guards=[member])
async def show_pad(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """One pad."""
    return await pad_page(core, request, await actions.check_manager(core, caller, name))


@post("/pads/{name:str}", guards=[member])
async def save_pad(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """Who may open it, its password, its end."""
    pad = await actions.check_manager(core, caller, name)
    form = await read_form(request)
    try:
        days = form.text("days")
        changes = Changes(
            members=form.text("members"),
            guests=form.text("guests"),
            password="" if form.is_on("open") else (form.raw("password") or None),
            days=form.number("days") if days else None,
        )
        await actions.change_pad(core, pad, changes)
    except FaztError as error:
        return await pad_page(core, request, pad, error=error)
    return redirect(request, f"/pads/{name}", "Saved.")


@post("/pads/{name:str}/erase", guards=[member])
async def erase_pad(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """Nothing of it stays."""
    await actions.erase_pad(core, await actions.check_manager(core, caller, name))
    return redirect(request, "/pads", f"{name} is erased, with its history.", kind="warn")


__all__ = ["PAGES", "SHAREABLE", "VISITED", "card"]

PAGES = [show_pads, create_pad, show_pad, save_pad, erase_pad, show_shared]
