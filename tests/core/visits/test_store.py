"""The log, its sums and reports, on both engines, against counting by hand."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import pairwise
from operator import attrgetter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Connection, func, select

from fazt.core.clock import DAY, HOUR, MINUTE, to_datetime
from fazt.core.errors import Invalid
from fazt.core.visits import DIMENSIONS, Record, Report, Top, report, store
from fazt.core.visits.model import DAILY, HOURLY, MONTHLY, cover, day_of, month_of, next_month
from fazt.core.visits.schema import core_visit, core_visit_known, core_visit_salt, core_visit_sum
from fazt.core.visits.store import sums
from tests.conftest import NOW
from tests.core.visits.making import make_record

TODAY = day_of(NOW)


def make_log(days: int, visits: int, targets: tuple[str, ...] = ("blog", "shop")) -> list[Record]:
    """Visits of the days up to NOW, in their order."""
    chance = Random(7)
    times = sorted(chance.randrange(NOW - days * DAY, NOW) for _ in range(visits))
    return [make_record(chance, at, chance.choice(targets), pages=20, visitors=40) for at in times]


def roll_up(conn: Connection) -> int:
    """Sum all; how many steps it took."""
    steps, upto = 0, store.find_last(conn)
    while (gathered := store.gather(conn, upto)) is not None:
        assert store.apply(conn, gathered)
        steps += 1
    return steps


def count_by_hand(log: list[Record], value_of: Callable[[Record], str]) -> list[Top]:
    """Views and visitors as a report lists them, for whole days."""
    views: Counter[str] = Counter()
    who: dict[str, set[object]] = defaultdict(set)
    entered: dict[object, str] = {}
    for visit in log:
        value = value_of(visit)
        key = (visit.target, visit.visitor)
        views[value] += 1
        if value_of is by_path or entered.setdefault(key, value) == value:
            who[value].add(key)
    tops = [Top(value, count, len(who[value])) for value, count in views.items() if value]
    return sorted(tops, key=lambda top: (-top.views, top.value))


def by_path(visit: Record) -> str:
    return visit.path


@pytest.mark.parametrize("step", [37, 4000])
def test_sums_are_what_counting_by_hand_gives(conn: Connection, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    monkeypatch.setattr(sums, "_NEXT", sums._NEXT.limit(step))
    log = make_log(40, 1500)
    for at in range(0, len(log), 400):  # sums go on where they ended
        store.add(conn, log[at : at + 400])
        assert roll_up(conn) == -(-len(log[at : at + 400]) // step)
    people = [visit for visit in log if not visit.robot]
    start = day_of(NOW - 40 * DAY)
    for targets in ((), ("blog",)):
        ours = [visit for visit in people if not targets or visit.target in targets]
        made = report(conn, ["site"], targets, start, NOW, NOW)
        assert made.views == len(ours)
        assert made.visitors == len({(visit.target, visit.visitor) for visit in ours})
        assert made.targets == count_by_hand(ours, attrgetter("target"))
        assert made.tops["path"] == count_by_hand(ours, by_path)
        for name in DIMENSIONS[1:]:
            assert made.tops[name] == count_by_hand(ours, attrgetter(name)), name
        robots = [visit for visit in log if visit.robot and (not targets or visit.target in targets)]
        assert made.robot_views == len(robots)
        assert {top.value: top.views for top in made.tops["unfurler"]} == Counter(
            visit.browser for visit in robots if visit.robot == 2
        )
        check_series(made, ours)


def check_series(made: Report, ours: list[Record]) -> None:
    """Every day is there, and has its own visits."""
    assert [point.at for point in made.series] == list(range(made.start, NOW, DAY))
    for point in made.series:
        day = [visit for visit in ours if day_of(visit.at) == point.at]
        assert (point.views, point.visitors) == (len(day), len({(visit.target, visit.visitor) for visit in day}))


def test_hours_have_their_own_visitors(conn: Connection) -> None:
    first = make_record(Random(1), TODAY, "blog")
    store.add(conn, [replace(first, robot=0, at=TODAY + minutes * MINUTE) for minutes in (0, 1, 61, 62, 200)])
    roll_up(conn)
    made = report(conn, ["site"], ["blog"], TODAY, TODAY + 4 * HOUR, TODAY + 5 * HOUR, "hour")
    assert [(point.views, point.visitors) for point in made.series] == [(2, 1), (2, 1), (0, 0), (1, 1)]
    assert (made.views, made.visitors) == (5, 1)


def test_part_of_a_day_is_counted_by_hours(conn: Connection) -> None:
    log = [replace(visit, robot=0) for visit in make_log(3, 600)]
    store.add(conn, log)
    roll_up(conn)
    start, end = TODAY - DAY - 5 * HOUR, TODAY - 7 * HOUR
    made = report(conn, ["site"], [], start, end, NOW)
    assert made.views == sum(start <= visit.at < end for visit in log)


def test_filtered_report_counts_from_the_log(conn: Connection) -> None:
    log = make_log(10, 800)
    store.add(conn, log)
    ours = [v for v in log if not v.robot and v.country == "DE" and v.browser == "Firefox" and v.target == "shop"]
    filters = {"country": "DE", "browser": "Firefox"}
    start = day_of(NOW - 9 * DAY)
    ours = [visit for visit in ours if visit.at >= start]
    made = report(conn, ["site"], ["shop"], start, NOW, NOW, "day", filters)
    assert (made.views, made.visitors) == (len(ours), len({visit.visitor for visit in ours}))
    assert {top.value: top.views for top in made.tops["path"]} == Counter(visit.path for visit in ours)
    assert [top.value for top in made.tops["country"]] == ["DE"]
    assert sum(point.views for point in made.series) == len(ours)
    by_month = report(conn, ["site"], ["shop"], start, NOW, NOW, "month", filters)
    assert sum(point.visitors for point in by_month.series) == made.visitors


def test_report_refuses_what_makes_no_sense(conn: Connection) -> None:
    with pytest.raises(Invalid):
        report(conn, ["site"], [], NOW, NOW, NOW)
    with pytest.raises(Invalid):
        report(conn, [], [], 0, NOW, NOW)
    with pytest.raises(Invalid):
        report(conn, ["site"], [], 0, NOW, NOW, "hour")
    with pytest.raises(Invalid):
        report(conn, ["site"], [], 0, NOW, NOW, "month", {"id": "1"})


@pytest.mark.parametrize("targets", [(), ("blog",), ("blog", "shop", "none")])
def test_the_newest_come_first(conn: Connection, targets: tuple[str, ...]) -> None:
    log = make_log(3, 200, ("blog", "shop", "wiki"))
    store.add(conn, [*log, replace(log[-1], kind="link", at=NOW)])
    ours = [visit for visit in log if not targets or visit.target in targets]
    assert store.find_newest(conn, "site", targets, 30) == ours[:-31:-1]


def test_many_targets_are_read_as_a_range(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add(conn, make_log(10, 300))
    roll_up(conn)
    asked = (conn, ["site"], ["blog", "shop"], NOW - 9 * DAY, NOW, NOW)
    found = report(*asked)
    monkeypatch.setattr(sys.modules["fazt.core.visits.store.report"], "MAX_SEEKS", 1)
    assert report(*asked) == found
    assert found.views == report(conn, ["site"], [], NOW - 9 * DAY, NOW, NOW).views > 0


def test_what_is_forgotten_of_one_target_is_not_in_the_sums_of_all(conn: Connection) -> None:
    log = make_log(5, 200)
    store.add(conn, log)
    roll_up(conn)
    kept = report(conn, ["site"], ["blog"], NOW - 6 * DAY, NOW, NOW, "hour")
    assert store.forget_visits(conn, "site", "shop") == sum(visit.target == "shop" for visit in log)
    assert report(conn, ["site"], [], NOW - 6 * DAY, NOW, NOW, "hour") == kept


def test_second_roll_up_of_the_same_visits_changes_nothing(conn: Connection) -> None:
    store.add(conn, make_log(2, 50))
    gathered = store.gather(conn, store.find_last(conn))
    assert gathered is not None
    assert store.apply(conn, gathered)
    before = conn.execute(select(core_visit_sum)).all()
    assert not store.apply(conn, gathered)
    assert conn.execute(select(core_visit_sum)).all() == before


def test_old_things_are_forgotten(conn: Connection) -> None:
    log = make_log(200, 900)
    store.add(conn, log[:897])
    roll_up(conn)
    store.add(conn, log[897:])
    for day in (TODAY - DAY, TODAY):
        store.get_salt(conn, day, b"salt", NOW - DAY)
    before = report(conn, ["site"], [], NOW - 400 * DAY, NOW, NOW)
    while store.prune(conn, NOW, 30 * DAY):
        pass
    assert report(conn, ["site"], [], NOW - 400 * DAY, NOW, NOW) == before
    mark = store.find_mark(conn)
    oldest = conn.scalar(select(func.min(core_visit.c.at)).where(core_visit.c.id <= mark))
    assert oldest is not None
    assert oldest >= NOW - 30 * DAY
    assert conn.scalar(select(func.count()).where(core_visit.c.id > mark)) == 3
    hours = core_visit_sum.c.step == HOURLY
    assert conn.scalar(select(func.min(core_visit_sum.c.at)).where(hours)) >= NOW - store.HOURS_KEPT_MS
    days = conn.scalars(select(core_visit_known.c.day).distinct()).all()
    assert set(days) <= {TODAY - DAY, TODAY}
    assert conn.scalars(select(core_visit_salt.c.day)).all() == [TODAY]


def test_salt_stays_for_its_day_and_goes_with_it(conn: Connection) -> None:
    assert store.get_salt(conn, TODAY, b"first", NOW) == b"first"
    assert store.get_salt(conn, TODAY, b"second", NOW) == b"first"
    assert store.get_salt(conn, TODAY + DAY, b"third", NOW + DAY) == b"third"
    assert conn.scalars(select(core_visit_salt.c.day)).all() == [TODAY + DAY]


@given(st.integers(0, 2_000 * DAY), st.integers(1, 900 * DAY), st.integers(0, 2_500 * DAY))
def test_cover_is_whole_and_without_overlap(start: int, length: int, hours_from: int) -> None:
    end, now = start + length, 4_000 * DAY
    spans = cover(start, end, now, day_of(hours_from))
    assert spans[0][1] <= start
    assert end <= spans[-1][2] < end + DAY
    assert all(before[2] == after[1] for before, after in pairwise(spans))
    for step, low, high in spans:
        assert low < high
        if step == MONTHLY:
            assert month_of(low) == low
            assert month_of(high) == high
        assert (low % DAY, high % DAY) == (0, 0) or step == HOURLY
        assert step != HOURLY or low >= day_of(hours_from) - DAY
    assert len(spans) <= 5
    assert sum(step == DAILY for step, _, _ in spans) <= 2


def test_months_begin_on_their_first_day() -> None:
    assert to_datetime(month_of(TODAY)).day == 1
    assert to_datetime(next_month(month_of(TODAY))).month == to_datetime(TODAY).month % 12 + 1
