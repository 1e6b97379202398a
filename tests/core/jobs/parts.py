"""What the engines of core need to run in a test: a clock that the test moves, and the few parts of a Core."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from fazt.core import Core
from fazt.core import events as core_events
from fazt.core.app import Job
from fazt.core.db import Database
from fazt.core.events import Events, OnEvent
from fazt.core.jobs import JobEntry, Jobs, enqueue, list_jobs
from fazt.core.settings import Settings
from tests.conftest import NOW


@dataclass(slots=True)
class Clock:
    """Stands still until the test moves it."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


@dataclass(slots=True)
class Parts:
    """The fields of Core that events and jobs use."""

    db: Database
    events: Events
    jobs: Jobs
    settings: Settings
    clock: Clock = field(default_factory=Clock)

    @property
    def core(self) -> Core:
        """As a Core."""
        return cast("Core", self)


@asynccontextmanager
async def running_parts(
    db: Database,
    jobs: Iterable[Job] = (),
    handlers: Iterable[tuple[str, OnEvent]] = (),
    *,
    clock: Clock | None = None,
    **options: Any,
) -> AsyncIterator[Parts]:
    """Events and jobs at work, wired as serve.py does it."""
    clock = clock or Clock()
    queue = Jobs([*core_events.JOBS, *jobs], on_dead=core_events.tell_dead_job, **options)
    settings = Settings([*core_events.SETTINGS])
    await settings.load(db)
    parts = Parts(db, Events(db, handlers, clock), queue, settings, clock)
    async with parts.events.run(), queue.run(parts.core):
        yield parts


async def eventually(condition: Callable[[], Any], timeout_s: float = 20.0) -> Any:
    """Let the loop run until `condition()` is true or answers something; that."""
    async with asyncio.timeout(timeout_s):
        while True:
            found = condition()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            await asyncio.sleep(0.002)


class Work:
    """A job that notes its payloads and can be told to fail or to wait."""

    def __init__(self, name: str = "work", **options: Any) -> None:
        self.seen: list[dict[str, Any]] = []
        self.errors: list[BaseException] = []
        self.gate: asyncio.Event | None = None
        self.at_once = self.most_at_once = 0
        self.cancelled = 0
        self.job = Job(name, self.run, "", **options)

    async def run(self, core: Core, payload: dict[str, Any]) -> None:
        self.seen.append(payload)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.gate is not None:
                await self.gate.wait()
            if self.errors:
                raise self.errors.pop(0)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.at_once -= 1


async def put(db: Database, n: int = 0, name: str = "work", **options: Any) -> int:
    return await db.write(enqueue, name, {"n": n}, now=NOW, **options)


def has_run(work: Work, times: int) -> bool:
    return len(work.seen) == times


def is_empty(db: Database) -> Callable[[], Any]:
    async def look() -> bool:
        return await db.read(list_jobs) == []

    return look


def has_one(db: Database, **wanted: Any) -> Callable[[], Any]:
    """The only entry of the queue, once it has these fields."""

    async def look() -> JobEntry | None:
        entries = await db.read(list_jobs)
        fits = len(entries) == 1 and all(getattr(entries[0], name) == value for name, value in wanted.items())
        return entries[0] if fits else None

    return look
