"""Rules and SQL of the log: adding, reading in order, forgetting."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from heapq import nlargest
from itertools import chain

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, func, select, tuple_

from fazt.core.clock import DAY, MINUTE
from fazt.core.db import insert as insert_or
from fazt.core.visits.model import DIMENSIONS, HOURLY, ROBOTS, Record, day_of
from fazt.core.visits.schema import core_visit, core_visit_known, core_visit_salt, core_visit_sum
from fazt.core.visits.store.sums import ALL_TARGETS, HOURS_KEPT_MS, execute_many, find_mark

STEP_ROWS = 2000
MOST_COUNTED = 100_000
ROWS_AT_ONCE = 32

v = core_visit.c
FIELDS = Record.__struct_fields__
_TAKE = """
UPDATE core_visit_sum SET views = views - ?, visitors = visitors - ?
WHERE step = ? AND dimension = ? AND at = ? AND value = ? AND kind = ? AND target = ?
"""
_PAGE = select(v.id, *(v[name] for name in FIELDS)).where(v.id > bindparam("after")).order_by(v.id)


def add(conn: Connection, records: Sequence[Record]) -> list[None]:
    """Append to the log; as `fn` of a Batch. The sums follow with the next roll-up."""
    mark = "?" if conn.dialect.name == "sqlite" else "%s"
    for begin in range(0, len(records), ROWS_AT_ONCE):
        rows = [msgspec.structs.astuple(record) for record in records[begin : begin + ROWS_AT_ONCE]]
        conn.exec_driver_sql(write_insert(len(rows), mark), tuple(chain.from_iterable(rows)))
    return [None] * len(records)


@lru_cache(2 * ROWS_AT_ONCE)
def write_insert(rows: int, mark: str) -> str:
    """The statement for so many visits. One for all of them gives the interpreter's lock back once, not once a row."""
    row = f"({', '.join([mark] * len(FIELDS))})"
    return f"INSERT INTO core_visit ({', '.join(FIELDS)}) VALUES {', '.join([row] * rows)}"  # noqa: S608 - own names


def get_salt(conn: Connection, day: int, fresh: bytes, now: int) -> bytes:
    """The salt of a day, which is `fresh` if it had none. Salts of days that are over are forgotten."""
    salts = core_visit_salt
    conn.execute(insert_or(conn, salts).values(day=day, salt=fresh).on_conflict_do_nothing(index_elements=["day"]))
    salt: bytes = conn.execute(select(salts.c.salt).where(salts.c.day == day)).scalar_one()
    conn.execute(delete(salts).where(salts.c.day < day_of(now)))
    return salt


def read_page(
    conn: Connection, after: int, limit: int, kinds: Sequence[str], targets: Sequence[str], start: int, end: int
) -> list[tuple[int, Record]]:
    """The log in its order, from behind the id `after`: for exports. Empty `kinds` or `targets` mean all."""
    page = _PAGE.where(v.at >= start, v.at < end).limit(limit)
    if kinds:
        page = page.where(v.kind.in_(kinds))
    if targets:
        page = page.where(v.target.in_(targets))
    return [(row[0], Record(*row[1:])) for row in conn.execute(page, {"after": after})]


def prune(conn: Connection, now: int, keep_ms: int) -> bool:
    """One step of forgetting: salts and visitors of days that are over, old hours, visits older than `keep_ms`.

    `keep_ms` 0 keeps visits for ever. True while more remains.
    """
    conn.execute(delete(core_visit_salt).where(core_visit_salt.c.day < day_of(now)))
    # Yesterday's visitors stay a day, for visits that were recorded before midnight and are summed after it.
    more = delete_some(conn, core_visit_known, core_visit_known.c.day < day_of(now) - DAY)
    more |= prune_hours(conn, now - HOURS_KEPT_MS)
    if keep_ms:
        more |= prune_visits(conn, now - keep_ms)
    return more


def prune_hours(conn: Connection, before: int) -> bool:
    """Delete sums by hour; days and months stay."""
    s, more, kind = core_visit_sum.c, False, ""
    while (following := conn.scalar(select(func.min(s.kind)).where(s.kind > kind))) is not None:
        kind = following
        for dimension in ("", "hour", *DIMENSIONS, *ROBOTS.values()):
            old = and_(s.kind == kind, s.step == HOURLY, s.dimension == dimension, s.at < before)
            more |= delete_some(conn, core_visit_sum, old)
    return more


