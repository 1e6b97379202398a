"""The connections of listeners, taken over from uvicorn: what is written goes to the transport as it is."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from fazt.core import frames
from fazt.core.http.takeover import Taken

HIGH_WATER_BYTES = 65_536
MAX_INBOX = 64
MAX_INBOX_BYTES = 1_048_576


class Listener(Protocol):
    """What a line tells of itself."""

    def opened(self) -> None:
        """The line is there."""

    def pause(self) -> None:
        """The client does not keep up."""

    def resume(self) -> None:
        """It has caught up."""

    def lost(self) -> None:
        """The connection is gone."""


class Line(Taken):
    """A connection over which one listener hears."""

    __slots__ = ("heard_at", "is_ending", "listener", "loop", "paused_at")

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.loop = asyncio.get_running_loop()
        self.heard_at = self.loop.time()
        self.paused_at = 0.0
        self.is_ending = False

    def taken(self) -> None:
        """See Taken."""
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        self.listener.opened()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self.paused_at = self.loop.time()
        self.listener.pause()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self.paused_at = 0.0
        self.listener.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        super().connection_lost(exc)
        self.listener.lost()

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - asyncio's name
        """See asyncio.Protocol: who hears a stream of HTTP says nothing more."""
        self.heard_at = self.loop.time()

    def end(self, code: int = frames.GOING_AWAY, reason: str = "") -> None:  # noqa: ARG002 - for WebSockets
        """End the answer, then the connection."""
        if not self.is_ending:
            self.is_ending = True
            self.transport.write(b"0\r\n\r\n")
            self.transport.close()

    def shutdown(self) -> None:
        """See Taken."""
        self.end(frames.GOING_AWAY, "The server is stopping.")


OnText = Callable[[str], Awaitable[None]]


class Socket(Line):
    """A WebSocket. Texts of the client are handled one after the other; while many wait, no more are read."""

    __slots__ = ("_inbox", "_inbox_bytes", "_is_reading", "_parser", "_work", "on_text")

    def __init__(self, listener: Listener, max_bytes: int, on_text: OnText | None) -> None:
        super().__init__(listener)
        self.on_text = on_text
        self._parser = frames.Parser(max_bytes)
        self._inbox: deque[str] | None = None
        self._inbox_bytes = 0
        self._is_reading = True
        self._work: asyncio.Task[None] | None = None

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

    def _handle(self, opcode: int, payload: bytes) -> None:
        if opcode == frames.PING:
            self.transport.write(frames.build(frames.PONG, payload))
        elif opcode == frames.CLOSE:
            code = frames.parse_close(payload)
            self.end(1000 if code == 1005 else code)
        elif opcode == frames.TEXT:
            self._take(frames.decode_text(payload))
        elif opcode == frames.BINARY:
            raise frames.Malformed(1003, "This WebSocket speaks JSON in text frames.")

    def _take(self, text: str) -> None:
        if self.on_text is None or self.is_ending:
            return
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(text)
        self._inbox_bytes += len(text)
        if self._is_reading and (len(self._inbox) > MAX_INBOX or self._inbox_bytes > MAX_INBOX_BYTES):
            self._is_reading = False
            self.transport.pause_reading()
        if self._work is None:
            self._work = self.loop.create_task(self._work_off(self.on_text))

    async def _work_off(self, on_text: OnText) -> None:
        try:
            while self._inbox and not self.is_ending:
                text = self._inbox.popleft()
                self._inbox_bytes -= len(text)
                await on_text(text)
                if not self._is_reading and not self._inbox and not self.transport.is_closing():
                    self._is_reading = True
                    self.transport.resume_reading()
        finally:
            self._work = self._inbox = None
            self._inbox_bytes = 0

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        super().connection_lost(exc)
        if self._work is not None:
            self._work.cancel()

    def end(self, code: int = frames.GOING_AWAY, reason: str = "") -> None:
        """Say goodbye, then end the connection."""
        if not self.is_ending:
            self.is_ending = True
            self.transport.write(frames.build_close(code, reason))
            self.transport.close()
