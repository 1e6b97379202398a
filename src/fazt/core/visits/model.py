"""What a visit is, what is kept of it, and what a report says."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct, field
from msgspec.structs import replace

from fazt.core.clock import DAY, HOUR, to_datetime
from fazt.core.errors import Invalid

HUMAN, BOT, UNFURLER = range(3)
"""Who came: a person, a crawler or program, or a chat that shows a preview of a link."""

HOURLY, DAILY, MONTHLY = range(3)
"""The steps of sums. Hours are kept for some weeks, days and months for ever."""

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
DIMENSIONS = ("path", "referrer", "country", "browser", "os", "device", "language", *UTM)
"""What visits of people are counted by, each a column of the log."""
ROBOTS = {BOT: "bot", UNFURLER: "unfurler"}

PATH_CHARS, WORD_CHARS, QUERY_CHARS = 300, 100, 2_000


class Visit(Struct, frozen=True):
    """Somebody came. `kind` and `target` say to what (`"site", "blog"`), the rest is what the request said.

    `at` 0 means now. `referrer` and `user_agent` are the headers, `language` is Accept-Language; `query` is
    the query string, for UTM fields; `host` is the host asked, whose own pages do not count as referrers.
    The address is used for the country and the visitor's daily hash, and then forgotten.
    """

    kind: str
    target: str
    path: str = ""
    query: str = ""
    referrer: str = ""
    user_agent: str = ""
    address: str = ""
    language: str = ""
    host: str = ""
    at: int = 0


LONGEST = {"path": PATH_CHARS, "query": QUERY_CHARS, "referrer": 2_000, "user_agent": 1_000, "language": 100}
"""Characters of what a request says about a visit that are worth waiting with; a head may have 65,536."""


def shorten(visit: Visit) -> Visit:
    """`visit`, without what nobody looks at: it may wait long to be written, with thousands of others."""
    long = {name: most for name, most in LONGEST.items() if len(getattr(visit, name)) > most}
    return replace(visit, **{name: getattr(visit, name)[:most] for name, most in long.items()}) if long else visit


def weigh(visits: Sequence[Visit]) -> int:
    """About the room that visits take while they wait, in characters."""
    return sum(len(one.path) + len(one.query) + len(one.referrer) + len(one.user_agent) for one in visits)


class Record(Struct, frozen=True):
    """What is kept of a visit: a row of core_visit. `visitor` is the same for one day and target only."""

    kind: str
    target: str
    at: int
    path: str
    referrer: str
    country: str
    robot: int
    browser: str
    os: str
    device: str
    language: str
    utm_source: str
    utm_medium: str
    utm_campaign: str
    utm_term: str
    utm_content: str
    visitor: int


class Point(Struct, frozen=True):
    """One bar of a chart; `at` is its beginning."""

    at: int
    views: int
    visitors: int


class Top(Struct, frozen=True):
    """One line of a list. `target` is "" where the value was counted over several targets."""

    value: str
    views: int
    visitors: int


class Report(Struct):
    """What came to some targets between `start` and `end` (ms). Only people count in all but the last two lists.

    Visitors are counted once a day and target. A report with filters counts from the log itself,
    which goes back as far as `visits.keep_days`.
    """

    start: int
    end: int
    granularity: Literal["hour", "day", "month"]
    views: int = 0
    visitors: int = 0
    robot_views: int = 0
    series: list[Point] = field(default_factory=list)
    targets: list[Top] = field(default_factory=list)
    tops: dict[str, list[Top]] = field(default_factory=dict)
    """By dimension (see DIMENSIONS), and for robots `bot` and `unfurler` by name."""


def merge(reports: Sequence[Report], top: int) -> Report:
    """Reports of different kinds over the same time as one; who came to two kinds counts as a visitor of each."""
    first = reports[0]
    made = Report(first.start, first.end, first.granularity)
    for report in reports:
        made.views += report.views
        made.visitors += report.visitors
        made.robot_views += report.robot_views
    made.series = [
        Point(points[0].at, sum(point.views for point in points), sum(point.visitors for point in points))
        for points in zip(*(report.series for report in reports), strict=True)
    ]
    names = {name for report in reports for name in report.tops}
    made.tops = {name: merge_tops([report.tops.get(name, []) for report in reports], top) for name in names}
    return made


def merge_tops(lists: Sequence[Sequence[Top]], top: int) -> list[Top]:
    """The most viewed of several lists, equal values counted together."""
    sums: dict[str, tuple[int, int]] = {}
    for one in (one for tops in lists for one in tops):
        views, visitors = sums.get(one.value, (0, 0))
        sums[one.value] = views + one.views, visitors + one.visitors
    ordered = sorted(sums.items(), key=lambda pair: (-pair[1][0], pair[0]))
    return [Top(value, *counts) for value, counts in ordered[:top]]


def make_visitor(salt: bytes, visit: Visit) -> int:
    """The visitor's number for one day and target, which tells nothing without the salt."""
    who = f"{visit.kind}\0{visit.target}\0{network_of(visit.address)}\0{visit.user_agent}"
    return int.from_bytes(blake2b(who.encode(errors="replace"), key=salt, digest_size=8).digest(), "big", signed=True)


