"""Backups by the clock: when one is due, when a drill is, and whether too long nothing came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.backup import store
from fazt.apps.backup.actions import list_backups, make_backup, prune, rehearse
from fazt.apps.backup.engine.desk import get_desk
from fazt.core.app import Job
from fazt.core.errors import Invalid
from fazt.core.jobs import enqueue, next_time

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fazt.core import Core

MISSED = 2
"""Periods of the schedule without a backup, after which that is an alarm."""

LONGEST_S = 6 * 3600.0


async def watch(core: Core, _payload: dict[str, Any]) -> None:
    """Queue what is due, and raise the alarm where no backup came about for too long."""
    get = core.settings.get
    await core.db.write(queue_due, get("backup.schedule"), get("backup.drill_schedule"), now=core.clock())


def queue_due(conn: Connection, schedule: str, drill_schedule: str, *, now: int) -> None:
    """What `watch` does, in one write."""
    for kind, when in (("create", schedule), ("drill", drill_schedule)):
        try:
            is_due = store.take_due(conn, kind, when, now=now)
        except Invalid as error:
            store.raise_alarm(conn, f"{kind} schedule", error.message, now=now)
            return
        store.clear_alarm(conn, f"{kind} schedule", now=now)
        if is_due:
            enqueue(conn, f"backup.{kind}", {}, now=now, key="schedule")
    check_age(conn, schedule, now=now)


def check_age(conn: Connection, schedule: str, *, now: int) -> None:
    """Raise or clear the alarm about backups that do not come about."""
    last = store.find_last(conn, "create", done=True)
    late = False
    if schedule and last is not None:
        coming = next_time(schedule, now)
        period = next_time(schedule, coming) - coming
        late = now - last.started_at > MISSED * period
    if late:
        store.raise_alarm(conn, "late", "No backup was made for longer than the schedule says.", now=now)
    elif store.has_alarm(conn, "late"):
        store.clear_alarm(conn, "late", now=now)


async def create(core: Core, _payload: dict[str, Any]) -> None:
    """Make a backup, then remove what the rules do not keep."""
    desk = get_desk(core)
    progress = desk.begin("create")
    await desk.note(progress, make_backup(desk, progress))
    progress = desk.begin("prune")
    await desk.note(progress, prune(core, progress))


async def rehearse_restore(core: Core, _payload: dict[str, Any]) -> None:
    """The restore drill, where there is anything to bring back."""
    desk = get_desk(core)
    if desk.replication is None and not await list_backups(core):
        return
    progress = desk.begin("drill")
    await desk.note(progress, rehearse(desk, progress))


JOBS = (
    Job("backup.watch", watch, help="See whether a backup or a drill is due.", cron="*/5 * * * *"),
    Job("backup.create", create, help="Make a backup.", max_attempts=4, timeout_s=LONGEST_S),
    Job("backup.drill", rehearse_restore, help="Rehearse a restore.", max_attempts=3, timeout_s=LONGEST_S),
)
