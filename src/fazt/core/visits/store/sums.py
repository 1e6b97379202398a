"""The sums of visits by hour, day and month, brought up to date from where the last roll-up ended.

A visitor counts where they are seen first on a day: in one hour, and under one referrer. So the visitors
of hours add up to those of the day, and those of days to the visitors of a year.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select, text

from fazt.core.clock import DAY
from fazt.core.db import insert as insert_or
from fazt.core.visits.model import DAILY, DIMENSIONS, HOURLY, MONTHLY, ROBOTS, day_of, hour_of, month_of
from fazt.core.visits.schema import core_visit, core_visit_known, core_visit_mark

HOURS_KEPT_MS = 92 * DAY
STEP_VISITS, STEP_SUMS = 600, 3000
"""What one step reads and changes at most, so that other writes wait for some 50 ms only."""

ASKED_AT_ONCE = 500
MARK = "summed"
ALL_TARGETS = "*"

v, known = core_visit.c, core_visit_known.c
_NEXT = (
    select(v.id, v.kind, v.target, v.at, v.visitor, v.robot, *(v[name] for name in DIMENSIONS))
    .where(v.id > bindparam("after"), v.id <= bindparam("upto"))
    .order_by(v.id)
    .limit(STEP_VISITS)
)
_KNOWN = select(known.key).where(known.day == bindparam("of"), known.key.in_(bindparam("keys", expanding=True)))
_ADD_KNOWN = "INSERT INTO core_visit_known (day, key) VALUES (?, ?)"
_ADD_SUMS = """
INSERT INTO core_visit_sum AS s (kind, step, dimension, at, target, value, views, visitors)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, step, dimension, at, target, value)
DO UPDATE SET views = s.views + excluded.views, visitors = s.visitors + excluded.visitors
"""
_MARK = select(core_visit_mark.c.visit_id).where(core_visit_mark.c.name == MARK)

Key = tuple[str, int, str, int, str, str]
"""kind, step, dimension, at, target, value: the key of core_visit_sum."""


@dataclass(slots=True)
class Gathered:
    """What the visits with ids from behind `after` up to `upto` add to the sums."""

    after: int
    upto: int
    sums: dict[Key, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    fresh: set[tuple[int, int]] = field(default_factory=set)
    """(day, key) of visitors who were not known before."""


def find_mark(conn: Connection) -> int:
    """The id of the last visit that is in the sums."""
    return conn.scalar(_MARK) or 0


def find_last(conn: Connection) -> int:
    """The id up to which no visit is still on its way into the log; as a write.

    PostgreSQL gives out ids before the visits are visible, so it waits here for those under way.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(text("LOCK TABLE core_visit IN SHARE MODE"))
    return conn.scalar(select(func.max(v.id))) or 0


def gather(conn: Connection, upto: int) -> Gathered | None:
    """Add up the next some thousand visits, up to the id `upto`; None when there are none."""
    after = find_mark(conn)
    rows = [(row, keys_of(row)) for row in conn.execute(_NEXT, {"after": after, "upto": upto})]
    if not rows:
        return None
    gathered = Gathered(after, after)
    seen = find_known(conn, ((day_of(row.at), key) for row, keys in rows for key in keys))
    for row, keys in rows:
        if row.robot:
            add(gathered, row, ROBOTS[row.robot], row.browser, 0)
        else:
            add_person(gathered, row, [is_first(gathered, seen, day_of(row.at), key) for key in keys])
        gathered.upto = row.id
        if len(gathered.sums) > STEP_SUMS:
            break
    add_longer_steps(gathered)
    return gathered


def apply(conn: Connection, gathered: Gathered) -> bool:
    """Write what was gathered; False where somebody else did so meanwhile, and nothing was changed."""
    if find_mark(conn) != gathered.after:
        return False
    execute_many(conn, _ADD_KNOWN, list(gathered.fresh))
    execute_many(conn, _ADD_SUMS, [(*key, *sums) for key, sums in sorted(gathered.sums.items())])
    mark = insert_or(conn, core_visit_mark).values(name=MARK, visit_id=gathered.upto)
    conn.execute(mark.on_conflict_do_update(index_elements=["name"], set_={"visit_id": gathered.upto}))
    return True


def execute_many(conn: Connection, sql: str, rows: list[tuple[Any, ...]]) -> None:
    """Run a statement for each row as the driver does it: for thousands of rows that is a fifth of the time."""
    if rows:
        conn.exec_driver_sql(sql if conn.dialect.name == "sqlite" else sql.replace("?", "%s"), rows)


def keys_of(row: Row[Any]) -> tuple[int, ...]:
    """What a visitor is known by on a day: at this target, in this hour, on this page. Robots are not known."""
    if row.robot:
        return ()
    who = f"{row.kind}\0{row.target}\0{row.visitor}"
    return hash64(who), hash64(f"{who}\0{hour_of(row.at)}"), hash64(f"{who}\0{row.path}")


def hash64(words: str) -> int:
    """64 bits, as a signed number."""
    return int.from_bytes(blake2b(words.encode(), digest_size=8).digest(), "big", signed=True)


def find_known(conn: Connection, asked: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of the (day, key) that came before this roll-up."""
    by_day: dict[int, set[int]] = defaultdict(set)
    for day, key in asked:
        by_day[day].add(key)
    found: set[tuple[int, int]] = set()
    for day, keys in by_day.items():
        listed = list(keys)
        for at in range(0, len(listed), ASKED_AT_ONCE):
            some = conn.scalars(_KNOWN, {"of": day, "keys": listed[at : at + ASKED_AT_ONCE]})
            found.update((day, key) for key in some)
    return found


def is_first(gathered: Gathered, seen: set[tuple[int, int]], day: int, key: int) -> int:
    """1 the first time, 0 after."""
    if (day, key) in seen or (day, key) in gathered.fresh:
        return 0
    gathered.fresh.add((day, key))
    return 1


def add_person(gathered: Gathered, row: Row[Any], first: list[int]) -> None:
    """Count a visit of a person in all dimensions; `first` says whether on this day, in this hour, on this page."""
    on_day, in_hour, on_page = first
    add(gathered, row, "", "", on_day)
    add(gathered, row, "hour", "", in_hour)
    values: tuple[str, ...] = row[6:]
    for dimension, value in zip(DIMENSIONS, values, strict=True):
        if value:
            add(gathered, row, dimension, value, on_page if dimension == "path" else on_day)


def add(gathered: Gathered, row: Row[Any], dimension: str, value: str, visitors: int) -> None:
    """One more view."""
    sums = gathered.sums[row.kind, HOURLY, dimension, hour_of(row.at), row.target, value]
    sums[0] += 1
    sums[1] += visitors


def add_longer_steps(gathered: Gathered) -> None:
    """Days and months from the hours; and each of them of all targets together, of which there may be thousands."""
    for (kind, _, dimension, hour, target, value), (views, visitors) in list(gathered.sums.items()):
        steps = [(HOURLY, hour, ALL_TARGETS)]
        if dimension != "hour":
            day = day_of(hour)
            for step, at in ((DAILY, day), (MONTHLY, month_of(day))):
                steps += ((step, at, target), (step, at, ALL_TARGETS))
        for step, at, of in steps:
            sums = gathered.sums[kind, step, dimension, at, of, value]
            sums[0] += views
            sums[1] += visitors
