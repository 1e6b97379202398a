"""Background work: learn what a new version asks for, forget what is old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.runtime import actions
from fazt.apps.runtime.store import SYNC_JOB, kv, runs, sites
from fazt.core.app import Job
from fazt.core.clock import DAY

if TYPE_CHECKING:
    from fazt.core import Core


async def sync(core: Core, payload: dict[str, Any]) -> None:
    """Take over the cron entries and events of the version that is shown."""
    await actions.sync_site(core, str(payload["site"]))


async def sweep(core: Core, _payload: dict[str, Any]) -> None:
    """Remove keys that have expired; code has not seen them since."""
    while await core.db.write(kv.sweep_entries, now=core.clock()):
        pass


async def prune(core: Core, _payload: dict[str, Any]) -> None:
    """Forget old runs, and all of sites that are gone for good."""
    before = core.clock() - core.settings.get("runtime.runs_days") * DAY
    while await core.db.write(runs.prune_runs, before=before):
        pass
    for site_id in await core.db.read(sites.list_site_ids):
        if await actions.is_gone(core, site_id):
            await core.db.write(sites.forget_site, site_id)


JOBS = (
    Job(SYNC_JOB, sync, "Takes over what a site's code asks for."),
    Job("runtime.sweep", sweep, "Removes keys of sites' stores that have expired.", cron="* * * * *"),
    Job("runtime.prune", prune, "Forgets old runs, and what was kept of sites that are gone.", cron="23 4 * * *"),
)
