"""Delivers events after their commit: to the apps' on_event, then to whoever listens live."""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress

import msgspec
from prometheus_client import Counter

from fazt.core.clock import Clock
from fazt.core.db import Database
from fazt.core.errors import FaztError
from fazt.core.events import store
from fazt.core.events.model import Event
from fazt.core.log import get_logger
from fazt.core.metrics import REGISTRY

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
EXPORT_ROWS = 2_000
GATHER_S, MORE_S, LONGEST_GATHER_S = 0.01, 0.002, 0.05
"""A delivery is a commit of its own, which wakes all who listen: what happens within this time shares one. The more
there was (for each event so much longer), the longer; who tells one thing is heard at once."""

EVENTS = Counter("fazt_events", "Events delivered.", ("name",), registry=REGISTRY)

Listener = Callable[[Event], None]
Hears = Callable[[str], bool]
"""Whether anybody wants an event of this name just now."""

log = get_logger(__name__)


class Events:
    """The delivery of events. `handlers` are the apps that hear them: (app, its `on_event`), in their order.

    `hears` says by app which events these are; one that is not named there hears all.
    """

    def __init__(
        self,
        db: Database,
        handlers: Iterable[tuple[str, store.OnEvent]],
        clock: Clock,
        hears: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.handlers = dict(handlers)
        self._hears = store.Hears(self.handlers, hears)
        self._db = db
        self._clock = clock
        self._listeners: list[Listener] = []
        self._live: list[tuple[Listener, Hears]] = []
        self._woken = asyncio.Event()

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Deliver inside the block, beginning with what is left from before."""
        stop_watching = self._db.watch(store.SIGNAL, self._woken.set)
        task = asyncio.create_task(self._deliver_forever(), name="fazt events")
        try:
            yield
        finally:
            stop_watching()
            task.cancel()
            await asyncio.wait([task])

    def listen(self, callback: Listener) -> Callable[[], None]:
        """Have `callback(event)` run on the loop for each event once it is delivered, in their order.

        Answers how to stop. A callback must be quick and keep nobody waiting; nothing is kept for it.
        """
        self._listeners.append(callback)

        def stop() -> None:
            with suppress(ValueError):
                self._listeners.remove(callback)

        return stop

    def listen_live(self, callback: Listener, hears: Hears) -> Callable[[], None]:
        """Have `callback(event)` run for events that nobody keeps, as far as `hears(name)`; answers how to stop."""
        entry = (callback, hears)
        self._live.append(entry)

        def stop() -> None:
            with suppress(ValueError):
                self._live.remove(entry)

        return stop

    def is_heard(self, name: str) -> bool:
        """Whether anybody would hear an event told by `tell_live`; where nobody would, it need not be made."""
        return any(hears(name) for _, hears in self._live)

    def tell_live(self, fact: Event) -> None:
        """Tell it to whoever listens at this moment. It is not written down, and no app's `on_event` hears it."""
        for listener, hears in tuple(self._live):
            try:
                if hears(fact.name):
                    listener(fact)
            except Exception:  # a rim: one listener's trouble is not that of who tells
                log.exception("%s: the live listener %r failed", fact.name, listener)

    async def export(self, *, prefix: str = "", about: str = "") -> AsyncIterator[bytes]:
        """All of the log, newest first, a JSON object a line; page by page, so that millions take no memory."""
        before = await self._db.read(store.find_newest) + 1
        while before > 1:
            found = await self._db.read(
                store.list_events, before_id=before, prefix=prefix, about=about, limit=EXPORT_ROWS, look=EXPORT_ROWS
            )
            yield b"".join(msgspec.json.encode(fact) + b"\n" for fact in found)
            before -= EXPORT_ROWS

    async def _deliver_forever(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            self._woken.clear()
            try:
                events = await self._db.write_soon(store.deliver_batch, self._hears, now=self._clock())
            except Exception as error:  # a rim: delivery goes on when the database does
                unforeseen = None if isinstance(error, FaztError) else error
                log.warning("events wait %.1f s: %s", pause_s, error, exc_info=unforeseen)
                await asyncio.sleep(pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
                continue
            pause_s = FIRST_PAUSE_S
            for name, count in Tally(fact.name for fact in events).items():
                EVENTS.labels(name).inc(count)
            for fact in events:
                self._tell(fact)
            if len(events) < store.BATCH:
                await self._woken.wait()
                await asyncio.sleep(min(LONGEST_GATHER_S, GATHER_S + MORE_S * len(events)))

    def _tell(self, fact: Event) -> None:
        for listener in tuple(self._listeners):
            try:
                listener(fact)
            except Exception:  # a rim: one listener's trouble never costs another the event
                log.exception("%s: the listener %r failed", fact.name, listener)
