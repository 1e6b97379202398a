"""The queue at work, on real databases."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from fazt.core import Core
from fazt.core.app import Job
from fazt.core.clock import HOUR, MINUTE
from fazt.core.config import Config
from fazt.core.db import Database, open_database
from fazt.core.errors import Invalid, TooMany, Unavailable
from fazt.core.events import Event
from fazt.core.jobs import (
    count_jobs,
    engine,
    enqueue,
    list_jobs,
    run_job_now,
)
from tests.conftest import NOW
from tests.core.jobs.parts import Clock, Work, eventually, has_one, is_empty, put, running_parts


async def test_what_is_queued_runs_and_leaves_nothing(database: Database) -> None:
    work = Work()
    async with running_parts(database, [work.job]):
        for n in range(20):
            await put(database, n)
        await eventually(is_empty(database))
    assert sorted(seen["n"] for seen in work.seen) == list(range(20))


async def test_what_was_queued_while_nobody_ran_is_run_at_the_start(database: Database) -> None:
    work = Work()
    await put(database, 1)
    async with running_parts(database, [work.job]):
        await eventually(is_empty(database))
    assert work.seen == [{"n": 1}]


async def test_an_undone_write_queues_nothing(database: Database) -> None:
    work = Work()

    def queue_and_fail(conn: Connection) -> None:
        enqueue(conn, "work", {"n": 1}, now=NOW)
        raise Invalid("no")

    async with running_parts(database, [work.job]):
        with pytest.raises(Invalid):
            await database.write(queue_and_fail)
        await put(database, 2)
        await eventually(is_empty(database))
    assert work.seen == [{"n": 2}]


async def test_only_so_many_run_at_once(database: Database) -> None:
    work = Work()
    work.gate = asyncio.Event()
    async with running_parts(database, [work.job], slots=3):
        for n in range(10):
            await put(database, n)
        await eventually(lambda: work.at_once == 3)
        work.gate.set()
        await eventually(is_empty(database))
    assert work.most_at_once == 3
    assert len(work.seen) == 10


async def test_a_later_time_is_waited_for(database: Database) -> None:
    work, clock = Work(), Clock()
    async with running_parts(database, [work.job], clock=clock) as parts:
        await put(database, 1, run_at=NOW + HOUR)
        await put(database, 2)
        await eventually(has_one(database, run_at=NOW + HOUR))
        assert work.seen == [{"n": 2}]
        clock.now += HOUR
        parts.jobs.wake()
        await eventually(is_empty(database))
    assert work.seen == [{"n": 2}, {"n": 1}]


async def test_the_timer_goes_off_by_itself(database: Database) -> None:
    work = Work()
    loop = asyncio.get_running_loop()
    start = loop.time()

    class RealClock(Clock):
        def __call__(self) -> int:
            return NOW + int((loop.time() - start) * 1_000)

    async with running_parts(database, [work.job], clock=RealClock()):
        await put(database, 1, run_at=NOW + 300)
        await eventually(is_empty(database))
    assert loop.time() - start >= 0.3


async def test_a_failure_is_tried_again_after_a_while(database: Database) -> None:
    work, clock = Work(), Clock()
    work.errors = [Unavailable("The relay is away."), ValueError("odd")]
    async with running_parts(database, [work.job], clock=clock) as parts:
        await put(database)
        first = await eventually(has_one(database, attempts=1, state="queued"))
        assert first.error == "The relay is away."
        assert 2_500 <= first.run_at - NOW <= 5_000
        clock.now = first.run_at
        parts.jobs.wake()
        second = await eventually(has_one(database, attempts=2, state="queued"))
        assert second.error == "ValueError: odd"
        assert 5_000 <= second.run_at - clock.now <= 10_000
        clock.now = second.run_at
        parts.jobs.wake()
        await eventually(is_empty(database))
    assert len(work.seen) == 3


async def test_who_is_asked_to_wait_waits(database: Database) -> None:
    work = Work()
    work.errors = [TooMany("Slow down.", retry_after=120)]
    async with running_parts(database, [work.job]):
        await put(database)
        entry = await eventually(has_one(database, attempts=1, state="queued"))
    assert entry.run_at == NOW + 2 * MINUTE


async def test_after_the_last_attempt_a_dead_letter_stays_and_is_told(database: Database) -> None:
    work, clock = Work(max_attempts=2), Clock()
    work.errors = [Invalid("no"), Invalid("still no")]
    told: list[Event] = []
    async with running_parts(database, [work.job], clock=clock) as parts:
        parts.events.listen(told.append)
        await put(database, 7)
        await eventually(has_one(database, attempts=1, state="queued"))
        clock.now += MINUTE
        parts.jobs.wake()
        dead = await eventually(has_one(database, state="dead"))
        assert (dead.error, dead.attempts, dead.payload) == ("still no", 2, {"n": 7})
        await eventually(lambda: told)
        assert [(e.name, e.key, e.data) for e in told] == [
            ("jobs.dead", "work", {"id": dead.id, "name": "work", "error": "still no", "attempts": 2})
        ]
        await database.write(run_job_now, dead.id, now=clock.now)
        await eventually(is_empty(database))
    assert len(work.seen) == 3


async def test_a_job_that_takes_too_long_is_stopped(database: Database) -> None:
    work = Work(timeout_s=0.05)
    work.gate = asyncio.Event()
    async with running_parts(database, [work.job]):
        await put(database)
        entry = await eventually(has_one(database, attempts=1, state="queued"))
    assert entry.error == "It was stopped after 0.05 s."
    assert work.cancelled == 1


async def test_a_job_that_cancels_itself_has_failed(database: Database) -> None:
    work = Work()
    work.errors = [asyncio.CancelledError()]
    async with running_parts(database, [work.job]):
        await put(database)
        entry = await eventually(has_one(database, attempts=1, state="queued"))
    assert entry.error == "CancelledError"


async def test_stopping_lets_a_running_job_end(database: Database) -> None:
    work = Work()
    work.gate = asyncio.Event()
    async with running_parts(database, [work.job]):
        await put(database)
        await eventually(lambda: work.at_once)
        asyncio.get_running_loop().call_later(0.05, work.gate.set)
    assert await database.read(list_jobs) == []
    assert work.cancelled == 0


async def test_a_job_that_does_not_end_when_the_server_stops_is_queued_again(database: Database) -> None:
    work = Work()
    work.gate = asyncio.Event()
    async with running_parts(database, [work.job], grace_s=0.05):
        await put(database, 5)
        await eventually(lambda: work.at_once)
    assert work.cancelled == 1
    (entry,) = await database.read(list_jobs)
    assert (entry.state, entry.attempts, entry.interruptions, entry.payload) == ("queued", 0, 0, {"n": 5})
    work.gate.set()
    async with running_parts(database, [work.job]):
        await eventually(is_empty(database))
    assert len(work.seen) == 2


async def test_nothing_new_is_taken_while_stopping(database: Database) -> None:
    work = Work()
    work.gate = asyncio.Event()
    async with running_parts(database, [work.job], slots=1):
        await put(database, 1)
        await put(database, 2)
        await eventually(lambda: work.at_once)
        asyncio.get_running_loop().call_later(0.05, work.gate.set)
    assert work.seen == [{"n": 1}]
    assert [e.payload for e in await database.read(list_jobs)] == [{"n": 2}]


async def test_a_job_may_queue_others_and_itself(database: Database) -> None:
    seen: list[int] = []

    async def count_down(core: Core, payload: dict[str, Any]) -> None:
        seen.append(payload["n"])
        if payload["n"]:
            await core.db.write(enqueue, "down", {"n": payload["n"] - 1}, now=core.clock(), key="down")

    async with running_parts(database, [Job("down", count_down, "")]):
        await put(database, 3, "down", key="down")
        await eventually(lambda: len(seen) == 4)
        await eventually(is_empty(database))
    assert seen == [3, 2, 1, 0]


async def test_an_unknown_name_waits_until_its_app_is_back(database: Database) -> None:
    work = Work()
    await put(database, 1)
    async with running_parts(database):
        await put(database, 2)
        assert await database.read(count_jobs) == {"queued": 2, "running": 0, "dead": 0}
    async with running_parts(database, [work.job]):
        await eventually(is_empty(database))
    assert len(work.seen) == 2


async def test_a_schedule_that_makes_no_sense_stops_the_start(database: Database) -> None:
    with pytest.raises(Invalid, match="is not a schedule"):
        async with running_parts(database, [Work(cron="every day").job]):
            pass


async def test_of_one_key_many_writers_at_once_queue_one(database: Database) -> None:
    ids = await asyncio.gather(*(put(database, n, key="k") for n in range(20)))
    assert len(set(ids)) == 1
    assert len(await database.read(list_jobs)) == 1


def rename(conn: Connection, before: str, after: str) -> None:
    conn.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}")


async def test_the_queue_goes_on_when_its_tables_do(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work()
    monkeypatch.setattr(engine, "FIRST_PAUSE_S", 0.01)
    async with running_parts(database, [work.job]) as parts:
        await database.write(rename, "core_job", "away")
        parts.jobs.wake()
        await eventually(lambda: caplog.text.count("the queue stands still") >= 2)
        await database.write(rename, "away", "core_job")
        await put(database)
        await eventually(is_empty(database))
    assert work.seen == [{"n": 0}]


async def test_the_end_of_a_job_is_kept_when_that_is_possible_again(
    data_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    database = open_database(Config(data=data_file))
    work = Work()
    work.gate = asyncio.Event()
    monkeypatch.setattr(engine, "FIRST_PAUSE_S", 0.01)
    async with running_parts(database, [work.job]):
        await put(database)
        await eventually(lambda: work.at_once)
        await database.write(give_up_at_once)
        with closing(sqlite3.connect(data_file, isolation_level=None)) as somebody_else:
            somebody_else.execute("BEGIN IMMEDIATE")
            work.gate.set()
            await eventually(lambda: "keeping that waits" in caplog.text)
            with pytest.raises(Unavailable):
                await put(database, 2)
        await eventually(is_empty(database))
    await database.close()
    assert work.seen == [{"n": 0}]


def give_up_at_once(conn: Connection) -> None:
    """Have the writer's connection not wait for somebody else's lock."""
    conn.exec_driver_sql("PRAGMA busy_timeout=0")
