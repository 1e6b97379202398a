"""What goes in the background: trash, versions, locks and uploads whose time is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.drive import store
from fazt.apps.drive.actions import quota_bytes
from fazt.core.app import Job
from fazt.core.clock import DAY

if TYPE_CHECKING:
    from fazt.core import Core

CHANGES_DAYS = 90
UPLOAD_DAYS = 1


async def sweep(core: Core, _payload: dict[str, Any]) -> None:
    """Forget what is over, some at a time."""
    now, write = core.clock(), core.db.write
    await write(store.sweep_locks, now)
    await write(store.expire_trash, now - core.settings.get("drive.trash_days") * DAY)
    while await write(store.sweep_versions, now - core.settings.get("drive.version_days") * DAY):
        pass
    while await write(store.sweep_uploads, now - UPLOAD_DAYS * DAY):
        pass
    while await write(store.forget_changes, now - CHANGES_DAYS * DAY):
        pass
    await write(store.make_room, quota_bytes(core))
    while await write(store.purge_some):
        pass
    while await write(store.sweep_thumbs, now - CHANGES_DAYS * DAY):
        pass


JOBS = (
    Job(
        "drive.sweep",
        sweep,
        help="Forget deleted files, earlier versions, locks and uploads whose time is over.",
        cron="23 * * * *",
        timeout_s=3_600.0,
    ),
)