def network_of(address: str) -> str:
    """The address, or for IPv6 its /64: within it devices change their address every day or so."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network(f"{address.partition('%')[0]}/64", strict=False))
    except ValueError:
        return address


def source_of(referrer: str, host: str) -> str:
    """The host that a visitor came from, without `www.`; "" for none and for `host` itself."""
    try:
        parts = urlsplit(referrer.strip())
        source = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return ""
    if parts.scheme == "android-app":
        return clean(parts.netloc, WORD_CHARS)
    own = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return "" if source == own.lower().removeprefix("www.") else clean(source, WORD_CHARS)


def utm_of(query: str) -> tuple[str, str, str, str, str]:
    """The UTM fields of a query string, in their order; `ref` and `source` stand in for a missing `utm_source`."""
    if "utm_" not in query and "ref=" not in query and "source=" not in query:
        return "", "", "", "", ""
    try:
        found = dict(reversed(parse_qsl(query[:QUERY_CHARS], max_num_fields=50)))
    except ValueError:
        return "", "", "", "", ""
    found.setdefault("utm_source", found.get("source") or found.get("ref") or "")
    source, medium, campaign, term, content = (clean(found.get(name, ""), WORD_CHARS) for name in UTM)
    return source, medium, campaign, term, content


def language_of(header: str) -> str:
    """The first language of an Accept-Language header without its region: `de-AT,de;q=0.9` is `de`."""
    tag = header.partition(",")[0].partition(";")[0].partition("-")[0].strip().lower()
    return tag if 2 <= len(tag) <= 3 and tag.isascii() and tag.isalpha() else ""


def clean(text: str, max_chars: int) -> str:
    """No control characters (PostgreSQL refuses NUL), no lone surrogates, not too long."""
    short = text[:max_chars]
    if short.isascii() and short.isprintable():
        return short
    short = short.encode(errors="replace").decode(errors="replace")
    return "".join(c for c in short if c.isprintable())


def day_of(at: int) -> int:
    """The UTC day that `at` (ms) is in, in ms."""
    return at - at % DAY


def hour_of(at: int) -> int:
    """The hour that `at` is in, in ms."""
    return at - at % HOUR


def check_dimension(name: str) -> str:
    """Raises Invalid for what visits are not counted by."""
    if name not in DIMENSIONS:
        raise Invalid(f"Visits are not counted by {name!r}.", hint=f"Try one of {', '.join(DIMENSIONS)}.")
    return name


@lru_cache(4096)
def month_of(day: int) -> int:
    """The first day of the UTC month that `day` (ms) is in, in ms."""
    at = to_datetime(day)
    return day_of(day) - (at.day - 1) * DAY


def next_month(month: int) -> int:
    """The first day of the month after, in ms."""
    return month_of(month + 32 * DAY)


def cover(start: int, end: int, now: int, hours_from: int) -> list[tuple[int, int, int]]:
    """The range as few spans (step, from, to) of whole months, days and hours.

    Ends are widened to whole hours, and to whole days before `hours_from`, from where on hours are kept. An
    end that is not over yet is widened to the month's: nothing has come after `now`.
    """
    at = day_of(start) if start < hours_from else hour_of(start)
    if end >= now:
        end = next_month(month_of(day_of(end)))
    elif end < hours_from:
        end = -(-end // DAY) * DAY
    spans: list[tuple[int, int, int]] = []
    while at < end:
        if at == month_of(day_of(at)) and next_month(at) <= end:
            step, to = MONTHLY, next_month(at)
        elif at == day_of(at) and at + DAY <= end:
            step, to = DAILY, at + DAY
        else:
            step, to = HOURLY, at + HOUR
        if spans and spans[-1][0] == step:
            spans[-1] = (step, spans[-1][1], to)
        else:
            spans.append((step, at, to))
        at = to
    return spans
