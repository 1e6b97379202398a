"""The sweep: what nobody keeps goes, and empty pages are given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.app import Job
from fazt.core.blobs.store import Graces
from fazt.core.clock import HOUR, MINUTE

if TYPE_CHECKING:
    from fazt.core import Core


async def sweep(core: Core, _payload: dict[str, Any]) -> None:
    """Remove unkept blobs and silent uploads after their grace times."""
    blob_ms = core.settings.get("blobs.grace_minutes") * MINUTE
    upload_ms = core.settings.get("blobs.upload_hours") * HOUR
    await core.blobs.sweep(Graces(blob_ms, upload_ms))


JOBS = (
    Job(
        "blobs.sweep",
        sweep,
        help="Remove bytes that nothing refers to, and give empty pages back to the disk.",
        cron="*/10 * * * *",
        timeout_s=3600.0,
    ),
)