def prune_visits(conn: Connection, before: int) -> bool:
    """Delete visits from the beginning of the log that are in the sums."""
    first = conn.execute(select(v.id, v.at).where(v.id <= find_mark(conn)).order_by(v.id).limit(STEP_ROWS)).all()
    old = [row.id for row in first if row.at < before]
    if old:
        conn.execute(delete(core_visit).where(v.id >= old[0], v.id <= old[-1], v.at < before))
    return len(old) == STEP_ROWS


def delete_some(conn: Connection, table: Table, condition: ColumnElement[bool]) -> bool:
    """Delete up to STEP_ROWS rows; True when there may be more."""
    keys = table.primary_key.columns
    some = select(*keys).where(condition).limit(STEP_ROWS)
    return conn.execute(delete(table).where(tuple_(*keys).in_(some))).rowcount == STEP_ROWS


def find_newest(conn: Connection, kind: str, targets: Sequence[str], limit: int) -> list[Record]:
    """The newest visits, out of however many there are. Empty `targets` mean all."""
    newest = [v.kind == kind]
    page = select(v.id, *(v[name] for name in FIELDS)).order_by(v.at.desc(), v.id.desc()).limit(limit)
    if not targets:
        rows = conn.execute(page.where(*newest)).all()
    else:  # one after the other, since each of them has its order in the index
        of = page.where(*newest, v.target == bindparam("of"))
        rows = [row for target in targets for row in conn.execute(of, {"of": target})]
    rows = nlargest(limit, rows, key=lambda row: (row.at, row.id))
    return [Record(*row[1:]) for row in rows]


def count_minutes(conn: Connection, kind: str, targets: Sequence[str], start: int, end: int) -> list[int]:
    """How many visits came in each minute from `start` up to `end`, robots too; of the last MOST_COUNTED at most."""
    where = [v.kind == kind, v.at >= start, v.at < end, *([v.target.in_(targets)] if targets else [])]
    last = select(v.at).where(*where).order_by(v.at.desc()).limit(MOST_COUNTED).subquery()
    minute = ((last.c.at - start) // MINUTE).label("minute")
    counted = {int(row[0]): int(row[1]) for row in conn.execute(select(minute, func.count()).group_by(minute))}
    return [counted.get(number, 0) for number in range(-(-(end - start) // MINUTE))]


def list_newest(
    conn: Connection,
    kinds: Sequence[str],
    targets: Sequence[str],
    *,
    offset: int,
    limit: int,
    start: int = 0,
    end: int = 1 << 60,
    with_robots: bool = True,
) -> tuple[list[Record], int]:
    """One page of the log, newest first, and how many there are in all. Empty `targets` mean all."""
    where = [v.kind == kinds[0] if len(kinds) == 1 else v.kind.in_(kinds), v.at >= start, v.at < end]
    if targets:
        where.append(v.target == targets[0] if len(targets) == 1 else v.target.in_(targets))
    if not with_robots:
        where.append(v.robot == 0)
    total = conn.execute(select(func.count()).select_from(core_visit).where(*where)).scalar_one()
    page = select(*(v[name] for name in FIELDS)).where(*where).order_by(v.at.desc(), v.id.desc())
    return [Record(*row) for row in conn.execute(page.offset(offset).limit(limit))], int(total)


def forget_visits(conn: Connection, kind: str, target: str | None) -> int:
    """Take the visits of one target (None: of all) out of the log and the sums; how many the log had."""
    s = core_visit_sum.c
    gone = [s.kind == kind, *([s.target == target] if target is not None else [])]
    if target is not None:
        rows = conn.execute(select(s.views, s.visitors, s.step, s.dimension, s.at, s.value).where(*gone)).all()
        execute_many(conn, _TAKE, [(*row, kind, ALL_TARGETS) for row in rows])
        conn.execute(delete(core_visit_sum).where(s.kind == kind, s.target == ALL_TARGETS, s.views <= 0))
    conn.execute(delete(core_visit_sum).where(*gone))
    visits = [v.kind == kind, *([v.target == target] if target is not None else [])]
    return conn.execute(delete(core_visit).where(*visits)).rowcount
