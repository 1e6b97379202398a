"""The queue: what waits, what runs, what was given up."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, bindparam, delete, exists, func, insert, literal_column, select, update

from fazt.core.db import wake
from fazt.core.errors import Conflict, NotFound
from fazt.core.jobs.model import JobEntry, State, delay_after_interruption
from fazt.core.jobs.schema import ONCE, job

SIGNAL = "jobs"
ERROR_LENGTH = 2_000

# Literals, not parameters, so that both engines see that the indexes fit.
QUEUED = job.c.state == literal_column("'queued'")
RUNNING = job.c.state == literal_column("'running'")
DEAD = job.c.state == literal_column("'dead'")

other = job.alias("other")
IS_FREE = (job.c.key == "") | ~exists().where(
    other.c.state == literal_column("'running'"), other.c.name == job.c.name, other.c.key == job.c.key
)
IS_KNOWN = job.c.name.in_(bindparam("names", expanding=True))

INSERT = insert(job).returning(job.c.id)
FIND_QUEUED = select(job.c.id, job.c.run_at, job.c.attempts).where(
    job.c.name == bindparam("name"), job.c.key == bindparam("key"), ONCE
)
TAKE = (
    select(job)
    .where(QUEUED, job.c.run_at <= bindparam("now"), IS_KNOWN, IS_FREE)
    .order_by(job.c.run_at, job.c.id)
    .limit(bindparam("limit"))
)
START = (
    update(job)
    .where(job.c.id == bindparam("job_id"))
    .values(state="running", attempts=job.c.attempts + 1, started_at=bindparam("now"))
)
NEXT_DUE = select(job.c.run_at).where(QUEUED, IS_KNOWN, IS_FREE).order_by(job.c.run_at).limit(1)
FINISH = delete(job).where(job.c.id == bindparam("job_id"), RUNNING)
COMPLETE = delete(job).where(RUNNING, job.c.name == bindparam("name"), job.c.key == bindparam("key"))


def enqueue(
    conn: Connection, name: str, payload: dict[str, Any], *, now: int, run_at: int | None = None, key: str = ""
) -> int:
    """Have the job `name` run once this write is committed, not before `run_at` (ms); the id of its entry.

    Of one `key` (of that name) only one entry waits and only one runs: where one waits already its id is
    returned, and it is brought forward to `run_at` unless it is waiting out a failure.
    """
    run_at = now if run_at is None else run_at
    if key and (found := conn.execute(FIND_QUEUED, {"name": name, "key": key}).first()):
        if run_at < found.run_at and not found.attempts:
            conn.execute(update(job).where(job.c.id == found.id).values(run_at=run_at))
            wake(conn, SIGNAL)
        return int(found.id)
    row: dict[str, Any] = {"name": name, "key": key, "payload": msgspec.json.encode(payload).decode()}
    row |= {"state": "queued", "run_at": run_at, "attempts": 0, "interruptions": 0, "error": "", "created_at": now}
    wake(conn, SIGNAL)
    return int(conn.execute(INSERT, row).scalar_one())


def complete(conn: Connection, name: str, key: str) -> bool:
    """Finish the running job of this key in the transaction of its work, so that a crash cannot repeat it.

    False where none runs: the work has been done before.
    """
    return bool(conn.execute(COMPLETE, {"name": name, "key": key}).rowcount)


def find_next_due(conn: Connection, names: Collection[str]) -> int | None:
    """When the first entry that could run wants to run (ms), or None where nothing waits."""
    due: int | None = conn.execute(NEXT_DUE, {"names": list(names)}).scalar()
    return due


def take_due(conn: Connection, names: Collection[str], limit: int, *, now: int) -> list[JobEntry]:
    """Mark up to `limit` entries that are due as running, oldest first, and return them."""
    rows = conn.execute(TAKE, {"names": list(names), "limit": limit, "now": now}).mappings().all()
    if rows:
        conn.execute(START, [{"job_id": row["id"], "now": now} for row in rows])
    taken = {"state": "running", "started_at": now}
    return [msgspec.structs.replace(to_entry(row), attempts=row["attempts"] + 1, **taken) for row in rows]


def finish(conn: Connection, entry: JobEntry) -> None:
    """It went well: nothing of it stays."""
    conn.execute(FINISH, {"job_id": entry.id})


def fail(conn: Connection, entry: JobEntry, error: str, *, run_at: int) -> None:
    """It failed and will be tried again at `run_at`."""
    put_back(conn, entry, run_at=run_at, attempts=entry.attempts, error=error[:ERROR_LENGTH])


def give_up(conn: Connection, entry: JobEntry, error: str) -> bool:
    """It failed too often: a dead letter, which replaces an earlier one of the same key.

    False where it is not running any more, since its work was completed before it failed.
    """
    if entry.key:
        conn.execute(delete(job).where(DEAD, job.c.name == entry.name, job.c.key == entry.key))
    here = update(job).where(job.c.id == entry.id, RUNNING)
    return bool(conn.execute(here.values(state="dead", error=error[:ERROR_LENGTH])).rowcount)


def give_back(conn: Connection, entry: JobEntry) -> None:
    """It was stopped in good order: it waits again as if it had not been taken."""
    put_back(conn, entry, run_at=entry.run_at, attempts=entry.attempts - 1)


def recover(conn: Connection, *, now: int) -> int:
    """Queue again what ran when the server died; how many. To be called before anything is taken."""
    entries = [to_entry(row) for row in conn.execute(select(job).where(RUNNING).order_by(job.c.id)).mappings()]
    for entry in entries:
        times = entry.interruptions + 1
        run_at = max(entry.run_at, now + delay_after_interruption(times)) if times > 1 else entry.run_at
        put_back(conn, entry, run_at=run_at, attempts=entry.attempts - 1, interruptions=times)
    return len(entries)


def put_back(conn: Connection, entry: JobEntry, **values: Any) -> None:
    """From running to queued with `values`. If another of its key waits by now, that one stands for both."""
    twin = conn.execute(FIND_QUEUED, {"name": entry.name, "key": entry.key}).first() if entry.key else None
    if twin is None:
        conn.execute(update(job).where(job.c.id == entry.id, RUNNING).values(state="queued", started_at=None, **values))
    elif conn.execute(FINISH, {"job_id": entry.id}).rowcount:
        conn.execute(update(job).where(job.c.id == twin.id).values(**values))
    wake(conn, SIGNAL)


def mend_times(conn: Connection, latest: int) -> None:
    """Bring retries later than `latest` (ms) forward to it: the clock was ahead and has been set back."""
    conn.execute(update(job).where(QUEUED, job.c.attempts > 0, job.c.run_at > latest).values(run_at=latest))


def list_jobs(
    conn: Connection, *, state: State | None = None, name: str = "", before_id: int | None = None, limit: int = 100
) -> list[JobEntry]:
    """Entries, newest first; those before `before_id` for the next page."""
    wanted = select(job).order_by(job.c.id.desc()).limit(limit)
    if state is not None:
        wanted = wanted.where(job.c.state == state)
    if name:
        wanted = wanted.where(job.c.name == name)
    if before_id is not None:
        wanted = wanted.where(job.c.id < before_id)
    return [to_entry(row) for row in conn.execute(wanted).mappings()]


def count_jobs(conn: Connection) -> dict[State, int]:
    """How many are queued, running and dead."""
    counts: dict[State, int] = {"queued": 0, "running": 0, "dead": 0}
    for row in conn.execute(select(job.c.state, func.count()).group_by(job.c.state)):
        counts[row[0]] = row[1]
    return counts


def get_job(conn: Connection, job_id: int) -> JobEntry:
    """One entry; raises NotFound, as for one that has gone well meanwhile."""
    row = conn.execute(select(job).where(job.c.id == job_id)).mappings().first()
    if row is None:
        raise NotFound("This job is no longer in the queue.")
    return to_entry(row)


def run_job_now(conn: Connection, job_id: int, *, now: int) -> None:
    """Run a waiting entry as soon as possible; a dead one gets all its attempts again.

    Raises NotFound, and Conflict for one that runs already.
    """
    entry = get_job(conn, job_id)
    if entry.state == "running":
        raise Conflict("This job is running already.")
    here = update(job).where(job.c.id == job_id)
    twin = conn.execute(FIND_QUEUED, {"name": entry.name, "key": entry.key}).first() if entry.key else None
    if twin is not None and twin.id != job_id:  # a newer one of its key waits: that one does the work
        conn.execute(delete(job).where(job.c.id == job_id))
        here = update(job).where(job.c.id == twin.id)
    fresh = {"attempts": 0, "interruptions": 0} if entry.state == "dead" else {}
    conn.execute(here.values(state="queued", run_at=min(now, entry.run_at), started_at=None, **fresh))
    wake(conn, SIGNAL)


def retry_dead_jobs(conn: Connection, *, now: int, name: str = "") -> int:
    """Give all dead letters (of one name) another chance; how many."""
    entries = conn.execute(select(job.c.id).where(DEAD, *([job.c.name == name] if name else []))).all()
    for row in entries:
        run_job_now(conn, row.id, now=now)
    return len(entries)


def discard_job(conn: Connection, job_id: int) -> None:
    """Take an entry out of the queue. Raises NotFound, and Conflict for one that runs."""
    if get_job(conn, job_id).state == "running":
        raise Conflict("This job is running; it can be discarded when it is done.")
    conn.execute(delete(job).where(job.c.id == job_id))


def to_entry(row: RowMapping) -> JobEntry:
    """A row as it is known outside."""
    return JobEntry(**{**row, "payload": msgspec.json.decode(row["payload"])})
