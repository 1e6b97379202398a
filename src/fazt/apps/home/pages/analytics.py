"""Analytics: who came to sites, links, drops and whatever else counts visits; one thing, one app or all together."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.response import Stream

from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.app import Visited
from fazt.core.auth import Caller
from fazt.core.errors import NotFound
from fazt.core.http.access import member
from fazt.core.visits import Report, Top
from fazt.core.visits.model import merge
from fazt.ui import page
from fazt.ui.visits import TOP, list_spans, list_tops, read_report, to_chart

NOBODY = [""]
Form = Literal["csv", "ndjson"]


class Seen(msgspec.Struct, frozen=True):
    """One kind of things, the targets of it that are asked about (none: all), and what came to them."""

    visited: Visited
    targets: list[str]
    report: Report


def list_visited(core: Core) -> list[Visited]:
    """What the apps count visits of."""
    found = [getattr(app.load("pages"), "VISITED", None) for app in core.apps]
    return [one for one in found if one is not None]


async def find_targets(core: Core, caller: Caller, kind: str, target: str) -> list[tuple[Visited, list[str]]]:
    """The kinds that are asked about ("" is all), each with its targets. Raises NotFound for what is not theirs."""
    asked = []
    for visited in list_visited(core):
        if kind and visited.kind != kind:
            continue
        allowed = await visited.targets(core, caller)
        if target and allowed is not None and target not in allowed:
            raise NotFound("There is no such thing here, or it is not yours.")
        asked.append((visited, [target] if target else (NOBODY if allowed == [] else allowed or [])))
    if kind and not asked:
        raise NotFound("Nothing of this kind counts its visits.")
    return asked


async def read_seen(core: Core, caller: Caller, kind: str, target: str, span: str) -> list[Seen]:
    """What came, by kind."""
    asked = await find_targets(core, caller, kind, target)
    return [Seen(visited, targets, await read_report(core, visited.kind, targets, span)) for visited, targets in asked]


async def name_things(core: Core, seen: list[Seen]) -> list[tuple[str, str, str, str, Top]]:
    """(kind, its title, target, name, counts) of the things with most views."""
    rows = []
    for one in seen:
        tops = [top for top in one.report.targets if top.value]
        names = await one.visited.names(core, [top.value for top in tops])
        rows += [
            (one.visited.kind, one.visited.title, top.value, names.get(top.value, ("(gone)", ""))[0], top)
            for top in tops
        ]
    return sorted(rows, key=lambda row: -row[4].views)[: 2 * TOP]


@get("/analytics", guards=[member])
async def show_analytics(
    core: Core, caller: Caller, request: Asked, kind: str = "", target: str = "", span: str = "month"
) -> Response[Any]:
    """Figures, a chart and lists, of everything that this person may know of or of one thing."""
    seen = await read_seen(core, caller, kind, target, span)
    name = (await seen[0].visited.names(core, [target])).get(target, (target, "")) if target and kind else ("", "")
    here = "/analytics?" + urlencode({"kind": kind, "target": target})
    return page(
        request,
        "home/analytics.html",
        report=merge([one.report for one in seen], TOP),
        tops=list_tops(merge([one.report for one in seen], TOP), without=() if kind else ("path",)),
        things=[] if target else await name_things(core, seen),
        kinds=[("", "Everything"), *((one.kind, one.title) for one in list_visited(core))],
        kind=kind,
        target=target,
        name=name,
        span=span,
        spans=list_spans(f"{here}&span=", span),
        query=urlencode({"kind": kind, "target": target, "span": span}),
    )


@get("/analytics/chart", guards=[member])
async def chart_analytics(
    core: Core, caller: Caller, kind: str = "", target: str = "", span: str = "month"
) -> dict[str, Any]:
    """The chart's data."""
    return to_chart(merge([one.report for one in await read_seen(core, caller, kind, target, span)], TOP), "Views")


@get("/analytics/export", guards=[member])
async def export_analytics(core: Core, caller: Caller, kind: str, target: str = "", form: Form = "csv") -> Stream:
    """Every visit to things of one kind."""
    if not kind:
        raise NotFound("Say of which kind.", hint="An export is of the visits to one kind of things.")
    ((visited, targets),) = await find_targets(core, caller, kind, target)
    headers = {"content-disposition": f'attachment; filename="visits.{form}"', "cache-control": "no-store"}
    media = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
    return Stream(core.visits.export(form, (visited.kind,), targets), media_type=media, headers=headers)


PAGES = [show_analytics, chart_analytics, export_analytics]
