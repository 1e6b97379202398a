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
from fazt.core.jobs import Jobs
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
