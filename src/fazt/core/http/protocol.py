"""uvicorn's HTTP/1.1 protocol with the limits it lacks: size of the head, and slow clients.

One sweep over all connections every few seconds replaces a timer for each request, so the
limits cost a request two assignments.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextvars import Context
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from fazt.core.http.front import METHODS, Reply
from fazt.core.http.held import HeldHead
from fazt.core.http.takeover import KEY, Taken, pass_on

MAX_HEAD_BYTES = 65_536
MAX_HEADERS = 128
HEAD_TIMEOUT_S = 20.0
IDLE_TIMEOUT_S = 75.0
BODY_TIMEOUT_S = 60.0
WRITE_TIMEOUT_S = 120.0
SWEEP_S = 2.0
AT_ONCE = 32
"""Requests of one connection that the front door answers in a row, before it is the others' turn."""

UNTRUSTED: set[int] = set()
"""Numbers of processes that run as this user and may not come by the local socket, whatever they have broken out of."""


def peer_process(transport: asyncio.BaseTransport) -> int:
    """The process at the other end of a Unix socket; 0 for other sockets, and where the system does not say."""
    found = transport.get_extra_info("socket")
    if found is None or found.family != socket.AF_UNIX or not hasattr(socket, "SO_PEERCRED"):
        return 0
    pid: int = struct.unpack("3i", found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    return pid


class LimitedProtocol(HttpToolsProtocol):
    """One connection. Answers 431 to a head that is too large, 408 to one that does not end."""

    head_since = 0.0
    data_at = 0.0
    paused_at = 0.0
    head_bytes = 0
    refusal = 400
    at_once = 0
    draining = False
    running: Any = None
    """The cycle that a task answers."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self.data_at = self.loop.time()
        if UNTRUSTED and peer_process(transport) in UNTRUSTED:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self.data_at = self.loop.time()
        self.at_once = 0
        super().data_received(data)

    def on_message_begin(self) -> None:
        """See httptools."""
        super().on_message_begin()
        scope: Any = self.scope
        scope[KEY] = self
        self.head_bytes = 0
        self.head_since = self.data_at

    def on_url(self, url: bytes) -> None:
        """See httptools."""
        super().on_url(url)
        self.head_bytes += len(url)
        if self.head_bytes > MAX_HEAD_BYTES:
            self._refuse_head()
        if b"#" in url:  # httptools would drop what follows: DELETE of /a#b would be one of /a
            raise ValueError("a fragment is no part of a request")

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools."""
        super().on_header(name, value)
        self.head_bytes += len(name) + len(value)
        if self.head_bytes > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._refuse_head()

    def _refuse_head(self) -> None:
        self.refusal = 431
        raise ValueError("head too large")

    def on_headers_complete(self) -> None:
        """See httptools."""
        self.head_since = 0.0
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's name
        """Refuse with the status that fits; `msg` is uvicorn's and says nothing more."""
        if self.transport.is_closing():
            return
        text = {431: "The head of this request is too large.", 408: "The request took too long to arrive."}.get(
            self.refusal, "This is not a request that HTTP/1.1 allows."
        )
        body = text.encode() + b"\n"
        self.transport.write(
            STATUS_LINE[self.refusal]
            + b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
            + body
        )
        self.transport.close()

    def on_response_complete(self) -> None:
        """As uvicorn's, but the sweep ends idle connections: no timer is made for each answer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self.data_at = self.loop.time()
        if self.draining:
            return
        self.draining = True  # a loop, since the front door completes an answer while it is being started
        while self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            if not cycle.response_complete:
                break
        self.draining = False

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """A request's turn has come: it is the front door's, or goes the general way."""
        if self.transport.is_closing():
            return  # the answer before was the last
        front = getattr(app, "front", None)
        if front is not None and cycle.scope["method"] in METHODS and not self.flow.write_paused:
            self.at_once += 1
            if self.at_once > AT_ONCE:
                self.at_once = 0
            elif front(cycle.scope, Reply(self, cycle)):
                return
        self.start_task(cycle, app)

    def start_task(self, cycle: Any, app: Any, context: Context | None = None) -> None:
        """Have `app` answer a request, in a context of its own or in one where it has begun."""
        self.running = cycle
        cycle.transport = held = HeldHead(self.transport, self.loop)
        cycle.on_response = partial(self._complete, held)
        task = self.loop.create_task(cycle.run_asgi(app), context=context or Context())
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _complete(self, held: HeldHead) -> None:
        held.flush()  # an answer may be a head alone, and the next one may be written at once
        self.on_response_complete()

    def finish(self, cycle: Any, said: bytes) -> None:
        """Send a whole answer, without `cycle.send`."""
        cycle.response_started = cycle.response_complete = True
        self.transport.write(said)
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        super().pause_writing()
        self.paused_at = self.loop.time()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        super().resume_writing()
        self.paused_at = 0.0

    def hand_over(self, to: Taken) -> None:
        """Leave the connection to `to`, in the middle of an answer."""
        running: Any = self.running  # not the cycle that was read last: the client may have sent more already
        running.transport.flush()
        running.disconnected = True  # so that uvicorn neither ends this answer nor misses its end
        self.parser = None  # type: ignore[assignment] # as after connection_lost
        pass_on(self.transport, self.connections, self, to)

    def sweep(self, now: float) -> None:
        """End this connection if its client is too slow, or idle for too long."""
        idle_s = now - self.data_at
        cycle: Any = self.cycle  # None before the first request, which uvicorn's types do not say
        if self.paused_at and now - self.paused_at > WRITE_TIMEOUT_S:
            self.transport.abort()
        elif self.head_since:
            if now - self.head_since > HEAD_TIMEOUT_S:
                self.refusal = 408
                self.send_400_response("")
        elif cycle is None or cycle.response_complete:
            if idle_s > IDLE_TIMEOUT_S:
                self.transport.close()
        elif self._waits_for_body() and idle_s > BODY_TIMEOUT_S:
            self.transport.abort()

    def _waits_for_body(self) -> bool:
        """A task is waiting for the rest of a body, and it is not we who stopped reading."""
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete and cycle.more_body and not self.flow.read_paused


async def sweep_forever(connections: set[Any]) -> None:
    """Look after the connections of a server; runs until it is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(SWEEP_S)
        now = loop.time()
        for connection in list(connections):
            if isinstance(connection, LimitedProtocol):
                connection.sweep(now)
