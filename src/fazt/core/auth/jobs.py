"""Background work of auth: forgetting what has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.app import Job
from fazt.core.auth.store import delete_ended

if TYPE_CHECKING:
    from fazt.core import Core


async def run_forgetting(core: Core, _payload: dict[str, Any]) -> None:
    """Take ended sessions and dead links out of the file."""
    await core.db.write(delete_ended, core.clock())


JOBS = (Job("auth.forget", run_forgetting, "Forgets ended sessions and dead links.", cron="41 * * * *"),)
