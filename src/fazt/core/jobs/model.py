"""What waits in the queue, and when things run: pure calculations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim, CronSimError

from fazt.core.clock import HOUR, MINUTE, SECOND, to_datetime
from fazt.core.errors import Invalid

State = Literal["queued", "running", "dead"]

BACKOFF_FIRST = 5 * SECOND
BACKOFF_CAP = 1 * HOUR
INTERRUPTED_CAP = 10 * MINUTE


class JobEntry(msgspec.Struct, frozen=True):
    """One entry of the queue. A job that succeeded leaves none; a `dead` one was given up.

    `attempts` counts runs that were started and not interrupted; `interruptions` how often the
    server stopped in the middle of a run. Times in ms; `error` is what the last failure said.
    """

    id: int
    name: str
    key: str
    payload: dict[str, Any]
    state: State
    run_at: int
    attempts: int
    interruptions: int
    error: str
    created_at: int
    started_at: int | None


class CronEntry(msgspec.Struct, frozen=True):
    """A job that runs by the clock, and how its last run went (`last_error` is "" where it went well)."""

    name: str
    schedule: str
    next_at: int
    is_paused: bool
    last_at: int | None
    last_took_ms: int | None
    last_error: str


def next_time(schedule: str, after: int, zone: str = "UTC") -> int:
    """The first moment of `schedule` (five fields of cron, as Debian reads them) later than `after`, in ms.

    Raises Invalid for a schedule or time zone that makes no sense, or one that never comes (30 February).
    """
    start = to_datetime(after)
    try:
        start = start if zone == "UTC" else start.astimezone(ZoneInfo(zone))
    except (ValueError, OSError, KeyError) as error:
        raise Invalid(f"{zone!r} is not a time zone.", hint="For example Europe/Berlin.") from error
    try:
        found: datetime = next(CronSim(check_fields(schedule), start))
    except (CronSimError, StopIteration) as error:
        raise Invalid(
            f"{schedule!r} is not a schedule: {error or 'such a time never comes'}.",
            hint="Five fields: minute, hour, day of month, month, day of week. For example */5 * * * *.",
        ) from error
    return int(found.timestamp()) * SECOND


def check_fields(schedule: str) -> str:
    """The schedule. Raises CronSimError where it has not five fields (CronSim itself would take six, with seconds)."""
    if len(schedule.split()) != 5:
        raise CronSimError("Wrong number of fields")
    return schedule


def delay_after_failure(attempts: int, chance: float) -> int:
    """How long to wait (ms) after that many failed attempts; `chance` (0 to 1) spreads those that failed together."""
    longest = min(BACKOFF_CAP, BACKOFF_FIRST * 2 ** min(attempts - 1, 20))
    return int(longest * (0.5 + chance / 2))


def delay_after_interruption(interruptions: int) -> int:
    """How long a job waits (ms) that the server did not survive: not at all the first time, then ever longer.

    A job that kills its server is thus not started at every start, and the owner can get at it.
    """
    return 0 if interruptions < 2 else min(INTERRUPTED_CAP, SECOND * 2 ** min(interruptions - 1, 20))
