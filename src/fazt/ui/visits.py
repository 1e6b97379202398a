"""What pages about visits share: spans, lists, the chart's data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from fazt.core.clock import DAY, HOUR
from fazt.core.errors import Invalid
from fazt.core.visits import Report

if TYPE_CHECKING:
    from fazt.core import Core

SPANS: dict[str, tuple[str, int, Literal["hour", "day", "month"]]] = {
    "day": ("Day", DAY, "hour"),
    "week": ("Week", 7 * DAY, "hour"),
    "month": ("Month", 30 * DAY, "day"),
    "year": ("Year", 365 * DAY, "day"),
}
LISTS = (
    ("path", "Pages"),
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
NAMELESS = {"referrer": "Directly"} | dict.fromkeys(("country", "device", "browser", "os", "language"), "Unknown")
TOP = 12


async def read_report(core: Core, kind: str, targets: Sequence[str], span: str) -> Report:
    """What came in the last day, week, month or year to some of a kind (none: all). Raises Invalid."""
    if span not in SPANS:
        raise Invalid(f"{span!r} is none of {', '.join(SPANS)}.")
    _, length, step = SPANS[span]
    now = core.clock()
    start = now - length
    start -= start % (HOUR if step == "hour" else DAY)
    return await core.visits.report((kind,), targets, start, now + 1, step, top=TOP)


def list_spans(here: str, span: str) -> list[tuple[str, str, bool]]:
    """The tabs of time; `here` is the page's address, ending in `span=`."""
    return [(title, here + key, key == span) for key, (title, _, _) in SPANS.items()]


def list_tops(report: Report, *, without: Sequence[str] = ()) -> list[tuple[str, list[tuple[str, int]]]]:
    """(title, [(value, views)]) of the lists that say something."""
    return [
        (title, [(top.value or NAMELESS.get(name, "(none)"), top.views) for top in tops])
        for name, title in LISTS
        if name not in without and (tops := [top for top in report.tops.get(name, []) if top.value or name in NAMELESS])
    ]


def to_chart(report: Report, views: str) -> dict[str, Any]:
    """The chart's data: times in seconds, and a list of values for each line."""
    return {
        "times": [point.at // 1000 for point in report.series],
        "series": [
            {"label": views, "values": [point.views for point in report.series]},
            {"label": "Visitors", "values": [point.visitors for point in report.series]},
        ],
    }
