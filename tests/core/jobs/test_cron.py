"""The clock at work: missed times, jumps, pauses and runs that take too long."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from fazt.core.clock import DAY, MINUTE
from fazt.core.db import Database
from fazt.core.errors import Invalid
from fazt.core.jobs import get_cron, pause_cron, run_cron_now
from tests.core.jobs.parts import Clock, Parts, Work, eventually, has_one, has_run, is_empty, running_parts

TICK = 1_800_000_000_000  # a full hour


def cron_work(**options: Any) -> Work:
    return Work("tick", cron="*/10 * * * *", **options)


async def move(parts: Parts, by: int) -> None:
    """Move the clock, and let the engine see it."""
    parts.clock.now += by
    parts.jobs.wake()


async def test_the_clock_starts_a_job_each_time(database: Database) -> None:
    work = cron_work()
    async with running_parts(database, [work.job], clock=Clock(TICK)) as parts:
        for times in (1, 2, 3):
            await move(parts, 10 * MINUTE)
            await eventually(partial(has_run, work, times))
            await eventually(is_empty(database))
        assert (await database.read(get_cron, "tick")).next_at == TICK + 40 * MINUTE


async def test_times_missed_while_off_run_once_and_late(database: Database) -> None:
    work = cron_work()
    async with running_parts(database, [work.job], clock=Clock(TICK)):
        pass
    assert work.seen == []
    async with running_parts(database, [work.job], clock=Clock(TICK + DAY + MINUTE)) as parts:
        await eventually(lambda: work.seen)
        await eventually(is_empty(database))
        await move(parts, 8 * MINUTE)
        assert (await database.read(get_cron, "tick")).next_at == TICK + DAY + 10 * MINUTE
    assert len(work.seen) == 1


async def test_a_jump_of_the_clock_forward_runs_once(database: Database) -> None:
    work = cron_work()
    async with running_parts(database, [work.job], clock=Clock(TICK)) as parts:
        await move(parts, 30 * DAY)
        await eventually(lambda: work.seen)
        await eventually(is_empty(database))
        assert (await database.read(get_cron, "tick")).next_at == TICK + 30 * DAY + 10 * MINUTE
    assert len(work.seen) == 1


async def test_a_clock_set_back_while_running_is_noticed(database: Database) -> None:
    work = cron_work()
    async with running_parts(database, [work.job], clock=Clock(TICK + 100 * DAY)) as parts:
        await move(parts, -100 * DAY)

        async def is_mended() -> bool:
            return (await database.read(get_cron, "tick")).next_at == TICK + 10 * MINUTE

        await eventually(is_mended)
        await move(parts, 10 * MINUTE)
        await eventually(lambda: work.seen)


async def test_a_run_longer_than_its_interval_never_overlaps(database: Database) -> None:
    work = cron_work()
    work.gate = asyncio.Event()
    async with running_parts(database, [work.job], clock=Clock(TICK)) as parts:
        for _ in range(4):
            await move(parts, 10 * MINUTE)
            await eventually(lambda: work.at_once)

            async def is_passed(now: int = parts.clock.now) -> bool:
                return (await database.read(get_cron, "tick")).next_at > now

            await eventually(is_passed)
        work.gate.set()
        await eventually(is_empty(database))
    assert work.most_at_once == 1
    assert len(work.seen) == 2  # the one that ran, and one for the three times that it was in the way of


async def test_a_paused_cron_does_not_run_but_by_hand(database: Database) -> None:
    work = cron_work()
    async with running_parts(database, [work.job], clock=Clock(TICK)) as parts:
        await database.write(pause_cron, "tick")
        await move(parts, DAY)
        await database.write(run_cron_now, "tick", now=parts.clock.now)
        await eventually(is_empty(database))
        await eventually(lambda: work.seen)
    assert len(work.seen) == 1


async def test_how_a_cron_went_is_kept(database: Database) -> None:
    work = cron_work(max_attempts=1)
    work.errors = [Invalid("no")]
    async with running_parts(database, [work.job], clock=Clock(TICK)) as parts:
        await move(parts, 10 * MINUTE)
        await eventually(has_one(database, state="dead"))
        assert (await database.read(get_cron, "tick")).last_error == "no"
        await move(parts, 10 * MINUTE)
        await eventually(lambda: len(work.seen) == 2)
        await eventually(has_one(database, state="dead"))
        cron = await database.read(get_cron, "tick")
    assert (cron.last_at, cron.last_error) == (TICK + 20 * MINUTE, "")
