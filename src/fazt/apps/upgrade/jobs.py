"""Upgrades by the clock: a look once a day, and a word about what happened while no server ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.upgrade import store
from fazt.apps.upgrade.actions import look
from fazt.apps.upgrade.engine import note_outcome
from fazt.core.app import Job
from fazt.core.clock import DAY, HOUR
from fazt.core.errors import FaztError
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

log = get_logger(__name__)


async def watch(core: Core, _payload: dict[str, Any]) -> None:
    """Look, when the last look is a day old; so each cloud has a time of day of its own."""
    await note_outcome(core)
    if not core.settings.get("upgrade.check") or not core.settings.get("upgrade.releases_url"):
        return
    looked = await core.db.read(store.find_look)
    if looked is not None and core.clock() - looked[0] < DAY - HOUR:
        return
    try:
        await look(core)
    except FaztError as error:
        log.warning("releases cannot be looked up: %s", error)


JOBS = (Job("upgrade.watch", watch, help="See whether there is a newer version.", cron="24 * * * *", timeout_s=300),)
