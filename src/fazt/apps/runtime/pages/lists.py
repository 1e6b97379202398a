"""All sites that have code, and the card on the dashboard."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from fazt.apps.runtime import actions
from fazt.apps.runtime.store import runs
from fazt.core import Core
from fazt.core.app import Card
from fazt.core.auth import Caller
from fazt.core.http.access import member
from fazt.ui import page

Asked = Request[Any, Any, Any]


async def card(core: Core, caller: Caller) -> Card:
    """How many sites have code, and what needs a look."""
    sites = await actions.list_sites(core, caller)
    if not sites:
        return Card("None yet", "A site with a main.js answers with code.", "How it works", "/functions")
    dead = await core.db.read(runs.count_dead)
    given_up = sum(dead.get(site.id, 0) for site in sites)
    broken = [site.name for site in sites if actions.state_of(core, site).problem]
    if broken:
        return Card(str(len(sites)), f"{broken[0]} cannot run.", "Look", f"/functions/{broken[0]}", attention=True)
    if given_up:
        return Card(str(len(sites)), f"{given_up} runs were given up.", "Look", "/functions", attention=True)
    running = sum(actions.state_of(core, site).state == "running" for site in sites)
    return Card(str(len(sites)), f"{running} running at this moment." if running else "All at rest.")


@get("/functions", guards=[member])
async def show_functions(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """The list."""
    sites = await actions.list_sites(core, caller)
    dead = await core.db.read(runs.count_dead)
    rows = [(site, actions.state_of(core, site), dead.get(site.id, 0)) for site in sites]
    return page(request, "runtime/list.html", rows=rows)


PAGES = [show_functions]
