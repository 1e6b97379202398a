"""What the hub does by the clock: keep-alives, dead lines, credentials that ended, and messages that are due."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fazt.apps.pubsub.engine.reader import Reader
from fazt.apps.pubsub.model.topic import is_pattern
from fazt.apps.pubsub.store import delayed
from fazt.apps.pubsub.store.rules import RULES
from fazt.apps.pubsub.store.topics import SIGNAL, TOPICS
from fazt.core.auth.store.changes import CHANGED
from fazt.core.errors import FaztError, Unavailable
from fazt.core.log import get_logger
from fazt.core.shares import SIGNAL as SHARES_SIGNAL

if TYPE_CHECKING:
    from fazt.apps.pubsub.engine.hub import Hub

TICK_S = 1.0
WRITE_TIMEOUT_S = 120.0
ENDING_TIMEOUT_S = 10.0
CHECK_S = 60.0
SILENT_KEEPALIVES = 2.5
CHECKS_A_TICK = 1_000
CHECKS_AT_ONCE = 50
SHOWN_AT_ONCE = 500
AT_ONCE = 1e-6
"""A time that has come, and is none of a listener that is new."""

LONGEST_WAIT_S = 3_600.0

log = get_logger(__name__)


@asynccontextmanager
async def tend(hub: Hub) -> AsyncIterator[None]:
    """Look after the hub inside the block."""
    due, changed = asyncio.Event(), Changes(hub)
    settings = hub.core.settings
    stops = [
        hub.db.watch(SIGNAL, hub.look),
        hub.db.watch(delayed.DUE, due.set),
        hub.db.watch(RULES, lambda: changed.note("rules")),
        hub.db.watch(TOPICS, lambda: changed.note("topics")),
        settings.watch("pubsub.members", lambda _: changed.note("rules")),
        hub.db.watch(SHARES_SIGNAL, lambda: check_soon(hub)),
        hub.db.watch(CHANGED, lambda: check_soon(hub)),
    ]
    tasks = [
        hub.loop.create_task(tick_forever(hub), name="fazt pubsub tending"),
        hub.loop.create_task(publish_forever(hub, due), name="fazt pubsub due"),
        hub.loop.create_task(changed.follow_forever(), name="fazt pubsub changes"),
    ]
    hub.look()  # what was added between loading and watching
    try:
        yield
    finally:
        for stop in stops:
            if stop is not None:
                stop()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class Changes:
    """Rules and options that changed are read again, soon."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._what: set[str] = set()
        self._woken = asyncio.Event()

    def note(self, what: str) -> None:
        """`rules` or `topics` changed."""
        self._what.add(what)
        self._woken.set()

    async def follow_forever(self) -> None:
        """Read what changed."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            what, self._what = self._what, set()
            try:
                if "rules" in what:
                    await self._hub.load_rules()
                    await show_out(self._hub)
                if "topics" in what:
                    await self._hub.load_volatile()
            except Unavailable as error:
                log.warning("rules of topics cannot be read just now: %s", error)
                self._hub.loop.call_later(TICK_S, self.note, "rules")


async def show_out(hub: Hub) -> None:
    """End whoever named a topic that is not for them any more, as they would be refused when they came."""
    for number, reader in enumerate(tuple(hub.readers)):
        if not all(is_pattern(topic) or reader.may_hear(topic) for topic in reader.patterns):
            reader.refuse()
        if number % SHOWN_AT_ONCE == SHOWN_AT_ONCE - 1:
            await asyncio.sleep(0)


def check_soon(hub: Hub) -> None:
    """A link, or who made one, has changed: whoever came by a link is looked at by the next ticks."""
    for reader in hub.readers:
        if reader.granted:
            reader.check_at = AT_ONCE


async def tick_forever(hub: Hub) -> None:
    """Look after every line, once a second."""
    while True:
        await asyncio.sleep(TICK_S)
        now = hub.loop.time()
        keepalive_s = float(hub.core.settings.get("pubsub.keepalive_seconds"))
        to_check = [reader for reader in tuple(hub.readers) if look_after(reader, now, keepalive_s)]
        for number, reader in enumerate(sorted(to_check, key=due_at)[:CHECKS_A_TICK]):
            await check(reader, now)
            if number % CHECKS_AT_ONCE == CHECKS_AT_ONCE - 1:
                await asyncio.sleep(0)


def look_after(reader: Reader, now: float, keepalive_s: float) -> bool:
    """Keep one line alive or give it up; whether its credentials are to be looked at again."""
    line = reader.line
    if line is None:
        return False
    if line.is_ending:
        line.paused_at = line.paused_at or now
        if now - line.paused_at > ENDING_TIMEOUT_S:
            line.transport.abort()
        return False
    if line.paused_at and now - line.paused_at > WRITE_TIMEOUT_S:
        line.transport.abort()
        return False
    if now >= reader.keepalive_at:
        if reader.format.is_answered and now - line.heard_at > keepalive_s * SILENT_KEEPALIVES:
            line.transport.abort()
            return False
        if reader.keepalive_at and not reader.is_paused:
            reader.write(reader.format.keepalive(reader.label))
        reader.keepalive_at = now + keepalive_s
    return reader.check is not None and now >= reader.check_at


def due_at(reader: Reader) -> float:
    """When it was to be looked at."""
    return reader.check_at


async def check(reader: Reader, now: float) -> None:
    """End a listener whose token, session or link has ended."""
    if reader.check_at and reader.check is not None:
        try:
            is_good = await reader.check()
        except Unavailable:
            return
        except FaztError:
            is_good = False
        if not is_good:
            reader.refuse()
    reader.check_at = now + CHECK_S


async def publish_forever(hub: Hub, due: asyncio.Event) -> None:
    """Publish what was put off, each at its time."""
    while True:
        due.clear()
        wait_s = LONGEST_WAIT_S
        try:
            while await hub.db.write(delayed.publish_due, hub.limits(), now=hub.clock(), tell=hub.tell):
                pass
            at = await hub.db.read(delayed.next_due)
            if at is not None:
                wait_s = min(LONGEST_WAIT_S, max(0.0, (at - hub.clock()) / 1_000))
        except FaztError as error:
            log.warning("messages that are due wait: %s", error)
            wait_s = TICK_S
        await wait_for(due.wait(), wait_s)


async def wait_for(waiting: Coroutine[Any, Any, Any], timeout_s: float) -> None:
    """Wait for it, at most so long."""
    task = asyncio.ensure_future(waiting)
    await asyncio.wait([task], timeout=timeout_s)
    task.cancel()
