"""What is done by the clock: pads come to rest, leave memory and end; dead connections are cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from fazt.apps.pads import store
from fazt.apps.pads.engine.line import FORBIDDEN, Line
from fazt.apps.pads.engine.pads import Pads, get_pads
from fazt.apps.pads.engine.room import Room
from fazt.apps.pads.wire.messages import KEEP_ALIVE
from fazt.core import frames
from fazt.core.auth.store.changes import CHANGED
from fazt.core.clock import DAY, MINUTE
from fazt.core.errors import FaztError
from fazt.core.log import get_logger
from fazt.core.shares import SIGNAL as SHARES_SIGNAL

if TYPE_CHECKING:
    from fazt.core import Core

TICK_S = 0.5
REST_S, LONGEST_UNREST_S = 1.0, 10.0
LINGER_S = 5.0
QUIET_S, SILENT_S, SLOW_S = 20.0, 75.0, 20.0
CHECK_S = 60.0
RETRY_S = 5.0

log = get_logger(__name__)


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """Pads are looked after for as long as the program runs; at its end all of them come to rest."""
    pads = get_pads(core)
    woken = asyncio.Event()
    stops = [core.db.watch(store.SIGNAL, woken.set)]
    stops += [core.db.watch(signal, partial(check_soon, pads)) for signal in (SHARES_SIGNAL, CHANGED)]
    tasks = [
        asyncio.create_task(tick_forever(pads), name="fazt pads tending"),
        asyncio.create_task(sweep_forever(pads, woken), name="fazt pads sweeping"),
    ]
    try:
        yield
    finally:
        for stop in stops:
            stop()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for room in tuple(pads.rooms.values()):
            with suppress(FaztError):
                await rest(room)


async def rest(room: Room) -> None:
    """Everything that waits about a room is done."""
    if room.error is None:
        if room.changed_at:
            await room.settle()
        if room.state_bytes:
            await room.keep_state()


# --- every half second


async def tick_forever(pads: Pads) -> None:
    """Until it is cancelled."""
    while True:
        await asyncio.sleep(TICK_S)
        for room in tuple(pads.rooms.values()):
            await attempt(room.pad.id, tend(pads, room))


async def attempt(what: str, work: Coroutine[Any, Any, None]) -> None:
    """One pad's trouble is no other's."""
    try:
        await work
    except FaztError as error:
        log.warning("pad %s is not looked after now: %s", what, error)


async def tend(pads: Pads, room: Room) -> None:
    """One room."""
    now = room.loop.time()
    for line in tuple(room.lines):
        tend_line(room, line, now)
    await check_lines(room, now)
    if room.changed_at and (now - room.last_change_at > REST_S or now - room.changed_at > LONGEST_UNREST_S):
        await room.settle()
    if room.wants_state:
        await room.keep_state()
    if room.is_idle and now - room.idle_since > LINGER_S:
        await rest(room)
        if room.is_idle:
            pads.forget(room)


def tend_line(room: Room, line: Line, now: float) -> None:
    """Quiet clients hear something, silent ones are asked, dead and slow ones are cut."""
    slow_since = room.slow.get(line)
    if now - line.heard_at > SILENT_S or (slow_since is not None and now - slow_since > SLOW_S):
        line.transport.abort()
    elif now - line.said_at > QUIET_S:
        line.say(KEEP_ALIVE)
        line.write(frames.build(frames.PING, b""))


async def check_lines(room: Room, now: float) -> None:
    """Whether those who are connected may still be, each once a minute."""
    for line in [line for line in room.lines if now - line.checked_at > CHECK_S]:
        line.checked_at = now
        await check_line(line)


def check_soon(pads: Pads) -> None:
    """Some link has ended or is another, or who made it is: at the next tick whoever came by one is checked."""
    for room in pads.rooms.values():
        for line in room.lines:
            if line.who.by_link:
                line.doubt()


async def check_line(line: Line) -> None:
    """End a connection that is not allowed any more."""
    if line.who.check is not None and not await line.who.check():
        line.end(FORBIDDEN, "You may not open this pad any more.")


async def check_all(pads: Pads, pad_id: str) -> None:
    """After a change of who may: whoever may not any more is shown out."""
    room = pads.rooms.get(pad_id)
    for line in tuple(room.lines) if room is not None else ():
        await check_line(line)


# --- the end of pads, and what an end of the program left


async def sweep_forever(pads: Pads, woken: asyncio.Event) -> None:
    """Erase what has ended, on the second; let what changed come to rest."""
    while True:
        woken.clear()
        try:
            await sweep(pads)
            await settle_closed(pads)
            end = await pads.core.db.read(store.find_next_end)
        except FaztError as error:
            log.warning("pads are not swept now: %s", error)
            await asyncio.sleep(RETRY_S)
            continue
        now = pads.core.clock()
        wait_ms = max(20, min(now + MINUTE, end if end is not None else now + MINUTE) - now + 1)
        with suppress(TimeoutError):
            await asyncio.wait_for(woken.wait(), wait_ms / 1000)


async def sweep(pads: Pads) -> None:
    """Erase what has ended."""
    core = pads.core
    while ids := await core.db.write(store.erase_expired, core.clock(), core.clock() - DAY, tuple(pads.rooms)):
        for pad_id in ids:
            pads.end(pad_id)
        await pads.scrub()


async def settle_closed(pads: Pads) -> None:
    """Pads that nobody has open, and of which search does not know the latest."""
    core = pads.core
    for pad_id in await core.db.read(store.list_unsettled):
        if pad_id not in pads.rooms:
            await attempt(pad_id, settle_one(pads, pad_id))


async def settle_one(pads: Pads, pad_id: str) -> None:
    """One of them."""
    async with pads.using(pad_id) as room:
        await room.settle()
