"""A level-triggered epoll loop: the relay's whole scheduler.

One handler a descriptor, one read an event. Measured beside asyncio, uvloop and recvmmsg before it was chosen:
docs/decisions/0031-relay-loop.md.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

Handler = Callable[[int], object]

TICK_S = 1.0


class Loop:
    """Calls a descriptor's handler when it is ready, and `on_tick` about once a second."""

    def __init__(self, on_tick: Callable[[float], object]) -> None:
        self.on_tick = on_tick
        self._epoll = select.epoll()
        self._handlers: dict[int, Handler] = {}
        self._is_running = False

    def watch(self, descriptor: int, handler: Handler, events: int = select.EPOLLIN) -> None:
        """Call `handler(events)` whenever `descriptor` is ready."""
        self._handlers[descriptor] = handler
        self._epoll.register(descriptor, events)

    def change(self, descriptor: int, events: int) -> None:
        """Wait for other events than before."""
        self._epoll.modify(descriptor, events)

    def forget(self, descriptor: int) -> None:
        """To be called before the descriptor is closed; harmless after."""
        if self._handlers.pop(descriptor, None) is not None:
            with suppress(OSError):
                self._epoll.unregister(descriptor)

    def run(self) -> None:
        """Work until `stop`."""
        self._is_running = True
        poll, handlers = self._epoll.poll, self._handlers
        next_tick = monotonic()
        while self._is_running:
            for descriptor, events in poll(TICK_S):
                # A handler earlier in this round may have closed this one.
                handler = handlers.get(descriptor)
                if handler is not None:
                    handler(events)
            now = monotonic()
            if now >= next_tick:
                self.on_tick(now)
                next_tick = now + TICK_S

    def stop(self) -> None:
        """Let `run` return after this round."""
        self._is_running = False
