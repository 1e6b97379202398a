"""The first steps on the dashboard: closed for good by whoever wants, and shown again from the page of help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar import Response, get, post

from fazt.apps.home.pages.entry import Asked
from fazt.core import Core, push
from fazt.core.auth import Caller, store
from fazt.core.errors import FaztError
from fazt.core.http.access import member
from fazt.ui import page, redirect
from fazt.ui.render import nav_apps

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do first: why, where, and whether it is done."""

    title: str
    text: str
    action: str
    path: str
    icon: str
    is_done: bool = False


async def has_any(core: Core, caller: Caller, function: str, **arguments: Any) -> bool:
    """Whether an app's script function lists anything."""
    try:
        return bool(await core.call(function, caller, **arguments))
    except FaztError:
        return False


def read_own(conn: Connection, user_id: str) -> tuple[bool, bool, bool]:
    """Whether somebody has a password for a client, a device for notices, and company."""
    tokens, devices = store.list_tokens(conn, user_id), push.list_devices(conn, user_id)
    return bool(tokens), bool(devices), len(store.list_users(conn)) > 1


async def list_steps(core: Core, caller: Caller) -> list[Step]:
    """The steps for this person; none once they closed them, or have done them all."""
    if await core.db.point(store.find_tour_closed, caller.user_id) is not None:
        return []
    names = {app.name for app in core.apps}
    is_client, is_told, is_company = await core.db.read(read_own, caller.user_id)
    steps = []
    if "sites" in names:
        done = await has_any(core, caller, "sites.list")
        text = "Drop a folder or a zip, and it is on the web a moment later."
        steps.append(Step("Put up a web site", text, "Choose a folder", "/sites", "sites", done))
    if "drive" in names:
        done = await has_any(core, caller, "drive.list", path="/")
        text = "Drop files into the browser, or open them as a network drive."
        steps.append(Step("Keep your files here", text, "Open the drive", "/drive/files", "drive", done))
        text = "Each app shows its address and makes a password on the spot, for every computer and phone."
        steps.append(Step("Connect a computer or phone", text, "Connect one", "/connect/drive", "laptop", is_client))
    text = "Alerts, new mail, a backup that failed: told on your phone, even when no page is open."
    steps.append(Step("Be told what matters", text, "Switch notices on", "/account/notices", "phone", is_told))
    if caller.is_owner:
        text = "Family and friends get files, notes and mail of their own."
        steps.append(Step("Invite somebody", text, "Make a link", "/people", "people", is_company))
    return [] if all(step.is_done for step in steps) else steps


@post("/tour/close", guards=[member])
async def close_tour(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Show the first steps no more."""
    await core.db.write(store.set_tour_closed, caller.user_id, core.clock())
    return redirect(request, "/", "The first steps are put away. You find them again under Help.")


@post("/tour/open", guards=[member])
async def open_tour(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Show them again."""
    await core.db.write(store.set_tour_closed, caller.user_id, None)
    return redirect(request, "/")


@get("/help", guards=[member])
async def show_help(core: Core, request: Asked) -> Response[Any]:
    """What each app is for, how clients connect to it, and where to read on."""
    return page(request, "home/help.html", listed=nav_apps(core))


PAGES = [close_tour, open_tour, show_help]
