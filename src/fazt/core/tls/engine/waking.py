"""Wakes the keeper when a name may need something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fazt.core.errors import FaztError
from fazt.core.log import get_logger
from fazt.core.settings import CHANGED
from fazt.core.tls import store
from fazt.core.tls.engine.keeper import get_keeper
from fazt.core.tls.settings import SETTINGS

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.events import Event

RETRY_S = 5.0

log = get_logger(__name__)


@asynccontextmanager
async def keeping(core: Core) -> AsyncIterator[None]:
    """Inside the block every name is looked at now, and whenever an app that lists hosts tells something."""
    keeper = get_keeper(core)
    woken = asyncio.Event()
    woken.set()

    def hear(event: Event) -> None:
        subject = event.data["name"] if event.name == CHANGED else event.name
        if subject.partition(".")[0] in core.host_listers:
            woken.set()

    stops = [core.events.listen(hear)]
    stops += [core.settings.watch(setting.name, lambda _value: woken.set()) for setting in SETTINGS]
    task = asyncio.create_task(wake_forever(core, woken), name="fazt tls keeper")
    try:
        yield
    finally:
        keeper.stopping.set()
        for stop in stops:
            stop()
        task.cancel()
        await asyncio.wait([task])


async def wake_forever(core: Core, woken: asyncio.Event) -> None:
    """Queue the job each time."""
    while True:
        await woken.wait()
        woken.clear()
        try:
            await core.db.write(store.wake_keeper, now=core.clock())
        except FaztError as error:
            log.warning("certificates are looked at a little later: %s", error)
            await asyncio.sleep(RETRY_S)
            woken.set()
