"""Search follows the drive, some seconds behind it and never in its way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fazt.apps.drive import store
from fazt.core.errors import FaztError
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

PATIENCE_S = 2.0
REST_S = 30.0

log = get_logger(__name__)


async def index_forever(core: Core) -> None:
    """Tell search of each change; runs until it is cancelled."""
    changed = asyncio.Event()
    changed.set()
    stop = core.db.watch(store.CHANGED, changed.set)
    try:
        while True:
            await changed.wait()
            await asyncio.sleep(PATIENCE_S)
            changed.clear()
            try:
                await index_all(core)
            except FaztError as error:  # the disk is full, or the database is away: later, then
                log.warning("search does not know of all files yet: %s", error)
                await asyncio.sleep(REST_S)
                changed.set()
    finally:
        stop()


async def index_all(core: Core) -> None:
    """Bring search to where the drive is, in steps that others may come between."""
    place = await core.db.write(store.index_some, None, core.clock())
    while place is not None:
        await asyncio.sleep(0)
        place = await core.db.write(store.index_some, place, core.clock())
