"""Reports: from the sums, or with filters from the log itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, func, literal, select, union_all

from fazt.core.clock import DAY, HOUR
from fazt.core.errors import Invalid
from fazt.core.visits.model import (
    DAILY,
    DIMENSIONS,
    HOURLY,
    HUMAN,
    MONTHLY,
    ROBOTS,
    Point,
    Report,
    Top,
    check_dimension,
    cover,
    day_of,
    hour_of,
    month_of,
    next_month,
)
from fazt.core.visits.schema import core_visit, core_visit_sum
from fazt.core.visits.store.sums import ALL_TARGETS, HOURS_KEPT_MS

Granularity = Literal["hour", "day", "month"]
STEPS: dict[str, int] = {"hour": HOURLY, "day": DAILY, "month": MONTHLY}
MAX_POINTS = 4000
TOP = 50
MAX_SEEKS = 4000
"""Up to so many places of the key are looked up one by one; beyond, the whole range is read."""

s, v = core_visit_sum.c, core_visit.c


def report(
    conn: Connection,
    kinds: Sequence[str],
    targets: Sequence[str],
    start: int,
    end: int,
    now: int,
    granularity: Granularity = "day",
    filters: Mapping[str, str] | None = None,
    top: int = TOP,
) -> Report:
    """What came to `targets` (none: all) of `kinds` from `start` up to `end`, with the `top` values of each list.

    Ends are widened to whole hours, and to whole days where hours are not kept any more. `filters` are values
    by dimension, e.g. `{"country": "DE"}`. Raises Invalid for a range without an end and for unknown filters.
    """
    if not kinds or start >= end:
        raise Invalid("A report needs a kind of visits and a time that ends after it begins.")
    made = Report(start, end, granularity)
    points = list_points(start, min(end, max(now, start) + HOUR), granularity)
    source = Log(conn, kinds, targets, start, end, filters) if filters else Sums(conn, kinds, targets, start, end, now)
    made.views, made.visitors = source.total()
    series = source.series(granularity)
    made.series = [Point(at, *series.get(at, (0, 0))) for at in points]
    made.targets = source.targets(top)
    made.tops = {name: source.tops(name, top) for name in (*DIMENSIONS, *ROBOTS.values())}
    made.robot_views = source.robot_views()
    return made


def list_points(start: int, end: int, granularity: Granularity) -> list[int]:
    """Where the bars of a chart begin. Raises Invalid for more than anybody can see."""
    if granularity == "month":
        points = [month_of(day_of(start))]
        while (following := next_month(points[-1])) < end:
            points.append(following)
        return points
    step, first = (HOUR, hour_of(start)) if granularity == "hour" else (DAY, day_of(start))
    if (end - first) // step > MAX_POINTS:
        raise Invalid(f"That is too long a time to be shown by the {granularity}.")
    return list(range(first, end, step))


def list_moments(step: int, low: int, high: int, most: int) -> list[int]:
    """Where the steps from `low` up to `high` begin; none where these are more than `most`."""
    if step == MONTHLY:
        moments: list[int] = []
        while low < high and len(moments) <= most:
            moments.append(low)
            low = next_month(low)
    else:
        moments = list(range(low, high, HOUR if step == HOURLY else DAY)[: most + 1])
    return moments if len(moments) <= most else []


class Sums:
    """Counts from the sums, which takes milliseconds however many visits there were."""

    def __init__(
        self, conn: Connection, kinds: Sequence[str], targets: Sequence[str], start: int, end: int, now: int
    ) -> None:
        self._conn = conn
        self._kinds = kinds
        self._targets = targets
        self._range = (start, end)
        self._spans = cover(start, end, now, day_of(now - HOURS_KEPT_MS) + DAY)

    def total(self) -> tuple[int, int]:
        """Views and visitors."""
        return self._total("")

    def robot_views(self) -> int:
        """Views by robots of both sorts."""
        return sum(self._total(name)[0] for name in ROBOTS.values())

    def series(self, granularity: Granularity) -> dict[int, tuple[int, int]]:
        """Views and visitors by the beginning of the step. Visitors of an hour are those seen within it."""
        dimension = "hour" if granularity == "hour" else ""
        first, end = list_points(self._range[0], self._range[0] + 1, granularity)[0], self._range[1]
        rows = self._rows(dimension, [(STEPS[granularity], first, end)])
        query = select(rows.c.at, func.sum(rows.c.views), func.sum(rows.c.visitors)).group_by(rows.c.at)
        return {at: whole(counts) for at, *counts in self._conn.execute(query)}

    def targets(self, top: int) -> list[Top]:
        """The targets with most views."""
        rows = self._rows("", self._spans, by_target=True)
        return self._list(rows.c.target, rows, top)

    def tops(self, dimension: str, top: int) -> list[Top]:
        """The values with most views."""
        rows = self._rows(dimension, self._spans)
        return self._list(rows.c.value, rows, top)

    def _total(self, dimension: str) -> tuple[int, int]:
        rows = self._rows(dimension, self._spans)
        return whole(self._conn.execute(select(func.sum(rows.c.views), func.sum(rows.c.visitors))).one())

    def _list(self, value: ColumnElement[str], rows: Subquery, top: int) -> list[Top]:
        views, visitors = func.sum(rows.c.views).label("views"), func.sum(rows.c.visitors)
        query = select(value, views, visitors).group_by(value).order_by(views.desc(), value).limit(top)
        return [Top(name, *whole(counts)) for name, *counts in self._conn.execute(query)]

    def _rows(self, dimension: str, spans: Sequence[tuple[int, int, int]], *, by_target: bool = False) -> Subquery:
        """One select for each kind and span, so that each is a range of the primary key."""
        parts = []
        for kind in self._kinds:
            for step, low, high in spans:
                part = select(s.at, s.target, s.value, s.views, s.visitors).where(
                    s.kind == kind, s.step == step, s.dimension == dimension
                )
                parts.append(part.where(self._when(step, low, high, by_target=by_target)))
        return union_all(*parts).subquery()

    def _when(self, step: int, low: int, high: int, *, by_target: bool) -> ColumnElement[bool]:
        """Which rows of a step. The key goes on with time and target: both are named one by one where that is few."""
        between = and_(s.at >= low, s.at < high)
        if by_target and not self._targets:
            return and_(between, s.target != ALL_TARGETS)
        targets = self._targets or (ALL_TARGETS,)
        moments = list_moments(step, low, high, MAX_SEEKS // len(targets))
        when = s.at.in_(moments) if moments else between
        return and_(when, s.target.in_(targets))


class Log:
    """Counts from the log itself, for filters that the sums do not know together."""

    def __init__(
        self,
        conn: Connection,
        kinds: Sequence[str],
        targets: Sequence[str],
        start: int,
        end: int,
        filters: Mapping[str, str],
    ) -> None:
        self._conn = conn
        wanted = [v[check_dimension(name)] == value for name, value in filters.items()]
        self._where = and_(v.kind.in_(kinds), v.at >= hour_of(start), v.at < end, *wanted)
        if targets:
            self._where = and_(self._where, v.target.in_(targets))

    def total(self) -> tuple[int, int]:
        """Views and visitors."""
        return whole(self._conn.execute(self._people(func.count(), visitors_of())).one())

    def robot_views(self) -> int:
        """None: robots have no country, browser and so on."""
        return 0

    def series(self, granularity: Granularity) -> dict[int, tuple[int, int]]:
        """Views and visitors by the beginning of the step."""
        begins = (v.at - v.at % literal(HOUR if granularity == "hour" else DAY)).label("begins")
        found: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for at, *counts in self._conn.execute(self._people(begins, func.count(), visitors_of()).group_by(begins)):
            key = month_of(at) if granularity == "month" else at
            views, visitors = whole(counts)
            found[key] = (found[key][0] + views, found[key][1] + visitors)
        return found

    def targets(self, top: int) -> list[Top]:
        """The targets with most views."""
        return self._list(v.target, top)

    def tops(self, dimension: str, top: int) -> list[Top]:
        """The values with most views."""
        return [] if dimension in ROBOTS.values() else self._list(v[dimension], top)

    def _list(self, value: ColumnElement[Any], top: int) -> list[Top]:
        views = func.count().label("views")
        query = self._people(value, views, visitors_of()).where(value != "").group_by(value)
        query = query.order_by(views.desc(), value).limit(top)
        return [Top(name, *whole(counts)) for name, *counts in self._conn.execute(query)]

    def _people(self, *columns: ColumnElement[Any]) -> Select[Any]:
        return select(*columns).select_from(core_visit).where(self._where, v.robot == HUMAN)


def visitors_of() -> ColumnElement[int]:
    """How many visitors: their numbers differ from day to day and between targets."""
    return func.count(v.visitor.distinct())


def whole(counts: Sequence[Any]) -> tuple[int, int]:
    """Two sums as whole numbers: of nothing they are NULL, and PostgreSQL's are decimals."""
    views, visitors = counts
    return int(views or 0), int(visitors or 0)
