"""Background work of events: deliveries that failed at first, and forgetting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.app import Job
from fazt.core.clock import DAY
from fazt.core.events.store import RETRY_JOB, deliver_again, prune_events

if TYPE_CHECKING:
    from fazt.core import Core


async def run_delivery(core: Core, payload: dict[str, Any]) -> None:
    """Bring one event to one app that failed to take it before."""
    await core.db.write(deliver_again, core.events.handlers, payload)


async def run_pruning(core: Core, _payload: dict[str, Any]) -> None:
    """Forget what is older than the owner wants to look back."""
    before = core.clock() - core.settings.get("events.keep_days") * DAY
    while await core.db.write(prune_events, before=before):
        pass


JOBS = (
    Job(RETRY_JOB, run_delivery, "Brings an event to an app that failed to take it before.", max_attempts=12),
    Job("events.prune", run_pruning, "Forgets old events.", cron="17 3 * * *"),
)
