"""Background work of links: titles, and forgetting what was deleted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fazt.apps.links import store
from fazt.apps.links.actions import TITLE_JOB, fetch_title
from fazt.core.app import Job
from fazt.core.errors import NotFound

if TYPE_CHECKING:
    from fazt.core import Core


async def run_title(core: Core, payload: dict[str, Any]) -> None:
    """The title of one link's target."""
    with suppress(NotFound):  # deleted meanwhile
        await fetch_title(core, int(payload["link"]))


async def run_forgetting(core: Core, _payload: dict[str, Any]) -> None:
    """Delete for good what was deleted long ago."""
    await core.db.write(store.forget_deleted, days=core.settings.get("links.trash_days"), now=core.clock())


JOBS = (
    Job(TITLE_JOB, run_title, "Asks the page that a link leads to for its title.", max_attempts=2, timeout_s=30),
    Job("links.forget", run_forgetting, "Deletes links for good that were deleted long ago.", cron="37 4 * * *"),
)
