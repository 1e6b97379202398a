"""Who visits: one site or all of them, over a time, as page, chart data and CSV."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, get
from litestar.response import Stream

from fazt.apps.sites import actions
from fazt.apps.sites.model import VISIT_KIND, Site
from fazt.core import Core
from fazt.core.app import Visited
from fazt.core.auth import Caller
from fazt.core.http.access import member
from fazt.ui import page
from fazt.ui.visits import list_spans, list_tops, read_report, to_chart

Asked = Request[Any, Any, Any]


async def find_sites(core: Core, caller: Caller, name: str) -> tuple[Site | None, list[str]]:
    """The site that is asked about, or None for all; and the names of those that count."""
    if name == "-":
        return None, [site.name for site in await actions.list_sites(core, caller)]
    site = await actions.get_site(core, caller, name)
    return site, [site.name]


@get("/sites/{name:str}/visits", guards=[member])
async def show_visits(core: Core, caller: Caller, request: Asked, name: str, span: str = "month") -> Response[Any]:
    """Figures, a chart and lists; `-` is all sites."""
    site, names = await find_sites(core, caller, name)
    report = await read_report(core, VISIT_KIND, names or [""], span)
    return page(
        request,
        "sites/visits.html",
        site=site,
        name=name,
        url=actions.site_url(core, request.scope, site.name) if site else "",
        base=actions.dashboard_url(core, request.scope),
        report=report,
        lists=list_tops(report),
        span=span,
        spans=list_spans(f"/sites/{name}/visits?span=", span),
        known=request.query_params,
    )


@get("/sites/{name:str}/visits/chart", guards=[member])
async def chart_visits(core: Core, caller: Caller, name: str, span: str = "month") -> dict[str, Any]:
    """The chart's data: times in seconds, and a list of values for each line."""
    report = await read_report(core, VISIT_KIND, (await find_sites(core, caller, name))[1] or [""], span)
    return to_chart(report, "Views")


@get("/sites/{name:str}/visits/export", guards=[member])
async def export_visits(core: Core, caller: Caller, name: str) -> Stream:
    """Every visit as CSV."""
    _, names = await find_sites(core, caller, name)
    rows: AsyncIterator[bytes] = core.visits.export("csv", (VISIT_KIND,), names or ("",))
    file = "visits.csv" if name == "-" else f"visits-{names[0]}.csv"
    headers = {"content-disposition": f'attachment; filename="{file}"', "cache-control": "no-store"}
    return Stream(rows, media_type="text/csv; charset=utf-8", headers=headers)


async def list_targets(core: Core, caller: Caller) -> list[str]:
    """The sites that this person may know of."""
    return (await find_sites(core, caller, "-"))[1]


async def name_targets(_core: Core, targets: list[str]) -> dict[str, tuple[str, str]]:
    """Sites are counted by their names."""
    return {name: (name, f"/sites/{name}/visits") for name in targets if name}


VISITED = Visited(VISIT_KIND, "Sites", list_targets, name_targets)
PAGES = [show_visits, chart_visits, export_visits]
