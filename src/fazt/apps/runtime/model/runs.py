"""Runs that nobody waits for: by the clock and by events; and when they are due."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from fazt.apps.runtime.model.manifest import Missed
from fazt.core.clock import MINUTE

RunState = Literal["queued", "running", "done", "dead"]
RunKind = Literal["scheduled", "event"]

LATE = 1 * MINUTE
"""A time that passed longer ago was missed."""
MOST_LATE_RUNS = 100


class Site(msgspec.Struct, frozen=True):
    """What is known of a site with code. `asked` are the scopes of its fazt.json, `granted` those that were allowed."""

    id: int
    name: str
    owner: str
    version: int
    entry: str
    is_active: bool
    asked: tuple[str, ...]
    granted: tuple[str, ...]
    limits: dict[str, float]
    problem: str
    """What is wrong with its fazt.json, or ""."""


class CronEntry(msgspec.Struct, frozen=True):
    """One entry of a site's clock."""

    id: int
    site_id: int
    name: str
    schedule: str
    timezone: str
    path: str
    missed: Missed
    overlap: bool
    retries: int
    next_at: int
    is_paused: bool


class Run(msgspec.Struct, frozen=True):
    """One run: it waits, runs, is done, or was given up (`dead`). Times in ms."""

    id: int
    site_id: int
    kind: RunKind
    name: str
    key: str
    state: RunState
    payload: dict[str, Any]
    run_at: int
    attempts: int
    max_attempts: int
    interruptions: int
    error: str
    created_at: int
    started_at: int | None
    ended_at: int | None


class LogLine(msgspec.Struct, frozen=True):
    """One line of a site's log; `run` is the id of the run or request it came from."""

    id: int
    at: int
    level: str
    text: str
    run: str


def plan_due(entry: CronEntry, now: int, *, is_waiting: bool, is_running: bool) -> tuple[list[int], int]:
    """For which times an entry is to run now, and when it is next due.

    One that still waits or runs is not queued again, unless the entry wants all its times.
    """
    from fazt.core.jobs import next_time  # noqa: PLC0415 - every command loads this package, and the queue a database

    times = [entry.next_at]
    following = next_time(entry.schedule, entry.next_at, entry.timezone)
    while following <= now:
        times.append(following)
        following = next_time(entry.schedule, following, entry.timezone)
        if len(times) > MOST_LATE_RUNS:
            following = next_time(entry.schedule, now, entry.timezone)
            break
    if entry.missed == "all":
        return times[-MOST_LATE_RUNS:], following
    latest = times[-1]
    is_missed = now - latest > LATE
    if entry.missed == "skip" and (is_missed or (is_running and not entry.overlap)):
        return [], following
    return ([] if is_waiting else [latest]), following
