"""uvicorn's HTTP/1.1 protocol with what it lacks: limits of heads, of what waits and of slow clients; refusals in turn.

One sweep over all connections every few seconds replaces a timer for each request, so the
limits cost a request two assignments.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from fazt.core.http.front import METHODS, Reply
from fazt.core.http.held import HeldHead
from fazt.core.http.hosts import MAX_HOST_BYTES, split_host
from fazt.core.http.takeover import KEY, Taken, pass_on

MAX_HEAD_BYTES = 65_536
MAX_HEADERS = 128
HEAD_TIMEOUT_S = 20.0
IDLE_TIMEOUT_S = 75.0
BODY_TIMEOUT_S = 60.0
WRITE_TIMEOUT_S = 120.0
SWEEP_S = 2.0
HALF_CLOSED_S = 10.0
"""How long somebody who has said that they send no more is given to wait for an answer to begin."""

QUIET_S = 4.0
"""How long an answer to them that has begun may say nothing: they may have gone, which cannot be told from that."""

AT_ONCE = 32
"""Requests of one connection that the front door answers in a row, before it is the others' turn."""

MOST_WAITING = 32
"""Requests that wait for the one before them. What comes behind waits unparsed, which takes a hundredth of the room."""

PIECE_BYTES = 16_384
"""What is parsed at once; there may be nine hundred requests in it."""

UNTRUSTED: set[int] = set()
"""Numbers of processes that run as this user and may not come by the local socket, whatever they have broken out of."""


