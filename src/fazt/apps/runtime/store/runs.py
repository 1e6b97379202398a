"""The clock and the queue of runs: what is due, in order for each key, until it is done or given up."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    literal_column,
    select,
    update,
)

from fazt.apps.runtime.model import CronEntry, Run, RunState, plan_due
from fazt.apps.runtime.schema import cron, run, site
from fazt.apps.runtime.store.sites import SIGNAL
from fazt.core.clock import SECOND
from fazt.core.db import insert, wake
from fazt.core.errors import Conflict, NotFound
from fazt.core.jobs import next_time

ERROR_LENGTH = 4_000
MOST_DUE = 200
PATIENCE = 30 * SECOND
"""How long a run waits that was in the middle of several ends of the program: it may be their cause."""

# Literals, so that both engines see that the partial indexes fit.
QUEUED = run.c.state == literal_column("'queued'")
RUNNING = run.c.state == literal_column("'running'")
OPEN = run.c.state.in_([literal_column("'queued'"), literal_column("'running'")])

earlier = run.alias("earlier")
IS_NEXT = (run.c.key == "") | ~exists().where(
    earlier.c.state.in_([literal_column("'queued'"), literal_column("'running'")]),
    earlier.c.site_id == run.c.site_id,
    earlier.c.key == run.c.key,
    earlier.c.id < run.c.id,
)
"""Of one key the oldest comes first, and the next only when it is done or given up."""

DUE = (
    select(run)
    .where(QUEUED, run.c.run_at <= bindparam("now"), IS_NEXT)
    .order_by(run.c.run_at, run.c.id)
    .limit(bindparam("limit"))
)
START = (
    update(run)
    .where(run.c.id == bindparam("run_id"))
    .values(state="running", attempts=run.c.attempts + 1, started_at=bindparam("now"))
)
NEXT_RUN = select(func.min(run.c.run_at)).where(QUEUED, IS_NEXT)
NEXT_CRON = select(func.min(cron.c.next_at)).where(~cron.c.is_paused)


def to_run(row: RowMapping) -> Run:
    """A row as it is known outside."""
    return Run(**{**row, "payload": msgspec.json.decode(row["payload"])})


def add_run(
    conn: Connection,
    site_id: int,
    kind: str,
    name: str,
    payload: dict[str, Any],
    *,
    key: str,
    max_attempts: int,
    run_at: int,
    now: int,
) -> int:
    """Queue a run in this transaction; its id. Of one `key` only one runs at a time, in their order ("": no order)."""
    row = {"site_id": site_id, "kind": kind, "name": name, "key": key, "state": "queued", "run_at": run_at}
    row |= {"payload": msgspec.json.encode(payload).decode(), "attempts": 0, "max_attempts": max_attempts}
    row |= {"interruptions": 0, "error": "", "created_at": now}
    wake(conn, SIGNAL)
    return int(conn.execute(insert(conn, run).values(**row).returning(run.c.id)).scalar_one())


# --- the clock


def queue_due(conn: Connection, *, now: int) -> int:
    """Queue what the clock wants; how many entries were due."""
    due = select(cron).where(~cron.c.is_paused, cron.c.next_at <= now).order_by(cron.c.next_at).limit(MOST_DUE)
    entries = [CronEntry(**row) for row in conn.execute(due).mappings()]
    for entry in entries:
        states = set(conn.execute(select(run.c.state).where(OPEN, is_of(entry))).scalars())
        times, following = plan_due(entry, now, is_waiting="queued" in states, is_running="running" in states)
        for at in times:
            queue_cron(conn, entry, at, now=now)
        conn.execute(update(cron).where(cron.c.id == entry.id).values(next_at=following))
    return len(entries)


def is_of(entry: CronEntry) -> ColumnElement[bool]:
    """The condition that a run belongs to an entry of the clock."""
    return (run.c.site_id == entry.site_id) & (run.c.kind == "scheduled") & (run.c.name == entry.name)


def queue_cron(conn: Connection, entry: CronEntry, at: int, *, now: int) -> int:
    """One run for the time `at`."""
    payload = {"cron": entry.schedule, "scheduledTime": at, "path": entry.path}
    key = "" if entry.overlap else f"cron:{entry.name}"
    return add_run(
        conn,
        entry.site_id,
        "scheduled",
        entry.name,
        payload,
        key=key,
        max_attempts=entry.retries + 1,
        run_at=min(at, now),
        now=now,
    )


def list_crons(conn: Connection, site_id: int) -> list[CronEntry]:
    """The entries of a site's clock."""
    rows = conn.execute(select(cron).where(cron.c.site_id == site_id).order_by(cron.c.id)).mappings()
    return [CronEntry(**row) for row in rows]


def get_cron(conn: Connection, site_id: int, name: str) -> CronEntry:
    """One entry. Raises NotFound."""
    row = conn.execute(select(cron).where(cron.c.site_id == site_id, cron.c.name == name)).mappings().first()
    if row is None:
        raise NotFound(f"There is no cron entry {name!r}.")
    return CronEntry(**row)


def pause_cron(conn: Connection, site_id: int, name: str) -> None:
    """Let the clock pass over it; what is queued still runs. Raises NotFound."""
    conn.execute(update(cron).where(cron.c.id == get_cron(conn, site_id, name).id).values(is_paused=True))


def resume_cron(conn: Connection, site_id: int, name: str, *, now: int) -> None:
    """Go on from the next time after now. Raises NotFound."""
    entry = get_cron(conn, site_id, name)
    if entry.is_paused:
        following = next_time(entry.schedule, now, entry.timezone)
        conn.execute(update(cron).where(cron.c.id == entry.id).values(is_paused=False, next_at=following))
        wake(conn, SIGNAL)


