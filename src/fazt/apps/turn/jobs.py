"""What goes in the background: old figures and ended invitations are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.turn import store
from fazt.core.app import Job

if TYPE_CHECKING:
    from fazt.core import Core


async def prune(core: Core, _payload: dict[str, Any]) -> None:
    """Forget what is over."""
    await core.db.write(store.prune, core.clock())


JOBS = (Job("turn.prune", prune, help="Forget old figures of the relay and ended invitations.", cron="43 3 * * *"),)
