"""A job that tests watch, and what they wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fazt.core import Core
from fazt.core.app import Job
from fazt.core.db import Database
from fazt.core.jobs import (
    JobEntry,
    enqueue,
    list_jobs,
)
from tests.conftest import NOW


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
