"""Ends drops on the second, and removes their bytes at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fazt.apps.drops import store
from fazt.apps.drops.engine.desk import get_desk
from fazt.core.clock import MINUTE
from fazt.core.errors import FaztError, Locked, NotFound
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

LONGEST_MS = MINUTE
RETRY_S = 5.0

log = get_logger(__name__)


async def sweep(core: Core) -> None:
    """Remove all that has ended and is not being read."""
    desk = get_desk(core)
    while await core.db.read(store.is_due, core.clock(), tuple(desk.busy())):
        swept = await core.db.write(store.sweep, core.clock(), tuple(desk.busy()))
        for upload in swept.blob_uploads:
            with suppress(NotFound, Locked):  # it was swept away already, or its last bytes are just coming in
                await core.blobs.abandon(upload)
        await core.blobs.purge(swept.hashes)


async def sweep_forever(core: Core, woken: asyncio.Event) -> None:
    """Sweep when something ends, when something changes, and once a minute; a full or absent database is no end."""
    while True:
        woken.clear()
        try:
            await sweep(core)
            end = await core.db.read(store.find_next_end)
        except FaztError as error:
            log.warning("drops are not swept now: %s", error)
            await asyncio.sleep(RETRY_S)
            continue
        now = core.clock()
        ends = [now + LONGEST_MS, *(at for at in (end, get_desk(core).next_free()) if at is not None)]
        wait_ms = max(20, min(ends) - now + 1)
        with suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), wait_ms / 1000)


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """Drops end on time for as long as the program runs."""
    desk = get_desk(core)
    woken = asyncio.Event()
    desk.on_idle = woken.set
    stop = core.db.watch(store.SIGNAL, woken.set)
    task = asyncio.create_task(sweep_forever(core, woken), name="fazt drops")
    try:
        yield
    finally:
        stop()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
