"""The page of upgrades, for the owner: what runs, what is newer, how it is put in place."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from fazt.apps.upgrade.actions import look, to_status
from fazt.core import Core
from fazt.core.app import Card
from fazt.core.auth import Caller
from fazt.core.errors import FaztError
from fazt.core.http.access import owner
from fazt.ui import page, redirect

Asked = Request[Any, Any, Any]


async def card(core: Core, _caller: Caller) -> Card:
    """What the dashboard says about versions."""
    status = await to_status(core)
    if status.is_newer and status.newest is not None:
        line = f"fazt {status.newest.version} is there."
        return Card(status.version, line, "See what is new", "/upgrade", attention=True)
    if status.problem:
        return Card(status.version, "Newer versions could not be looked up.", "Look", "/upgrade")
    return Card(status.version, "This is the newest version." if status.newest else "This is what runs.")


def render_notes(notes: str) -> str:
    """What is new, as HTML."""
    from fazt.ui.prose import render_markdown  # noqa: PLC0415 - pygments and nh3 are large, and only this needs them

    return render_markdown(notes)


@get("/upgrade", guards=[owner])
async def show_upgrade(core: Core, request: Asked) -> Response[Any]:
    """What runs, what is newer, and how upgrades went."""
    status = await to_status(core)
    notes = render_notes(status.newest.notes) if status.newest and status.is_newer else ""
    return page(request, "upgrade/status.html", found=status, notes=notes)


@post("/upgrade/check", guards=[owner])
async def check(core: Core, request: Asked) -> Response[Any]:
    """Look now."""
    try:
        await look(core)
    except FaztError:
        return redirect(request, "/upgrade")
    return redirect(request, "/upgrade", "Looked up.")


PAGES = [show_upgrade, check]
