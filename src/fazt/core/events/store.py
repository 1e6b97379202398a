"""Telling facts, and bringing each to every app once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select, true, update

from fazt.core.db import Prepared, acting, attempt, is_of_database, wake
from fazt.core.errors import NotFound
from fazt.core.events.model import Event
from fazt.core.events.schema import WAITING, event
from fazt.core.jobs import JobEntry, complete, enqueue
from fazt.core.log import get_logger

OnEvent = Callable[[Connection, Event], None]

SIGNAL = "events"
BATCH = 100
RETRY_JOB = "events.deliver"
DEAD_JOB_EVENT = "jobs.dead"

log = get_logger(__name__)

INSERT = Prepared(insert(event).returning(event.c.id), ("name", "key", "data", "at", "is_delivered"))
WAITING_EVENTS = Prepared(select(event).where(WAITING).order_by(event.c.id).limit(bindparam("limit")))
MARK = Prepared(update(event).where(event.c.id == bindparam("event_id")).values(is_delivered=true()))
OLD = (
    select(event.c.id)
    .where(event.c.at < bindparam("before"), event.c.is_delivered)
    .order_by(event.c.at)
    .limit(bindparam("limit"))
)


def emit(conn: Connection, fact: Event, *, now: int) -> int:
    """Tell `fact` in the transaction that makes it true; its id. It is delivered after the commit, or never."""
    row = {"name": fact.name, "key": fact.key, "data": msgspec.json.encode(fact.data).decode(), "at": now}
    wake(conn, SIGNAL)
    found = INSERT.row(conn, row | {"is_delivered": False})
    assert found is not None, "RETURNING answers"
    return int(found[0])


class Many:
    """An `on_event` for an app that hears much: `on_event = Many(take)`, where `take(conn, events)` keeps their order.

    What a batch has for it comes in one call. When that raises, each comes alone, so that only the one at fault waits.
    """

    def __init__(self, take: Callable[[Connection, Sequence[Event]], None]) -> None:
        self.take = take
        self.__module__ = take.__module__  # by which core.db.guard knows whose it is

    def __call__(self, conn: Connection, event: Event) -> None:
        """Take one."""
        self.take(conn, [event])


class Hears:
    """Which apps hear which events: `handlers` by app, and by app the names, `*` for all (also of one not named)."""

    def __init__(self, handlers: Mapping[str, OnEvent], names: Mapping[str, Collection[str]] | None = None) -> None:
        self._handlers = handlers
        self._names = names or {}
        self._found: dict[str, list[tuple[str, OnEvent]]] = {}

    def of(self, name: str) -> list[tuple[str, OnEvent]]:
        """Who hears this event, in the apps' order."""
        if name not in self._found:
            self._found[name] = [
                (app, on_event)
                for app, on_event in self._handlers.items()
                if {"*", name}.intersection(self._names.get(app, ("*",)))
            ]
        return self._found[name]


def deliver_batch(conn: Connection, hears: Hears, *, now: int) -> list[Event]:
    """Bring the oldest undelivered events, up to BATCH, to all who hear them; which they were.

    A handler that raises undoes only what it did itself for that event, and is called again by a job.
    """
    events = [to_event(row) for row in WAITING_EVENTS.rows(conn, {"limit": BATCH})]
    together: dict[str, tuple[Many, list[Event]]] = {}
    for fact in events:
        for app, on_event in hears.of(fact.name):
            if isinstance(on_event, Many):
                together.setdefault(app, (on_event, []))[1].append(fact)
            else:
                deliver(conn, fact, app, on_event, now=now)
    for app, (many, facts) in together.items():
        deliver_many(conn, facts, app, many, now=now)
    if events:
        MARK.run_many(conn, [{"event_id": fact.id} for fact in events])
    return events


def deliver_many(conn: Connection, facts: Sequence[Event], app: str, many: Many, *, now: int) -> None:
    """Bring several events to one app at once or, where that fails, one by one."""
    try:
        with attempt(conn), acting(conn, many):
            many.take(conn, facts)
    except Exception as error:  # a rim: which of them it was shows when each comes alone
        if is_of_database(error):
            raise
        for fact in facts:
            deliver(conn, fact, app, many, now=now)


def deliver(conn: Connection, fact: Event, app: str, on_event: OnEvent, *, now: int) -> None:
    """Bring one event to one app, now or, where that fails, by a job."""
    try:
        with attempt(conn), acting(conn, on_event):
            on_event(conn, fact)
    except Exception as error:  # a rim: one app's trouble is kept for later and never holds up the others
        if is_of_database(error):
            raise
        log.warning("%s: %s.on_event will be tried again", fact.name, app, exc_info=error)
        payload = {"app": app, "event": msgspec.to_builtins(fact)}
        enqueue(conn, RETRY_JOB, payload, now=now, run_at=now + 1_000, key=f"{fact.id}/{app}")


def deliver_again(conn: Connection, handlers: Mapping[str, OnEvent], payload: dict[str, Any]) -> None:
    """What `deliver` left to a job; the job ends in the same transaction. Raises what on_event raises."""
    fact, app = msgspec.convert(payload["event"], Event), payload["app"]
    if app not in handlers:
        raise NotFound(f"The app {app!r} hears no events.")
    if complete(conn, RETRY_JOB, f"{fact.id}/{app}"):
        with acting(conn, handlers[app]):
            handlers[app](conn, fact)


def prune_events(conn: Connection, *, before: int, limit: int = 1_000) -> int:
    """Forget up to `limit` delivered events older than `before` (ms); how many."""
    ids = conn.execute(OLD, {"before": before, "limit": limit}).scalars().all()
    if ids:
        conn.execute(delete(event).where(event.c.id.in_(ids)))
    return len(ids)


def list_events(
    conn: Connection,
    *,
    after_id: int = 0,
    before_id: int | None = None,
    prefix: str = "",
    about: str = "",
    limit: int = 100,
    look: int | None = None,
) -> list[Event]:
    """Events of which the name begins with `prefix`, newest first, with ids between the two (exclusive).

    With `about`, an id of a person or a thing, only those whose data has it. `look` bounds through how many ids
    it is looked, so that a rare kind costs no more than a common one.
    """
    if look is not None:
        newest = before_id if before_id is not None else find_newest(conn) + 1
        after_id = max(after_id, newest - look - 1)
    wanted = select(event).where(event.c.id > after_id).order_by(event.c.id.desc()).limit(limit)
    if before_id is not None:
        wanted = wanted.where(event.c.id < before_id)
    if prefix:
        wanted = wanted.where(event.c.name.startswith(prefix, autoescape=True))
    if about:
        wanted = wanted.where(event.c.data.contains(f'"{about}"', autoescape=True))
    return [to_event(row) for row in conn.execute(wanted)]


def find_newest(conn: Connection) -> int:
    """The id of the newest event; 0 where there is none."""
    return conn.scalar(select(func.max(event.c.id))) or 0


def tell_dead_job(conn: Connection, entry: JobEntry, *, now: int) -> None:
    """Tell that a job was given up: what `Jobs` is given as `on_dead`."""
    data = {"id": entry.id, "name": entry.name, "error": entry.error, "attempts": entry.attempts}
    emit(conn, Event(DEAD_JOB_EVENT, data, key=entry.name), now=now)


def to_event(row: Sequence[Any]) -> Event:
    """A row as it is known outside."""
    event_id, name, key, data, at, _is_delivered = row
    return Event(name, msgspec.json.decode(data), key, event_id, at)