def run_cron_now(conn: Connection, site_id: int, name: str, *, now: int) -> int:
    """Run it as soon as possible, besides its times; the run's id. Raises NotFound."""
    return queue_cron(conn, get_cron(conn, site_id, name), now, now=now)


# --- the queue


def find_next(conn: Connection) -> int | None:
    """When there is next something to do (ms)."""
    times = [conn.execute(wanted).scalar() for wanted in (NEXT_RUN, NEXT_CRON)]
    return min((at for at in times if at is not None), default=None)


def take_due(conn: Connection, limit: int, *, now: int) -> list[Run]:
    """Mark up to `limit` runs that are due as running, and return them."""
    queue_due(conn, now=now)
    if not limit:
        return []
    rows = conn.execute(DUE, {"now": now, "limit": limit}).mappings().all()
    taken: dict[tuple[int, str], Run] = {}
    runs = []
    for row in rows:
        found = to_run(row)
        if found.key and taken.setdefault((found.site_id, found.key), found) is not found:
            continue
        conn.execute(START, {"run_id": found.id, "now": now})
        runs.append(msgspec.structs.replace(found, state="running", attempts=found.attempts + 1, started_at=now))
    return runs


def finish_run(conn: Connection, done: Run, *, now: int) -> None:
    """It went well."""
    here = update(run).where(run.c.id == done.id, RUNNING)
    conn.execute(here.values(state="done", error="", ended_at=now))
    wake(conn, SIGNAL)


def fail_run(conn: Connection, failed: Run, error: str, *, now: int, retry_at: int) -> RunState:
    """It failed: it waits for `retry_at`, or is given up where it has had all its attempts. What it is now."""
    state: RunState = "dead" if failed.attempts >= failed.max_attempts else "queued"
    values: dict[str, Any] = {"state": state, "error": error[:ERROR_LENGTH], "ended_at": now}
    if state == "queued":
        values["run_at"] = retry_at
    conn.execute(update(run).where(run.c.id == failed.id, RUNNING).values(**values))
    wake(conn, SIGNAL)
    return state


def give_back(conn: Connection, runs: list[Run]) -> None:
    """They were stopped in good order, and wait again as if they had not been taken."""
    for stopped in runs:
        here = update(run).where(run.c.id == stopped.id, RUNNING)
        conn.execute(here.values(state="queued", attempts=stopped.attempts - 1, started_at=None))


def recover(conn: Connection, *, now: int) -> int:
    """Queue again what ran when the program died; how many. One that saw several such ends waits a while."""
    here = update(run).where(RUNNING)
    values: dict[Any, Any] = {
        "state": "queued",
        "started_at": None,
        "attempts": run.c.attempts - 1,
        "interruptions": run.c.interruptions + 1,
        "run_at": case((run.c.interruptions < 2, run.c.run_at), else_=literal(now + PATIENCE, BigInteger())),
    }
    return conn.execute(here.values(values)).rowcount


def list_runs(
    conn: Connection, site_id: int, *, state: RunState | None = None, name: str = "", before_id: int | None = None,
    limit: int = 50,
) -> list[Run]:  # fmt: skip
    """Runs of a site, newest first."""
    wanted = select(run).where(run.c.site_id == site_id).order_by(run.c.id.desc()).limit(limit)
    if state is not None:
        wanted = wanted.where(run.c.state == state)
    if name:
        wanted = wanted.where(run.c.name == name)
    if before_id is not None:
        wanted = wanted.where(run.c.id < before_id)
    return [to_run(row) for row in conn.execute(wanted).mappings()]


def get_run(conn: Connection, site_id: int, run_id: int) -> Run:
    """One run. Raises NotFound."""
    row = conn.execute(select(run).where(run.c.id == run_id, run.c.site_id == site_id)).mappings().first()
    if row is None:
        raise NotFound("There is no such run.")
    return to_run(row)


def retry_run(conn: Connection, site_id: int, run_id: int, *, now: int) -> None:
    """Run a dead letter again, with all its attempts; one that waits, at once. Raises NotFound and Conflict."""
    found = get_run(conn, site_id, run_id)
    if found.state not in {"dead", "queued"}:
        raise Conflict("This run is not waiting and was not given up.")
    fresh = {"attempts": 0, "interruptions": 0} if found.state == "dead" else {}
    conn.execute(update(run).where(run.c.id == run_id).values(state="queued", run_at=now, **fresh))
    wake(conn, SIGNAL)


def discard_run(conn: Connection, site_id: int, run_id: int) -> None:
    """Forget a run that waits or was given up. Raises NotFound and Conflict."""
    if get_run(conn, site_id, run_id).state not in {"dead", "queued"}:
        raise Conflict("This run is not waiting and was not given up.")
    conn.execute(delete(run).where(run.c.id == run_id))
    wake(conn, SIGNAL)


def count_dead(conn: Connection) -> dict[int, int]:
    """Dead letters by site."""
    wanted = select(run.c.site_id, func.count()).where(run.c.state == "dead").group_by(run.c.site_id)
    return {row[0]: row[1] for row in conn.execute(wanted)}


def prune_runs(conn: Connection, *, before: int, limit: int = 1_000) -> int:
    """Forget some runs that ended before then (ms); how many."""
    old = select(run.c.id).where(run.c.state.in_(["done", "dead"]), run.c.ended_at < before).limit(limit)
    ids = list(conn.execute(old).scalars())
    if ids:
        conn.execute(delete(run).where(run.c.id.in_(ids)))
    return len(ids)


def is_known(conn: Connection, site_id: int) -> bool:
    """Whether a site still has code."""
    return conn.execute(select(site.c.id).where(site.c.id == site_id, site.c.is_active)).first() is not None
