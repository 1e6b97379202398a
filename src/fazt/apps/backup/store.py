"""Rules and SQL of backups: how the work went, alarms, schedules, and the manifest inside a copy."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from fazt.apps.backup.model import Alarm, Contents, Kind, Run
from fazt.apps.backup.schema import alarm, contents, due, run
from fazt.core.auth.store import find_owner
from fazt.core.blobs import count_elsewhere
from fazt.core.epoch import begin_epoch, get_epoch
from fazt.core.errors import Invalid
from fazt.core.events import Event, emit
from fazt.core.jobs import next_time
from fazt.core.push import Notice, notify

KEEP_RUNS = 200


def note_run(conn: Connection, done: Run, *, now: int) -> None:
    """Keep how a piece of work ended, and tell it."""
    conn.execute(insert(run).values(**msgspec.structs.asdict(done)))
    old = select(run.c.id).order_by(run.c.id.desc()).offset(KEEP_RUNS).limit(KEEP_RUNS)
    conn.execute(delete(run).where(run.c.id.in_(old.scalar_subquery())))
    said = {"kind": done.kind, "name": done.name, "said": done.said}
    if done.state == "failed":
        emit(conn, Event("backup.failed", said, key=done.kind), now=now)
        raise_alarm(conn, done.kind, f"{ALARMS[done.kind]}: {done.said}", now=now)
    else:
        emit(conn, Event("backup.done", said, key=done.kind), now=now)
        clear_alarm(conn, done.kind, now=now)


ALARMS: dict[Kind, str] = {
    "create": "The last backup failed",
    "verify": "A backup is not sound",
    "restore": "The last restore failed",
    "drill": "The last restore drill failed",
    "prune": "Old backups could not be removed",
    "bring": "Something could not be brought back",
}


def list_runs(conn: Connection, limit: int = 20) -> list[Run]:
    """The latest, newest first."""
    rows = conn.execute(select(run).order_by(run.c.id.desc()).limit(limit)).mappings()
    return [Run(**row) for row in rows]


def find_last(conn: Connection, kind: Kind, *, done: bool = False) -> Run | None:
    """The latest run of a kind; with `done`, the latest that went well."""
    wanted = select(run).where(run.c.kind == kind).order_by(run.c.id.desc()).limit(1)
    if done:
        wanted = wanted.where(run.c.state == "done")
    row = conn.execute(wanted).mappings().first()
    return None if row is None else Run(**row)


def list_alarms(conn: Connection) -> list[Alarm]:
    """What is wrong now."""
    return [Alarm(**row) for row in conn.execute(select(alarm).order_by(alarm.c.since)).mappings()]


def has_alarm(conn: Connection, kind: str) -> bool:
    """Whether this is wrong now."""
    return conn.execute(select(alarm.c.kind).where(alarm.c.kind == kind)).first() is not None


def raise_alarm(conn: Connection, kind: str, text: str, *, now: int) -> bool:
    """Say that something is wrong, until it is cleared; whether it is news."""
    if conn.execute(update(alarm).where(alarm.c.kind == kind).values(text=text)).rowcount:
        return False
    conn.execute(insert(alarm).values(kind=kind, text=text, since=now))
    emit(conn, Event("backup.alarm", {"kind": kind, "text": text}, key=kind), now=now)
    owner = find_owner(conn)
    if owner is not None:
        notify(conn, Notice(owner.id, "Backups need a look", text, "/backup", f"backup-{kind}"), now=now)
    return True


def clear_alarm(conn: Connection, kind: str, *, now: int) -> None:
    """It is well again."""
    if conn.execute(delete(alarm).where(alarm.c.kind == kind)).rowcount:
        emit(conn, Event("backup.alarm_over", {"kind": kind}, key=kind), now=now)


def take_due(conn: Connection, kind: str, schedule: str, *, now: int) -> bool:
    """Whether the time of a schedule has come; if so, its next time is set. An empty schedule never comes."""
    row = conn.execute(select(due).where(due.c.kind == kind)).first()
    if not schedule:
        conn.execute(delete(due).where(due.c.kind == kind))
        return False
    next_at = next_time(schedule, now)
    if row is None:
        conn.execute(insert(due).values(kind=kind, schedule=schedule, next_at=next_at))
        return False
    has_come: bool = row.schedule == schedule and row.next_at <= now
    if has_come or row.schedule != schedule or row.next_at > next_at:
        conn.execute(update(due).where(due.c.kind == kind).values(schedule=schedule, next_at=next_at))
    return has_come


def find_next(conn: Connection, kind: str) -> int | None:
    """When a schedule comes next (ms)."""
    at: int | None = conn.scalar(select(due.c.next_at).where(due.c.kind == kind))
    return at


def find_epoch(conn: Connection) -> str:
    """The id of the epoch that the data is in."""
    return get_epoch(conn).id


def count_blobs_elsewhere(conn: Connection) -> int:
    """How many blobs have their bytes outside of the database, where a backup of it does not reach."""
    return count_elsewhere(conn)


def put_contents(conn: Connection, made: Contents) -> None:
    """Write the manifest into a copy."""
    conn.execute(delete(contents))
    conn.execute(insert(contents).values(id=1, manifest=msgspec.json.encode(made).decode()))


def find_contents(conn: Connection) -> Contents | None:
    """The manifest inside a copy; None in a file that was never a backup. Raises Invalid where it is garbled."""
    text = conn.scalar(select(contents.c.manifest))
    try:
        return None if text is None else msgspec.json.decode(text, type=Contents)
    except msgspec.MsgspecError as error:
        raise Invalid("The manifest inside the backup is damaged.") from error


def begin_again(conn: Connection, done: Run, *, now: int) -> str:
    """Make a restored file one that is in use: no manifest, a new epoch, and a note of it; the epoch's id."""
    conn.execute(delete(contents))
    conn.execute(delete(alarm))
    begun = begin_epoch(conn, f"restored from {done.name}", now=now)
    note_run(conn, done, now=now)
    emit(conn, Event("backup.restored", {"name": done.name, "epoch": begun.id}), now=now)
    return begun.id