def tell_gone(cycle: Any) -> None:
    """Nobody waits for this answer any more."""
    if not cycle.response_complete:
        cycle.disconnected = True
        cycle.message_event.set()


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
    is_refused = False
    """Whether the last answer is a refusal, once those before it are given; nothing more is read."""
    has_host = False
    at_once = 0
    draining = False
    reading = False
    unread = b""
    awaited: Callable[[], None] | None = None
    """What is to be done when the body that is coming is there as a whole."""
    running: Any = None
    """The cycle whose turn it is or was."""
    ended_at = 0.0
    """When the client said that it sends no more, and was owed answers; later, when it was last sent something."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self.data_at = self.loop.time()
        if UNTRUSTED and peer_process(transport) in UNTRUSTED:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn's, which tells only the request that came last."""
        self.pipeline.clear()
        if self.running is not None:
            tell_gone(self.running)
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client sends no more. Who is owed answers to whole requests gets them, as `nc -N` expects.

        Somebody who has gone looks just the same until something is sent to them, so this is for a while only. TLS
        knows no half of a connection.
        """
        if self.scheme == "https" or not self._is_answering() or self.cycle.more_body:
            return None
        self._note_end()
        return True

    def _note_end(self) -> None:
        self.ended_at = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self.data_at = self.loop.time()
        self.at_once = 0
        if self.unread:
            self.unread += data
        else:
            self._read(data)
        if self.pipeline:
            self._choose_reading()

    def _read(self, data: bytes) -> None:
        """Parse, until so many requests wait that the rest had better wait as it is."""
        self.reading = True
        start = 0
        while start < len(data) and self.parser and not self.is_refused:
            if len(self.pipeline) > MOST_WAITING:
                self.unread = data[start:]
                break
            end = start + PIECE_BYTES
            try:
                self.parser.feed_data(data if len(data) <= PIECE_BYTES else memoryview(data)[start:end])
                start = end
            except httptools.HttpParserError:
                self.logger.warning("Invalid HTTP request received.")
                self.send_400_response("")
            except httptools.HttpParserUpgrade as found:
                data, start = self._leave(data[start + found.args[0] :]), 0
        self.reading = False

    def _leave(self, rest: bytes) -> bytes:
        """The client wants to speak something else from here on. What is to be parsed in place of `rest`."""
        if self._get_upgrade() == b"websocket":
            if self._is_answering():
                self.send_400_response("")
            else:
                self.handle_websocket_upgrade()
                self.parser = None  # type: ignore[assignment] # the connection is another's now
            return b""
        if self.scope["method"] == "CONNECT":
            self.send_400_response("")
            return b""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
        return self._ask_again() + rest

    def _ask_again(self) -> bytes:
        """The head that was read, without its wish for another protocol, which may be ignored (RFC 9110, 7.8).

        The parser takes such a request for the last of HTTP, and the body behind it for nobody's.
        """
        said = [b"%b %b HTTP/%b" % (self.scope["method"].encode(), self.url, self.scope["http_version"].encode())]
        for name, value in self.headers:
            if name == b"connection":
                kept = b", ".join(word for word in value.split(b",") if word.strip().lower() != b"upgrade")
                said.append(b"connection: " + kept)
            elif name != b"upgrade":
                said.append(name + b": " + value)
        return b"\r\n".join(said) + b"\r\n\r\n"

    def _should_upgrade(self) -> bool:
        """As uvicorn's, but also for what is not a WebSocket: `_leave` says what becomes of it."""
        return True

    def _choose_reading(self) -> None:
        """Go on reading while requests wait, or nobody would notice that the client has gone; but not for ever."""
        if len(self.unread) > MAX_HEAD_BYTES or len(self.cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        else:
            self.flow.resume_reading()

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None before the first request, which uvicorn's types do not say
        return cycle is not None and not cycle.response_complete

    def on_message_begin(self) -> None:
        """See httptools."""
        super().on_message_begin()
        scope: Any = self.scope
        scope[KEY] = self
        self.has_host = False
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
        if len(name) == 4 and name.lower() == b"host":
            if self.has_host or len(value) > MAX_HOST_BYTES:
                raise ValueError("one host is meant")
            self.has_host = True

    def _refuse_head(self) -> None:
        self.refusal = 431
        raise ValueError("head too large")

    def on_headers_complete(self) -> None:
        """See httptools."""
        self.head_since = 0.0
        if self.url[:1] != b"/" and (found := httptools.parse_url(self.url).host):
            host = next((value for name, value in self.headers if name == b"host"), b"")
            if split_host(found) != split_host(host):
                raise ValueError("one host is meant")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """See httptools."""
        super().on_message_complete()
        if self.awaited is not None:
            awaited, self.awaited = self.awaited, None
            awaited()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's name
        """Refuse what was read last, when what came before it is answered; `msg` is uvicorn's and says nothing more."""
        self.is_refused = True
        self.head_since = 0.0
        cycle = self.cycle
        if self._is_answering():
            if not cycle.more_body:
                return  # it stands behind a whole request
            if self.pipeline:
                self.pipeline.popleft()  # it is the body of one whose turn has not come
                cycle.response_complete = True
                return
            tell_gone(cycle)
            if cycle.response_started:
                self.transport.close()  # so that nobody takes half an answer for a whole one
        self._refuse()

    def _refuse(self) -> None:
        """With the status that fits."""
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
        if self.unread and not self.reading and len(self.pipeline) <= MOST_WAITING:
            data, self.unread = self.unread, b""
            self._read(data)
        if self.pipeline:
            self._choose_reading()
        elif self.running.response_complete:
            if self.is_refused:
                self._refuse()
            elif self.ended_at and not self._is_answering():
                self.transport.close()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """A request's turn has come: it is the front door's, or goes the general way."""
        if self.transport.is_closing():
            return  # the answer before was the last
        self.running = cycle
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
        cycle.transport = held = HeldHead(self.transport, self.loop, self._note_write)
        cycle.on_response = partial(self._complete, held)
        task = self.loop.create_task(cycle.run_asgi(app), context=context or Context())
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _note_write(self) -> None:
        if self.ended_at:
            self._note_end()

    def _complete(self, held: HeldHead) -> None:
        held.flush()  # an answer may be a head alone, and the next one may be written at once
        self.on_response_complete()

    def finish(self, cycle: Any, said: bytes, body: bytes) -> None:
        """Send a whole answer, without `cycle.send`."""
        cycle.response_started = cycle.response_complete = True
        if body:
            self.transport.writelines((said, body))
        else:
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
        elif self.ended_at:
            most_s = QUIET_S if self.running.response_started else HALF_CLOSED_S
            if now - self.ended_at > most_s and not self.paused_at:
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
