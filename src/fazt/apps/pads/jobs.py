"""Background work of pads: old history is kept in larger steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.pads import store
from fazt.core.app import Job

if TYPE_CHECKING:
    from fazt.core import Core


async def run_thinning(core: Core, _payload: dict[str, Any]) -> None:
    """One write for each pad, so that nobody waits for all of them."""
    most = core.settings.get("pads.history_mb") * 1_048_576
    for pad_id in await core.db.read(store.list_thinnable, core.clock(), most):
        await core.db.write(store.thin, pad_id, core.clock(), most)


JOBS = (Job("pads.thin", run_thinning, "Keeps old changes of pads in larger steps.", cron="41 * * * *"),)
