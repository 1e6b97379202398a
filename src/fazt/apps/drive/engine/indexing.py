"""Search follows the drive, some seconds behind it and never in its way."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

from fazt.apps.drive import store
from fazt.core.errors import FaztError
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

PATIENCE_S = 2.0
MOST_ROUNDS = 30
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
            await calm(changed)
            try:
                await index_all(core)
            except FaztError as error:  # the disk is full, or the database is away: later, then
                log.warning("search does not know of all files yet: %s", error)
                await asyncio.sleep(REST_S)
                changed.set()
    finally:
        stop()


async def calm(changed: asyncio.Event) -> None:
    """Until nothing has changed for a moment, a minute at most: who copies a thousand files in is not held up."""
    for _ in range(MOST_ROUNDS):
        changed.clear()
        await asyncio.sleep(PATIENCE_S)
        if not changed.is_set():
            break
    changed.clear()


async def index_all(core: Core) -> None:
    """Bring search to where the drive is, in short steps, resting as long as it works."""
    started = perf_counter()
    place = await core.db.write_soon(store.index_some, None, core.clock())
    while place is not None:
        await asyncio.sleep(perf_counter() - started)
        started = perf_counter()
        place = await core.db.write_soon(store.index_some, place, core.clock())
