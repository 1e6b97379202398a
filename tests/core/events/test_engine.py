"""Delivery at work, on real databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, select

from fazt.core.clock import DAY, MINUTE
from fazt.core.db import Database
from fazt.core.errors import Invalid
from fazt.core.events import Event, Events, emit, engine, list_events
from fazt.core.events.jobs import run_pruning
from fazt.core.events.schema import event as event_table
from fazt.core.jobs import JobEntry, list_jobs
from tests.conftest import NOW
from tests.core.jobs.parts import Clock, eventually, running_parts


async def tell(db: Database, n: int, name: str = "test.told") -> int:
    return await db.write(emit, Event(name, {"n": n}), now=NOW)


class Hearer:
    """An app that answers each event with another, and can be told to fail."""

    def __init__(self) -> None:
        self.fails = 0

    def on_event(self, conn: Connection, event: Event) -> None:
        if event.name != "test.told":
            return
        emit(conn, Event("hearer.heard", {"n": event.data["n"]}), now=NOW)
        if self.fails:
            self.fails -= 1
            raise Invalid("not yet")


async def heard(db: Database) -> list[int]:
    """What Hearers have heard, for good."""
    return [e.data["n"] for e in reversed(await db.read(list_events, prefix="hearer.", limit=10_000))]


def has_heard(db: Database, expected: list[int]) -> Callable[[], Any]:
    async def look() -> bool:
        return await heard(db) == expected

    return look


async def test_apps_and_listeners_hear_each_event_once_in_order(database: Database) -> None:
    live: list[Event] = []
    async with running_parts(database, handlers=[("a", Hearer().on_event)]) as parts:
        parts.events.listen(live.append)
        for n in range(250):
            await tell(database, n)
        await eventually(lambda: len(live) == 500)
    assert await heard(database) == list(range(250))
    told = [e.data["n"] for e in live if e.name == "test.told"]
    if database.__class__.__name__ == "PostgresDatabase":  # there, commits may end in another order than their ids
        told.sort()
    assert told == list(range(250))


async def test_many_writers_at_once_lose_no_event(database: Database) -> None:
    live: list[Event] = []
    async with running_parts(database) as parts:
        parts.events.listen(live.append)
        ids = await asyncio.gather(*(tell(database, n) for n in range(200)))
        await eventually(lambda: len(live) >= 200)
    assert sorted(e.id for e in live) == sorted(ids)


async def test_what_was_told_while_nobody_ran_is_delivered_at_the_start(database: Database) -> None:
    for n in range(3):
        await tell(database, n)
    async with running_parts(database, handlers=[("a", Hearer().on_event)]):
        await eventually(has_heard(database, [0, 1, 2]))
    async with running_parts(database, handlers=[("a", Hearer().on_event)]):
        await tell(database, 3)
        await eventually(has_heard(database, [0, 1, 2, 3]))


async def test_an_undone_write_tells_nothing(database: Database) -> None:
    live: list[Event] = []

    def tell_and_fail(conn: Connection) -> None:
        emit(conn, Event("test.told", {"n": 1}), now=NOW)
        raise Invalid("no")

    async with running_parts(database) as parts:
        parts.events.listen(live.append)
        with pytest.raises(Invalid):
            await database.write(tell_and_fail)
        await tell(database, 2)
        await eventually(lambda: live)
    assert [e.data["n"] for e in live] == [2]


async def test_a_failed_delivery_is_tried_again_by_a_job(database: Database) -> None:
    bad, clock = Hearer(), Clock()
    bad.fails = 2

    async def waits(attempts: int) -> JobEntry | None:
        return next((j for j in await database.read(list_jobs) if (j.attempts, j.state) == (attempts, "queued")), None)

    async with running_parts(database, handlers=[("bad", bad.on_event)], clock=clock) as parts:
        await tell(database, 1)
        await eventually(lambda: waits(0))
        clock.now += MINUTE
        parts.jobs.wake()
        job = await eventually(lambda: waits(1))
        assert job.error == "not yet"
        clock.now = job.run_at
        parts.jobs.wake()
        await eventually(has_heard(database, [1]))
    assert await database.read(list_jobs) == []


async def test_a_delivery_that_never_succeeds_becomes_a_dead_letter(database: Database) -> None:
    bad, clock = Hearer(), Clock()
    bad.fails = 1_000
    live: list[Event] = []

    async def is_dead() -> bool:
        clock.now += 2 * 60 * MINUTE
        parts.jobs.wake()
        return [j.state for j in await database.read(list_jobs)] == ["dead"]

    async with running_parts(database, handlers=[("bad", bad.on_event)], clock=clock) as parts:
        parts.events.listen(live.append)
        await tell(database, 1)
        await eventually(lambda: len(live) == 1)
        await eventually(is_dead)
        await eventually(lambda: any(e.name == "jobs.dead" for e in live))
    assert await heard(database) == []


async def test_a_listener_that_fails_costs_the_others_nothing(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    live: list[Event] = []

    def broken(event: Event) -> None:
        raise ValueError("odd")

    async with running_parts(database) as parts:
        parts.events.listen(broken)
        parts.events.listen(live.append)
        await tell(database, 1)
        await tell(database, 2)
        await eventually(lambda: len(live) == 2)
    assert "odd" in caplog.text


async def test_who_stops_listening_hears_no_more(database: Database) -> None:
    first: list[Event] = []
    second: list[Event] = []
    async with running_parts(database) as parts:
        stop = parts.events.listen(first.append)
        parts.events.listen(second.append)
        await tell(database, 1)
        await eventually(lambda: second)
        stop()
        stop()
        await tell(database, 2)
        await eventually(lambda: len(second) == 2)
    assert len(first) == 1


def rename(conn: Connection, before: str, after: str) -> None:
    conn.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")


async def test_delivery_goes_on_when_its_tables_do(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    live: list[Event] = []
    monkeypatch.setattr(engine, "FIRST_PAUSE_S", 0.01)
    await database.write(rename, "core_event", "away")
    events = Events(database, [], Clock())
    events.listen(live.append)
    async with events.run():
        await eventually(lambda: caplog.text.count("events wait") >= 2)
        await database.write(rename, "away", "core_event")
        await tell(database, 1)
        await eventually(lambda: live)
    assert len(live) == 1


async def test_old_events_are_forgotten_as_the_owner_wants(database: Database) -> None:
    clock = Clock()
    async with running_parts(database, clock=clock) as parts:
        told = await tell(database, 1)
        await eventually(lambda: is_delivered(database, told))
        clock.now = NOW + 29 * DAY
        await run_pruning(parts.core, {})
        assert len(await database.read(list_events)) == 1
        clock.now = NOW + 31 * DAY
        await run_pruning(parts.core, {})
        assert await database.read(list_events) == []


async def is_delivered(db: Database, event_id: int) -> bool:
    def look(conn: Connection) -> bool:
        return bool(conn.scalar(select(event_table.c.is_delivered).where(event_table.c.id == event_id)))

    return await db.read(look)


async def test_what_is_told_live_is_heard_by_who_wants_it_and_kept_by_nobody(database: Database) -> None:
    live: list[Event] = []
    kept: list[Event] = []
    async with running_parts(database, handlers=[("a", Hearer().on_event)]) as parts:
        assert not parts.events.is_heard("test.told")
        parts.events.listen(kept.append)
        stop_failing = parts.events.listen_live(lambda fact: fact.data["none"], lambda _: True)
        stop = parts.events.listen_live(live.append, lambda name: name == "test.told")
        assert parts.events.is_heard("test.told")
        parts.events.tell_live(Event("test.told", {"n": 1}))
        parts.events.tell_live(Event("test.other", {"n": 2}))
        for one in (stop, stop, stop_failing):
            one()
        parts.events.tell_live(Event("test.told", {"n": 3}))
        assert not parts.events.is_heard("test.told")
        assert [fact.data["n"] for fact in live] == [1]
        assert await database.read(list_events, limit=10) == kept == []
