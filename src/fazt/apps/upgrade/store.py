"""Rules and SQL of upgrades: the newest release that is known, and how upgrades ended."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, select
from sqlalchemy import insert as plain_insert

from fazt.apps.upgrade.model import Journal, Known, Release, Run, is_newer
from fazt.apps.upgrade.schema import look, release, run
from fazt.core.auth.store import find_owner
from fazt.core.db import insert
from fazt.core.events import Event, emit
from fazt.core.push import Notice, notify

KEEP_RUNS = 50
EVENTS = {"done": "upgrade.done", "failed": "upgrade.failed", "rolled back": "upgrade.rolled_back"}
TOLD = {
    "done": "fazt {new} runs, in the place of {old}.",
    "failed": "The upgrade to {new} failed, and {old} runs as before: {said}",
    "rolled back": "fazt {old} runs again, in the place of {new}.",
}


def note_look(conn: Connection, newest: Release | None, running: str, *, now: int) -> None:
    """Keep what a look at the releases found; the owner hears once of each newer one."""
    put_look(conn, "", now=now)
    before = find_newest(conn)
    if newest is None:
        return
    is_news = before is None or before.version != newest.version
    conn.execute(delete(release))
    known = Known(newest.version, newest.notes, newest.url, newest.published_at)
    conn.execute(plain_insert(release).values(**msgspec.structs.asdict(known)))
    if is_news and is_newer(newest.version, running):
        said = {"version": newest.version, "running": running, "url": newest.url}
        emit(conn, Event("upgrade.available", said, key=newest.version), now=now)
        tell_owner(conn, f"fazt {newest.version} is there", f"This is {running}.", now=now)


def note_trouble(conn: Connection, problem: str, *, now: int) -> None:
    """Keep why a look failed."""
    put_look(conn, problem, now=now)


def put_look(conn: Connection, problem: str, *, now: int) -> None:
    """When it was, and what was wrong."""
    row = {"at": now, "problem": problem}
    conn.execute(insert(conn, look).values(id=1, **row).on_conflict_do_update(index_elements=[look.c.id], set_=row))


def find_look(conn: Connection) -> tuple[int, str] | None:
    """When releases were last looked up, and why that failed; None before the first time."""
    row = conn.execute(select(look.c.at, look.c.problem)).first()
    return None if row is None else (row.at, row.problem)


def find_newest(conn: Connection) -> Known | None:
    """The newest release that was seen."""
    row = conn.execute(select(release)).mappings().first()
    return None if row is None else Known(**row)


def note_run(conn: Connection, journal: Journal, *, now: int) -> bool:
    """Keep how an upgrade ended, and tell it; whether that was news."""
    id, said = f"{journal.id} {journal.state}", journal.said.replace("\0", "")  # PostgreSQL has no place for NUL
    values = {"id": id, "old": journal.old, "new": journal.new, "state": journal.state, "said": said}
    made = insert(conn, run).values(**values, at=journal.at).on_conflict_do_nothing(index_elements=[run.c.id])
    if conn.execute(made.returning(run.c.id)).first() is None:
        return False
    old = select(run.c.id).order_by(run.c.at.desc(), run.c.id).offset(KEEP_RUNS).limit(KEEP_RUNS)
    conn.execute(delete(run).where(run.c.id.in_(old.scalar_subquery())))
    fields = {"from": journal.old, "to": journal.new, "said": said}
    emit(conn, Event(EVENTS[journal.state], fields, key=journal.new), now=now)
    if journal.state == "failed":
        tell_owner(conn, "An upgrade failed", TOLD["failed"].format(**values), now=now)
    return True


def tell_owner(conn: Connection, title: str, text: str, *, now: int) -> None:
    """A notice, where there is an owner."""
    owner = find_owner(conn)
    if owner is not None:
        notify(conn, Notice(owner.id, title, text, "/upgrade", "upgrade"), now=now)


def list_runs(conn: Connection, limit: int = 10) -> list[Run]:
    """The latest upgrades, newest first."""
    rows = conn.execute(select(run).order_by(run.c.at.desc(), run.c.id).limit(limit)).mappings()
    return [Run(**row) for row in rows]
