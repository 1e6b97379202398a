"""Background work of certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.app import Job
from fazt.core.tls.engine.keeper import get_keeper
from fazt.core.tls.engine.warning import warn
from fazt.core.tls.store import KEEP_JOB, wake_keeper

if TYPE_CHECKING:
    from fazt.core import Core


async def keep(core: Core, _payload: dict[str, Any]) -> None:
    """Ask for what is missing or due, and come back when there is more to do."""
    next_at = await get_keeper(core).keep()
    await core.db.write(wake_keeper, now=core.clock(), run_at=next_at)


async def warn_owner(core: Core, _payload: dict[str, Any]) -> None:
    """Tell the owner of what will run out."""
    await warn(core)


JOBS = (
    Job(
        KEEP_JOB,
        keep,
        "Gets and renews certificates for all names of this cloud.",
        cron="*/30 * * * *",
        timeout_s=7_200,
    ),
    Job("tls.warn", warn_owner, "Tells the owner of certificates that will run out.", cron="23 7 * * *"),
)
