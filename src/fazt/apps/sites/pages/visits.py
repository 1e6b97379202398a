"""Who visits: one site or all of them, over a time, as page, chart data and CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, get
from litestar.response import Stream

from fazt.apps.sites import actions
from fazt.apps.sites.model import VISIT_KIND, Site
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.clock import DAY, HOUR
from fazt.core.errors import Invalid
from fazt.core.http.access import member
from fazt.core.visits import Report
from fazt.ui import page

Asked = Request[Any, Any, Any]
SPANS = {
    "day": ("Day", DAY, "hour"),
    "week": ("Week", 7 * DAY, "hour"),
    "month": ("Month", 30 * DAY, "day"),
    "year": ("Year", 365 * DAY, "day"),
}
LISTS = (
    ("path", "Pages"),
    ("referrer", "Where from"),
    ("country", "Countries"),
    ("browser", "Browsers"),
    ("os", "Systems"),
    ("device", "Devices"),
    ("language", "Languages"),
    ("utm_source", "Campaign source"),
    ("utm_medium", "Campaign medium"),
    ("utm_campaign", "Campaign"),
    ("bot", "Bots"),
)
DIRECT = {
    "referrer": "Directly",
    "country": "Unknown",
    "language": "Unknown",
    "browser": "Unknown",
    "os": "Unknown",
    "device": "Unknown",
}


async def find_sites(core: Core, caller: Caller, name: str) -> tuple[Site | None, list[str]]:
    """The site that is asked about, or None for all; and the names of those that count."""
    if name == "-":
        return None, [site.name for site in await actions.list_sites(core, caller)]
    site = await actions.get_site(core, caller, name)
    return site, [site.name]


async def read_report(core: Core, names: list[str], span: str) -> Report:
    """What came in the last day, week, month or year. Raises Invalid."""
    if span not in SPANS:
        raise Invalid(f"{span!r} is none of {', '.join(SPANS)}.")
    _, length, step = SPANS[span]
    now = core.clock()
    start = now - length
    start -= start % (HOUR if step == "hour" else DAY)
    return await core.visits.report((VISIT_KIND,), names or ("",), start, now + 1, step, top=12)  # type: ignore[arg-type]


@get("/sites/{name:str}/visits", guards=[member])
async def show_visits(core: Core, caller: Caller, request: Asked, name: str, span: str = "month") -> Response[Any]:
    """Figures, a chart and lists; `-` is all sites."""
    site, names = await find_sites(core, caller, name)
    report = await read_report(core, names, span)
    lists = [
        (title, [(top.value or DIRECT.get(key, "(none)"), top.views) for top in tops])
        for key, title in LISTS
        if (tops := [top for top in report.tops.get(key, []) if top.value or key in DIRECT])
    ]
    return page(
        request,
        "sites/visits.html",
        site=site,
        name=name,
        url=actions.site_url(core, request.scope, site.name) if site else "",
        base=actions.dashboard_url(core, request.scope),
        report=report,
        lists=lists,
        span=span,
        spans=[(key, title) for key, (title, _, _) in SPANS.items()],
        known=request.query_params,
    )


@get("/sites/{name:str}/visits/chart", guards=[member])
async def chart_visits(core: Core, caller: Caller, name: str, span: str = "month") -> dict[str, Any]:
    """The chart's data: times in seconds, and a list of values for each line."""
    report = await read_report(core, (await find_sites(core, caller, name))[1], span)
    return {
        "times": [point.at // 1000 for point in report.series],
        "series": [
            {"label": "Views", "values": [point.views for point in report.series]},
            {"label": "Visitors", "values": [point.visitors for point in report.series]},
        ],
    }


@get("/sites/{name:str}/visits/export", guards=[member])
async def export_visits(core: Core, caller: Caller, name: str) -> Stream:
    """Every visit as CSV."""
    _, names = await find_sites(core, caller, name)
    rows: AsyncIterator[bytes] = core.visits.export("csv", (VISIT_KIND,), names or ("",))
    file = "visits.csv" if name == "-" else f"visits-{names[0]}.csv"
    headers = {"content-disposition": f'attachment; filename="{file}"', "cache-control": "no-store"}
    return Stream(rows, media_type="text/csv; charset=utf-8", headers=headers)


PAGES = [show_visits, chart_visits, export_visits]
