"""Who follows links: one of them, all of them, or those that do not exist."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from fazt.apps.links import actions, store
from fazt.apps.links.model import CLICK, ORPHAN, Link
from fazt.core import Core
from fazt.core.app import Visited
from fazt.core.auth import Caller
from fazt.core.http.access import member
from fazt.core.visits.store import find_newest
from fazt.ui import page
from fazt.ui.visits import list_spans, list_tops, read_report, to_chart

Asked = Request[Any, Any, Any]
NEWEST = 20
MOST_LINKS = 1_000


async def targets_of(core: Core, caller: Caller, link_id: int) -> tuple[Link | None, str, tuple[str, ...]]:
    """The link that is asked about (0: all of the caller's), the kind of its visits, and their targets; () is all."""
    owner = actions.owner_of(caller)
    if link_id:
        link = await core.db.read(store.get_link, link_id, owner=owner)
        return link, CLICK, (str(link.id),)
    if owner is None:
        return None, CLICK, ()
    found = await core.db.read(store.list_links, store.Asked(owner=owner, limit=MOST_LINKS))
    return None, CLICK, tuple(str(link.id) for link in found.links) or ("",)


@get("/links/{link_id:int}/visits", guards=[member])
async def show_visits(core: Core, caller: Caller, request: Asked, link_id: int, span: str = "month") -> Response[Any]:
    """Figures, a chart, lists and the newest clicks; 0 is all links."""
    link, kind, targets = await targets_of(core, caller, link_id)
    report = await read_report(core, kind, targets, span)
    newest = await core.db.read(find_newest, kind, targets, NEWEST)
    orphans = []
    if link is None and caller.is_owner:
        orphans = await core.db.read(find_newest, ORPHAN, (), NEWEST)
    return page(
        request,
        "links/visits.html",
        link=link,
        link_id=link_id,
        report=report,
        lists=list_tops(report, without=("path",)),
        newest=newest,
        orphans=orphans,
        span=span,
        spans=list_spans(f"/links/{link_id}/visits?span=", span),
    )


@get("/links/{link_id:int}/visits/chart", guards=[member])
async def chart_visits(core: Core, caller: Caller, link_id: int, span: str = "month") -> dict[str, Any]:
    """The chart's data: times in seconds, and a list of values for each line."""
    _, kind, targets = await targets_of(core, caller, link_id)
    report = await read_report(core, kind, targets, span)
    return to_chart(report, "Clicks")


async def list_targets(core: Core, caller: Caller) -> list[str] | None:
    """The links that this person may know of; the owner all of them."""
    targets = (await targets_of(core, caller, 0))[2]
    return list(targets) or None


async def name_targets(core: Core, targets: list[str]) -> dict[str, tuple[str, str]]:
    """Links are counted by their numbers."""
    numbers = [int(one) for one in targets if one.isdigit()]
    slugs = await core.db.read(store.list_slugs, numbers)
    return {str(number): (slug, f"/links/{number}/visits") for number, slug in slugs.items()}


VISITED = Visited(CLICK, "Links", list_targets, name_targets)
PAGES = [show_visits, chart_visits]
