"""Jobs that run by the clock: one row each, with the next time."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from fazt.core.db import wake
from fazt.core.errors import NotFound
from fazt.core.jobs.model import CronEntry, JobEntry, next_time
from fazt.core.jobs.schema import cron, job
from fazt.core.jobs.store.queue import SIGNAL, enqueue

KEY = "cron"
"""The key of entries that the clock has queued, so that never two of one job wait or run."""

IS_KNOWN = cron.c.name.in_(bindparam("names", expanding=True))
NEXT_DUE = select(cron.c.next_at).where(~cron.c.is_paused, IS_KNOWN).order_by(cron.c.next_at).limit(1)
DUE = select(cron).where(~cron.c.is_paused, IS_KNOWN, cron.c.next_at <= bindparam("now")).order_by(cron.c.next_at)


def put_crons(conn: Connection, schedules: Mapping[str, str], *, now: int) -> None:
    """Have exactly these jobs (name: schedule) run by the clock; what is there keeps its next time.

    A next time that lies further away than the schedule allows is mended: the clock was set back.
    """
    conn.execute(delete(cron).where(cron.c.name.not_in(list(schedules))))
    there = {row.name: row for row in conn.execute(select(cron))}
    for name, schedule in schedules.items():
        next_at = next_time(schedule, now)
        if name not in there:
            row = {"name": name, "schedule": schedule, "next_at": next_at, "is_paused": False, "last_error": ""}
            conn.execute(insert(cron).values(row))
        elif there[name].schedule != schedule or there[name].next_at > next_at:
            conn.execute(update(cron).where(cron.c.name == name).values(schedule=schedule, next_at=next_at))


def find_next_cron(conn: Connection, names: Collection[str]) -> int | None:
    """When the clock next has something to do (ms)."""
    due: int | None = conn.execute(NEXT_DUE, {"names": list(names)}).scalar()
    return due


def queue_due_crons(conn: Connection, names: Collection[str], *, now: int) -> None:
    """Queue one entry for each whose time has come, however many times were missed."""
    for row in conn.execute(DUE, {"names": list(names), "now": now}).all():
        enqueue(conn, row.name, {}, now=now, run_at=row.next_at, key=KEY)
        conn.execute(update(cron).where(cron.c.name == row.name).values(next_at=next_time(row.schedule, now)))


def note_run(conn: Connection, entry: JobEntry, *, error: str, now: int) -> None:
    """Keep how a run that the clock started went."""
    if entry.key == KEY and entry.started_at is not None:
        here = update(cron).where(cron.c.name == entry.name)
        took_ms = max(0, now - entry.started_at)
        conn.execute(here.values(last_at=entry.started_at, last_took_ms=took_ms, last_error=error))


def list_crons(conn: Connection) -> list[CronEntry]:
    """All of them, by name."""
    return [CronEntry(**row) for row in conn.execute(select(cron).order_by(cron.c.name)).mappings()]


def pause_cron(conn: Connection, name: str) -> None:
    """Let the clock pass over it from now on; what is queued still runs. Raises NotFound."""
    change_cron(conn, name, is_paused=True)


def resume_cron(conn: Connection, name: str, *, now: int) -> None:
    """Let it run again from its next time on; what was missed while it was paused stays so. Raises NotFound."""
    if get_cron(conn, name).is_paused:
        change_cron(conn, name, is_paused=False, next_at=next_time(get_cron(conn, name).schedule, now))
        wake(conn, SIGNAL)


def run_cron_now(conn: Connection, name: str, *, now: int) -> int:
    """Run it as soon as possible, besides its times; the entry's id. Raises NotFound."""
    get_cron(conn, name)
    job_id = enqueue(conn, name, {}, now=now, key=KEY)
    conn.execute(update(job).where(job.c.id == job_id, job.c.run_at > now).values(run_at=now))
    wake(conn, SIGNAL)
    return job_id


def get_cron(conn: Connection, name: str) -> CronEntry:
    """One of them; raises NotFound."""
    row = conn.execute(select(cron).where(cron.c.name == name)).mappings().first()
    if row is None:
        raise NotFound(f"There is no scheduled job {name!r}.")
    return CronEntry(**row)


def change_cron(conn: Connection, name: str, **values: object) -> None:
    """Set columns; raises NotFound."""
    if not conn.execute(update(cron).where(cron.c.name == name).values(**values)).rowcount:
        raise NotFound(f"There is no scheduled job {name!r}.")
