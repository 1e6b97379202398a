"""Who follows links: one of them, all of them, or those that do not exist."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from fazt.apps.links import actions, store
from fazt.apps.links.model import CLICK, ORPHAN, Link
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.clock import DAY, HOUR
from fazt.core.errors import Invalid
from fazt.core.http.access import member
from fazt.core.visits import Report
from fazt.core.visits.store import find_newest
from fazt.ui import page

Asked = Request[Any, Any, Any]
SPANS = {
    "day": ("Day", DAY, "hour"),
    "week": ("Week", 7 * DAY, "hour"),
    "month": ("Month", 30 * DAY, "day"),
    "year": ("Year", 365 * DAY, "day"),
}
LISTS = (
    ("referrer", "Where from"),
    ("country", "Countries"),
    ("device", "Devices"),
    ("browser", "Browsers"),
    ("os", "Systems"),
    ("language", "Languages"),
    ("utm_source", "Campaign source"),
    ("utm_medium", "Campaign medium"),
    ("utm_campaign", "Campaign"),
    ("bot", "Robots"),
    ("unfurler", "Previews in chats"),
)
NAMELESS = {"referrer": "Directly", "country": "Unknown", "device": "Unknown", "browser": "Unknown", "os": "Unknown"}
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


async def read_report(core: Core, kind: str, targets: tuple[str, ...], span: str) -> Report:
    """What came in the last day, week, month or year. Raises Invalid."""
    if span not in SPANS:
        raise Invalid(f"{span!r} is none of {', '.join(SPANS)}.")
    _, length, step = SPANS[span]
    now = core.clock()
    start = now - length
    start -= start % (HOUR if step == "hour" else DAY)
    return await core.visits.report((kind,), targets, start, now + 1, step, top=12)  # type: ignore[arg-type]


@get("/links/{link_id:int}/visits", guards=[member])
async def show_visits(core: Core, caller: Caller, request: Asked, link_id: int, span: str = "month") -> Response[Any]:
    """Figures, a chart, lists and the newest clicks; 0 is all links."""
    link, kind, targets = await targets_of(core, caller, link_id)
    report = await read_report(core, kind, targets, span)
    lists = [
        (title, [(top.value or NAMELESS.get(name, "(none)"), top.views) for top in tops])
        for name, title in LISTS
        if (tops := [top for top in report.tops.get(name, []) if top.value or name in NAMELESS])
    ]
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
        lists=lists,
        newest=newest,
        orphans=orphans,
        span=span,
        spans=[(key, title) for key, (title, _, _) in SPANS.items()],
    )


@get("/links/{link_id:int}/visits/chart", guards=[member])
async def chart_visits(core: Core, caller: Caller, link_id: int, span: str = "month") -> dict[str, Any]:
    """The chart's data: times in seconds, and a list of values for each line."""
    _, kind, targets = await targets_of(core, caller, link_id)
    report = await read_report(core, kind, targets, span)
    return {
        "times": [point.at // 1000 for point in report.series],
        "series": [
            {"label": "Clicks", "values": [point.views for point in report.series]},
            {"label": "Visitors", "values": [point.visitors for point in report.series]},
        ],
    }


PAGES = [show_visits, chart_visits]
