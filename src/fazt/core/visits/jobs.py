"""Summing what came, and forgetting what is old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.app import Job

if TYPE_CHECKING:
    from fazt.core import Core


async def roll_up(core: Core, _payload: dict[str, Any]) -> None:
    """Bring the sums up to date."""
    await core.visits.roll_up()


async def prune(core: Core, _payload: dict[str, Any]) -> None:
    """Forget salts, visitors and visits whose time is over."""
    await core.visits.prune()


JOBS = (
    Job(
        "visits.roll_up",
        roll_up,
        help="Add the visits since last time to the sums by hour, day and month.",
        cron="*/5 * * * *",
        timeout_s=3600.0,
    ),
    Job(
        "visits.prune",
        prune,
        help="Forget yesterday's salt, who visited, and visits older than visits.keep_days.",
        cron="7 * * * *",
        timeout_s=3600.0,
    ),
)
