"""Clients on TCP and TLS: frames out of a byte stream, and packets dropped for who does not read."""

from __future__ import annotations

import select
import socket
import ssl
from collections import Counter
from dataclasses import dataclass, field
from time import monotonic

from fazt.apps.turn.engine.allocations import Allocation
from fazt.apps.turn.engine.buffer import BUFFER_SIZE, HEADROOM
from fazt.apps.turn.engine.frames import Answers, pass_on
from fazt.apps.turn.engine.links import Endpoint
from fazt.apps.turn.engine.loop import Loop
from fazt.apps.turn.model import Transport
from fazt.apps.turn.wire.frames import MAX_FRAME, measure_frame
from fazt.core.errors import Invalid

IDLE_S = 30.0
"""A stream without an allocation is closed after this long."""
MAX_WAITING = 256 * 1024
_TLS_HANDSHAKE = 0x16
_WAIT = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_BUFFER_SIZE = HEADROOM + MAX_FRAME + BUFFER_SIZE


@dataclass(slots=True)
class StreamRules:
    """What all streams of a relay share: the certificate, the caps, and who is there."""

    max_streams: int
    max_per_address: int
    context: ssl.SSLContext | None = None
    live: set[Stream] = field(default_factory=set)
    by_address: Counter[str] = field(default_factory=Counter)

    def has_room(self, address: str) -> bool:
        """Whether one more stream from this IP is welcome."""
        return len(self.live) < self.max_streams and self.by_address[address] < self.max_per_address


class Stream:
    """One connection. It starts as TCP and becomes TLS when its first byte says so."""

    def __init__(
        self, opened: socket.socket, address: Endpoint, answers: Answers, loop: Loop, rules: StreamRules
    ) -> None:
        self.transport: Transport = "tcp"
        self.address = address
        self.allocation: Allocation | None = None
        self.close_at = monotonic() + IDLE_S
        self._socket = opened
        self._descriptor = opened.fileno()
        self._answers = answers
        self._loop = loop
        self._rules = rules
        self._on_readable = self._sniff
        self._view = memoryview(bytearray(0))
        self._start = self._end = HEADROOM
        self._waiting = bytearray()
        self._events = select.EPOLLIN
        self._is_open = True
        self._is_broken = False
        rules.live.add(self)
        rules.by_address[address[0]] += 1

    # The client's end of an allocation.

    def send(self, data: memoryview | bytes) -> None:
        """Relayed packets: while older bytes wait for the client to read, relayed packets are dropped."""
        if self._waiting:
            self._answers.counts.add("dropped.slow_stream")
        else:
            self._write(data)

    def answer(self, data: bytes) -> None:
        """See Client."""
        if self._waiting:
            self._waiting += data
            if len(self._waiting) > MAX_WAITING:
                self.close()
        else:
            self._write(data)

    def attach(self, allocation: Allocation | None) -> None:
        """See Client."""
        self.allocation = allocation
        if allocation is not None:
            allocation.emit = self.send
        self.close_at = monotonic() + IDLE_S

    def is_overdue(self, now: float) -> bool:
        """Whether it is broken, or has been here too long without an allocation."""
        return self._is_broken or (self.allocation is None and now >= self.close_at)

    def close(self) -> None:
        """End the connection and the allocation with it (RFC 8656 section 5)."""
        if not self._is_open:
            return
        self._is_open = False
        self._rules.live.discard(self)
        self._rules.by_address[self.address[0]] -= 1
        if not self._rules.by_address[self.address[0]]:
            del self._rules.by_address[self.address[0]]
        self._loop.forget(self._descriptor)
        self._socket.close()
        if self.allocation is not None:
            self._answers.release(self.allocation)

    # Reading.

    def on_ready(self, events: int) -> None:
        """The socket can be read, written, or is gone."""
        if events & select.EPOLLOUT and self._waiting:
            self._flush()
        if self._is_open:
            self._on_readable()

    def _sniff(self) -> None:
        """Look at the first byte without taking it."""
        try:
            first = self._socket.recv(1, socket.MSG_PEEK)
        except _WAIT:
            return
        except OSError:
            first = b""
        if not first or (first[0] == _TLS_HANDSHAKE and self._rules.context is None):
            self.close()
            return
        self._view = memoryview(bytearray(_BUFFER_SIZE))
        if first[0] != _TLS_HANDSHAKE or self._rules.context is None:
            self._on_readable = self._read
            self._read()
            return
        self.transport = "tls"
        try:
            self._socket = self._rules.context.wrap_socket(
                self._socket, server_side=True, do_handshake_on_connect=False
            )
        except OSError:
            self.close()
            return
        self._on_readable = self._shake_hands
        self._shake_hands()

    def _shake_hands(self) -> None:
        assert isinstance(self._socket, ssl.SSLSocket)
        try:
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self._await(select.EPOLLIN)
        except ssl.SSLWantWriteError:
            self._await(select.EPOLLOUT)
        except OSError:
            self._answers.counts.add("refused.tls")
            self.close()
        else:
            self._await(select.EPOLLIN)
            self._on_readable = self._read
            self._read()

    def _read(self) -> None:
        """Take what is there, once; all of it where TLS has it already decrypted."""
        while self._is_open:
            try:
                size = self._socket.recv_into(self._view[self._end :])
            except _WAIT:
                return
            except OSError:
                size = 0
            if not size:
                self.close()
                return
            self._end += size
            self._take_frames()
            if self.transport != "tls":
                return

    def _take_frames(self) -> None:
        view, start, end = self._view, self._start, self._end
        try:
            while self._is_open:
                size = self._measure_frame(start, end)
                if not size or start + size > end:
                    break
                self._take_frame(view, start, size)
                start += size
        except Invalid:
            self._answers.counts.add("dropped.malformed")
            self.close()
        if start == end:
            start = end = HEADROOM
        elif start > _BUFFER_SIZE - MAX_FRAME:
            rest = bytes(view[start:end])
            view[HEADROOM : HEADROOM + len(rest)] = rest
            start, end = HEADROOM, HEADROOM + len(rest)
        self._start, self._end = start, end

    def _measure_frame(self, start: int, end: int) -> int:
        if self.allocation is None and end > start and self._view[start] & 0xC0:
            raise Invalid("Channel data of nobody, or no TURN at all.")
        return measure_frame(self._view, start, end)

    def _take_frame(self, view: memoryview, start: int, size: int) -> None:
        if self.allocation is not None and pass_on(self.allocation, view, start, size):
            return
        self._answers.handle(self, self.allocation, bytes(view[start : start + size]))

    # Writing.

    def _write(self, data: memoryview | bytes) -> None:
        try:
            sent = self._socket.send(data)
        except _WAIT:
            sent = 0
        except OSError:
            # Not closed here: this may be in the middle of another client's packet.
            self._is_broken = True
            return
        if sent < len(data):
            self._waiting += data[sent:]
            self._await(select.EPOLLIN | select.EPOLLOUT)

    def _flush(self) -> None:
        try:
            sent = self._socket.send(self._waiting)
        except _WAIT:
            return
        except OSError:
            self.close()
            return
        del self._waiting[:sent]
        if not self._waiting:
            self._await(select.EPOLLIN)

    def _await(self, events: int) -> None:
        if self._is_open and events != self._events:
            self._events = events
            self._loop.change(self._descriptor, events)
