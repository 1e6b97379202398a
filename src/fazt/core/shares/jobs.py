"""Background work of shares: forgetting those that ended long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.app import Job
from fazt.core.shares.store import forget_expired

if TYPE_CHECKING:
    from fazt.core import Core


async def run_forgetting(core: Core, _payload: dict[str, Any]) -> None:
    """Take shares out of the file that expired long ago."""
    await core.db.write(forget_expired, now=core.clock())


JOBS = (Job("shares.forget", run_forgetting, "Forgets shares that expired a month ago.", cron="17 4 * * *"),)
