"""One client's WebSocket: what it says is taken in small portions, and what it hears is written to the transport."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from fazt.apps.pads.wire import messages
from fazt.core import frames
from fazt.core.errors import FaztError
from fazt.core.http.takeover import Taken

if TYPE_CHECKING:
    from fazt.apps.pads.engine.room import Room
    from fazt.core.auth import Caller

PORTION = 32
MAX_UNSAVED = 256
MAX_UNREAD_BYTES = 8_000_000
FORBIDDEN, GONE, TOO_LARGE, CUT, BROKEN = 4403, 4404, 4413, 4422, 4500
"""y-websocket comes back after every code but 4400 to 4499."""
MAX_GAPS = 8


@dataclass(slots=True)
class Who:
    """Who is at the other end. `check` finds out anew whether they still may; None where nothing can end that."""

    name: str
    may_write: bool
    wants_saved: bool = False
    check: Callable[[], Awaitable[bool]] | None = None
    by_link: bool = False
    caller: Caller | None = None


class Line(Taken):
    """A connection to a room."""

    __slots__ = (
        "_inbox",
        "_is_working",
        "_parser",
        "brought",
        "checked_at",
        "gaps",
        "heard_at",
        "is_denied",
        "is_ending",
        "is_stopped",
        "leave",
        "loop",
        "room",
        "said_at",
        "told",
        "unsaved",
        "who",
    )

    def __init__(self, room: Room, who: Who, max_bytes: int) -> None:
        self.room = room
        self.who = who
        self.loop = asyncio.get_running_loop()
        self.heard_at = self.said_at = self.checked_at = self.loop.time()
        self.is_ending = self.is_denied = self.is_stopped = False
        self.brought = self.told = self.unsaved = self.gaps = 0
        self.leave: Callable[[], None] | None = None
        self._inbox: deque[bytes] = deque()
        self._is_working = False
        self._parser = frames.Parser(max_bytes)

    def taken(self) -> None:
        """See Taken: the handshake is over."""
        self.transport.set_write_buffer_limits(high=MAX_UNREAD_BYTES)
        self.room.join(self)
        if self.who.caller is not None:
            self.leave = self.room.core.auth.follow(self.who.caller, self.doubt)

    def doubt(self) -> None:
        """Whether it may still be here is to be found out at the next tick."""
        self.checked_at = -inf

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        super().connection_lost(exc)
        self.is_ending = True
        self._inbox.clear()
        if self.leave is not None:
            self.leave()
        self.room.leave(self)

    def shutdown(self) -> None:
        """See Taken."""
        self.end(frames.GOING_AWAY, "The server is stopping.")

    # --- hearing

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self.heard_at = self.loop.time()
        if self.is_ending:
            return
        try:
            for opcode, payload in self._parser.feed(data):
                self._handle(opcode, payload)
        except frames.Malformed as error:
            self.end(error.code, error.message)
        if not self._is_working:
            self._work()

    def _handle(self, opcode: int, payload: bytes) -> None:
        if opcode == frames.BINARY:
            self._inbox.append(payload)
        elif opcode == frames.PING:
            self.transport.write(frames.build(frames.PONG, payload))
        elif opcode == frames.CLOSE:
            code = frames.parse_close(payload)
            self.end(1000 if code == 1005 else code)
        elif opcode == frames.TEXT:
            raise frames.Malformed(1003, "This WebSocket speaks the protocol of y-websocket, in binary frames.")

    def _work(self) -> None:
        """Some messages; the loop gets its turn before the next ones, and no more are read meanwhile."""
        self._is_working = False
        for _ in range(PORTION):
            if not self._inbox or self.is_ending or self.unsaved >= MAX_UNSAVED:
                break
            self._take(self._inbox.popleft())
        self.look()

    def _take(self, message: bytes) -> None:
        try:
            self.room.hear(self, message)
        except FaztError as error:
            self.end(TOO_LARGE if error.kind == "too_large" else frames.POLICY, error.message)

    def look(self) -> None:
        """Whether to go on with what waits, and whether to read more."""
        if self.is_ending:
            return
        if self._inbox and self.unsaved < MAX_UNSAVED and not self._is_working:
            self._is_working = True
            self.loop.call_soon(self._work)
        should_stop = bool(self._inbox)
        if should_stop != self.is_stopped and not self.transport.is_closing():
            self.is_stopped = should_stop
            if should_stop:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    # --- saying

    def say(self, message: bytes) -> None:
        """One message."""
        self.write(frames.build(frames.BINARY, message))

    def write(self, framed: bytes) -> None:
        """Frames as they are. A client that does not read what it is sent is cut off."""
        if self.is_ending:
            return
        self.said_at = self.loop.time()
        self.transport.write(framed)
        if self in self.room.slow and self.transport.get_write_buffer_size() > 2 * MAX_UNREAD_BYTES:
            self.is_ending = True
            self.transport.abort()

    def pause_writing(self) -> None:
        """See asyncio.Protocol: more waits than a client in order would leave lying."""
        self.room.note_slow(self)

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self.room.slow.pop(self, None)

    def acknowledge(self, count: int) -> None:
        """So many of its changes are on disk."""
        if self.who.wants_saved and count > self.told:
            self.told = count
            self.say(messages.build_saved(count))

    def deny(self) -> None:
        """It brought a change and may only read."""
        if not self.is_denied:
            self.is_denied = True
            self.say(messages.build_denied("This link is for reading only."))

    def end(self, code: int, reason: str = "") -> None:
        """Say goodbye, then end the connection."""
        if not self.is_ending:
            self.is_ending = True
            self._inbox.clear()
            self.transport.write(frames.build_close(code, reason))
            self.transport.close()
