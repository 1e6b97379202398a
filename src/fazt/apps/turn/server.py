"""The relay's life: its process is started with the program, kept up to date, and measured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from fazt.apps.turn import store
from fazt.apps.turn.engine.desk import Desk, get_desk
from fazt.apps.turn.model import measure_moment
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

log = get_logger(__name__)

MINUTE_S = 60.0
READY_S = 10.0
TOLD = (
    "turn.static_users",
    "turn.allow_peers",
    "turn.external_addresses",
    "turn.max_allocations",
    "turn.max_allocations_per_user",
    "turn.max_kbps_per_allocation",
    "turn.max_kbps",
    "turn.max_age_hours",
    "turn.refusals_per_second",
    "turn.certificate_file",
    "turn.key_file",
)
"""Settings that reach the relay while it runs."""


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """The relay runs inside this block, where `--turn-listen` asks for it."""
    desk = get_desk(core)
    if core.config.turn_listen is None:
        yield
        return
    changed = asyncio.Event()
    stops = [core.settings.watch(name, lambda _value: changed.set()) for name in TOLD]
    stops.append(core.tls.watch(changed.set))
    tasks = [
        asyncio.create_task(desk.child.run()),
        asyncio.create_task(keep_told(desk, changed)),
        asyncio.create_task(keep_figures(core, desk)),
    ]
    if not await desk.child.wait_until_ready(READY_S):
        log.error("the relay does not listen yet: %s", desk.child.problem or "no answer")
    try:
        yield
    finally:
        for stop in stops:
            stop()
        for task in reversed(tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def keep_told(desk: Desk, changed: asyncio.Event) -> None:
    """Tell the relay when settings change, and each minute in case a secret or a certificate file has."""
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), MINUTE_S)
        changed.clear()
        if await desk.has_changed():
            await desk.child.refresh()


async def keep_figures(core: Core, desk: Desk) -> None:
    """Write down each minute in which something happened."""
    before = desk.child.figures
    while True:
        await asyncio.sleep(MINUTE_S)
        after = desk.child.figures
        if after.started_at == before.started_at:
            moment = measure_moment(core.clock(), before, after)
            if moment.allocations or moment.packets or moment.started or moment.refused or moment.dropped:
                await core.db.write(store.add_moment, moment)
        before = after
