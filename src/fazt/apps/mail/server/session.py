"""One SMTP connection: aiosmtpd's commands, with our own DATA, limits and replies."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

from aiosmtpd.smtp import SMTP, _AuthMechAttr, syntax

from fazt.apps.mail.engine.desk import get_desk
from fazt.apps.mail.model.addresses import parse_path
from fazt.apps.mail.wire.data import DataReader
from fazt.apps.mail.wire.replies import enhance, is_failure
from fazt.core.errors import FaztError, Invalid, Unavailable
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

READ_BYTES = 64 * 1024
IDLE_S = 300.0
DATA_IDLE_S = 180.0
SLOWEST_BYTES_S = 1_000
MAX_ERRORS = 20
NULL = "<>"
"""How aiosmtpd has the empty sender of a bounce."""

log = get_logger(__name__)


class Handler(Protocol):
    """What a listener does with commands and with messages."""

    @property
    def max_bytes(self) -> int:
        """How large a message may be."""
        ...

    @property
    def tls(self) -> ssl.SSLContext | None:
        """The certificate for STARTTLS."""
        ...

    @property
    def needs_login(self) -> bool:
        """Whether nothing goes without AUTH."""
        ...

    @property
    def login_needs_tls(self) -> bool:
        """Whether AUTH is taken only under TLS."""
        ...

    @property
    def takes_bare_lines(self) -> bool:
        """Whether a bare CR or LF is mended rather than refused (never from strangers)."""
        ...

    async def take(self, session: Session, stream: AsyncIterator[bytes]) -> str:
        """A message; the reply. Raises FaztError."""
        ...


class Session(SMTP):
    """A connection. `address` is the client's IP address."""

    line_length_limit = READ_BYTES  # of the buffer: DATA is read in pieces, commands are bound to 512 bytes elsewhere

    def __init__(self, handler: Handler, core: Core, loop: asyncio.AbstractEventLoop, sessions: set[Session]) -> None:
        super().__init__(
            handler,
            data_size_limit=handler.max_bytes,
            enable_SMTPUTF8=True,
            hostname=core.config.domain,
            ident="ESMTP",
            tls_context=handler.tls,
            timeout=IDLE_S,
            auth_required=handler.needs_login and handler.login_needs_tls,
            auth_require_tls=handler.login_needs_tls,
            loop=loop,
        )
        # What aiosmtpd finds by reflection at every connection is known for each kind of handler
        names = commands_of(type(handler))
        self._handle_hooks = {name[7:]: getattr(handler, name) for name in names if name.startswith("handle_")}
        self._ehlo_hook_ver = "new"
        self._smtp_methods = {name[5:]: getattr(self, name) for name in commands_of(type(self)) if name[:5] == "smtp_"}
        mechanisms = [name for name in names if name.startswith("auth_")] if handler.needs_login else []
        self._auth_methods = {name[5:]: _AuthMechAttr(getattr(handler, name), False) for name in mechanisms}
        # aiosmtpd keeps these for all connections together, and lets them grow with every EHLO
        self.command_size_limits = defaultdict(lambda: 512, {"MAIL": 1_024, "RCPT": 1_024, "AUTH": 12_288})
        self.handler = handler
        self.core = core
        self.address = ""
        self.is_ending = False
        self._is_counted = False
        self._errors = 0
        self._sessions = sessions
        self._is_taking = False
        self._is_broken = False
        self._silent_until = 0.0

    def __dir__(self) -> list[str]:
        """What aiosmtpd looks through at every connection: nothing, see above."""
        return []

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        if self._original_transport is None:
            peer = transport.get_extra_info("peername")
            self.address = str(peer[0]).removeprefix("::ffff:") if peer else ""
            self._sessions.add(self)
            gate = get_desk(self.core).gate
            self._is_counted = gate.enter(self.address)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._sessions.discard(self)
        if self._is_counted:
            self._is_counted = False
            get_desk(self.core).gate.leave(self.address)
        super().connection_lost(error)

    def end(self) -> None:
        """The program stops: a message that is being taken is taken, else good-bye."""
        self.is_ending = True
        if not self._is_taking:
            self._say_and_close(b"421 4.3.2 The server is stopping, come again\r\n")

    def _say_and_close(self, line: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(line)  # type: ignore[attr-defined]
            self.transport.close()

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Note until when the client may be silent; the timer that is there looks at it, for a new one costs."""
        self._silent_until = self.loop.time() + (duration or self._timeout_duration)
        if self._timeout_handle is None or self._timeout_handle.when() > self._silent_until:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        self._timeout_handle = self.loop.call_at(self._silent_until, self._timeout_cb)

    def _timeout_cb(self) -> None:
        """Say why before the connection is closed (RFC 5321 4.2.4.2)."""
        if self.loop.time() < self._silent_until:
            self._set_timer()
            return
        self._say_and_close(b"421 4.4.2 Too slow, closing the connection\r\n")

    async def _handle_client(self) -> None:
        if not self._is_counted:
            self._say_and_close(b"421 4.7.0 Too many connections, come again later\r\n")
            return
        await super()._handle_client()

    async def push(self, status: Any) -> None:
        """Reply, with an enhanced code; too many mistakes end the connection."""
        reply = enhance(status.decode() if isinstance(status, bytes) else status)
        if is_failure(reply):
            self._errors += 1
        self._writer.write(reply.encode() + b"\r\n")
        if self._paused:  # type: ignore[attr-defined] # of asyncio's FlowControlMixin
            await self._writer.drain()
        if self.is_ending or self._is_broken:
            self._say_and_close(b"")
        elif self._errors >= MAX_ERRORS:
            self._say_and_close(b"421 4.7.0 Too many errors, good-bye\r\n")

    async def handle_exception(self, error: Exception) -> str:
        """What nobody foresaw: the client comes again, and the log has it."""
        if isinstance(error, FaztError):
            return to_reply(error)
        log.error("an SMTP command failed", exc_info=error)
        return "451 4.3.0 Something went wrong on our side, try again later"

    # Commands

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        found = parse_path(arg)
        if found is None or not (found[0] + found[1]).isprintable():
            return None, None
        path, rest = found
        return path or NULL, rest

    async def ehlo_lines(self, lines: list[str]) -> list[str]:
        """What EHLO offers, with what aiosmtpd does but does not say."""
        return [*lines[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", lines[-1]]

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd finds it by its name
        """The message, in pieces; the reply comes when it is on disk."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Error: need RCPT command")
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        self._is_taking = True
        try:
            reply = await self._take()
        finally:
            self._is_taking = False
            self._set_post_data_state()  # type: ignore[no-untyped-call]
        self._reset_timeout(IDLE_S)
        await self.push(reply)

    async def _take(self) -> str:
        """Read the message to its end whatever happens, so that none of it is taken for commands; the reply."""
        reader = DataReader()
        stream = self._pieces(reader)
        self._is_broken = True  # if what nobody foresaw is raised, the rest is not read as commands
        try:
            reply = await self.handler.take(self, stream)
        except FaztError as error:
            reply = to_reply(error)
        finally:
            await stream.aclose()
        self._is_broken = False
        if not reader.is_done:
            await self._drain(reader)
        self._reader._buffer[:0] = reader.rest  # type: ignore[attr-defined] # noqa: SLF001 - commands sent behind it
        if reader.is_bare and not self.handler.takes_bare_lines:
            self.is_ending = True  # what comes next on this connection could be smuggled
            return "554 5.6.0 A line must end with CR LF; bare CR and LF are refused"
        return reply

    async def _pieces(self, reader: DataReader) -> AsyncGenerator[bytes, None]:
        """The message as it comes. Raises Invalid for bare line ends, TooMany where the client is too slow."""
        started = time.monotonic()
        while not reader.is_done:
            self._reset_timeout(DATA_IDLE_S)
            data = reader.feed(await self._read())
            if reader.is_bare and not self.handler.takes_bare_lines:
                raise Invalid("A line must end with CR LF.")
            if time.monotonic() - started > IDLE_S + reader.size / SLOWEST_BYTES_S:
                self.is_ending = True
                raise Unavailable("The message comes too slowly.")
            if data:
                yield data
        self._reset_timeout(IDLE_S)

    async def _read(self) -> bytes:
        data = await self._reader.read(READ_BYTES)
        if not data:
            raise ConnectionResetError("the client went away in the middle of a message")
        return data

    async def _drain(self, reader: DataReader) -> None:
        """Read what is left of a message that was refused already; not for ever."""
        limit = reader.size + 2 * self.handler.max_bytes
        while not reader.is_done:
            self._reset_timeout(DATA_IDLE_S)
            reader.feed(await self._read())
            if reader.size > limit:
                self._say_and_close(b"552 5.3.4 Too much mail data\r\n")
                raise ConnectionResetError("far too much mail data")


COMMANDS: dict[type, list[str]] = {}


def commands_of(kind: type) -> list[str]:
    """The names of a class that aiosmtpd finds by their beginning."""
    if kind not in COMMANDS:
        names = {name for base in kind.__mro__ for name in vars(base)}
        COMMANDS[kind] = sorted(name for name in names if name.startswith(("smtp_", "auth_", "handle_")))
    return COMMANDS[kind]


KINDS = {
    "too_large": "552 5.3.4",
    "over_quota": "452 4.3.1",
    "unavailable": "451 4.3.0",
    "too_many": "450 4.7.1",
    "locked": "451 4.3.0",
    "conflict": "451 4.3.0",
    "unauthorized": "535 5.7.8",
    "forbidden": "550 5.7.1",
    "not_found": "550 5.1.1",
    "invalid": "554 5.6.0",
}


def to_reply(error: FaztError) -> str:
    """The table of this edge."""
    text = " ".join(error.message.split())[:300]
    return f"{KINDS.get(error.kind, '451 4.3.0')} {text}"


__all__ = ["NULL", "Handler", "Session", "commands_of", "to_reply"]
