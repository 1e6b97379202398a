"""What goes in the background: files of forgotten versions, deploys that broke off, deleted sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.sites import store
from fazt.core.app import Job
from fazt.core.clock import DAY, HOUR

if TYPE_CHECKING:
    from fazt.core import Core


async def collect(core: Core, payload: dict[str, Any]) -> None:
    """Forget the files of one site that no version holds."""
    while await core.db.write(store.collect_some, int(payload["site_id"])):
        pass


async def sweep(core: Core, _payload: dict[str, Any]) -> None:
    """Forget what deploys left that broke off, and sites that were deleted long ago."""
    now = core.clock()
    stale = now - core.settings.get("sites.upload_hours") * HOUR
    await core.db.write(store.sweep_deploys, stale)
    while await core.db.write(store.sweep_uploads, stale):
        pass
    gone = now - core.settings.get("sites.trash_days") * DAY
    for site_id in await core.db.read(store.list_condemned, gone):
        while await core.db.write(store.purge_some, site_id, gone):
            pass


JOBS = (
    Job(store.COLLECT_JOB, collect, help="Remove files that only forgotten versions of a site had."),
    Job("sites.sweep", sweep, help="Remove deploys that broke off, and deleted sites.", cron="17 * * * *"),
)
