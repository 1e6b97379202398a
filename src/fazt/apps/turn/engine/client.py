"""A small blocking TURN client: `fazt turn test` asks with it, and so do tests and the benchmark."""

from __future__ import annotations

import os
import socket
import ssl
import struct
from collections import deque
from collections.abc import Iterable
from time import monotonic
from types import TracebackType
from typing import Self

from fazt.apps.turn.model import Transport
from fazt.apps.turn.wire import attributes as a
from fazt.apps.turn.wire.credentials import derive_key
from fazt.apps.turn.wire.frames import measure_frame
from fazt.apps.turn.wire.message import Message, Pair, build, parse
from fazt.apps.turn.wire.numbers import (
    ALLOCATE,
    BINDING,
    CHANNEL_BIND,
    CREATE_PERMISSION,
    ERROR,
    INDICATION,
    PASSWORD_MD5,
    PASSWORD_SHA256,
    REFRESH,
    REQUEST,
    SEND,
    UDP_PROTOCOL,
)
from fazt.core.errors import FaztError, Invalid, Unavailable

RETRY_S = 0.5
_CHANNEL = struct.Struct("!HH")


class TurnError(FaztError):
    """The server answered with an error; `code` is STUN's."""

    kind = "turn"

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"The relay answered {code} {reason}".strip() + ".")
        self.code = code


class TurnClient:
    """One client on one connected socket. Raises TurnError, Unavailable when no answer comes in time."""

    def __init__(self, opened: socket.socket, transport: Transport, timeout_s: float = 3.0) -> None:
        self.socket = opened
        self.transport = transport
        self.timeout_s = timeout_s
        self.username = self.password = self.realm = ""
        self.nonce = b""
        self.wants_sha256 = False
        self.offered: tuple[int, ...] | None = None
        self.arrived: deque[tuple[a.Address | int, bytes]] = deque()
        self._buffer = b""

    @classmethod
    def connect(
        cls,
        host: str,
        port: int,
        transport: Transport = "udp",
        *,
        context: ssl.SSLContext | None = None,
        timeout_s: float = 3.0,
    ) -> Self:
        """A client of the server there. Raises OSError (ssl.SSLError for a certificate that isn't trusted)."""
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind)[0]
        opened = socket.socket(family, kind)
        try:
            opened.settimeout(timeout_s)
            opened.connect(address)
            if transport == "tls":
                opened = (context or ssl.create_default_context()).wrap_socket(opened, server_hostname=host)
        except OSError:
            opened.close()
            raise
        return cls(opened, transport, timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    # Requests.

    def bind_request(self) -> a.Address:
        """STUN: the address the server sees this client at."""
        return _present(self.ask(BINDING).get(a.XOR_MAPPED_ADDRESS))

    def allocate(self, username: str, password: str, pairs: Iterable[Pair] = ()) -> Message:
        """An allocation, with further attributes as given."""
        self.username, self.password = username, password
        return self.ask(ALLOCATE, [(a.REQUESTED_TRANSPORT, UDP_PROTOCOL), *pairs])

    def refresh(self, lifetime_s: int | None = None, pairs: Iterable[Pair] = ()) -> int:
        """Prolong the allocation, or end it with 0; the seconds it has now."""
        given: list[Pair] = [] if lifetime_s is None else [(a.LIFETIME, lifetime_s)]
        return _present(self.ask(REFRESH, [*given, *pairs]).get(a.LIFETIME))

    def permit(self, *peers: a.Address) -> None:
        """Let packets of these peers' addresses in and out."""
        self.ask(CREATE_PERMISSION, [(a.XOR_PEER_ADDRESS, peer) for peer in peers])

    def bind_channel(self, number: int, peer: a.Address) -> None:
        """Give a peer a number."""
        self.ask(CHANNEL_BIND, [(a.CHANNEL_NUMBER, number), (a.XOR_PEER_ADDRESS, peer)])

    def ask(self, method: int, pairs: Iterable[Pair] = ()) -> Message:
        """One request, asked again with the realm and nonce that a 401 or 438 brings."""
        wanted = list(pairs)
        answer = self.exchange(self.sign(method, wanted))
        for _ in range(2):
            error = answer.get(a.ERROR_CODE)
            if answer.kind != ERROR or error is None or error.code not in (401, 438) or not self.username:
                break
            if error.code == 401 and self.nonce:
                break
            self.realm = answer.get(a.REALM) or self.realm
            self.nonce = answer.get(a.NONCE) or b""
            self.offered = answer.get(a.PASSWORD_ALGORITHMS)
            answer = self.exchange(self.sign(method, wanted))
        if answer.kind == ERROR:
            error = answer.get(a.ERROR_CODE) or a.ErrorCode(500, "")
            raise TurnError(error.code, error.reason)
        return answer

    def sign(self, method: int, pairs: list[Pair]) -> bytes:
        """A request as bytes, signed once a nonce is known."""
        transaction = os.urandom(12)
        if not self.nonce or method == BINDING:
            return build(method, REQUEST, transaction, pairs)
        signing: list[Pair] = [(a.USERNAME, self.username), (a.REALM, self.realm), (a.NONCE, self.nonce)]
        algorithm, integrity = PASSWORD_MD5, a.MESSAGE_INTEGRITY
        if self.wants_sha256 and self.offered:
            algorithm, integrity = PASSWORD_SHA256, a.MESSAGE_INTEGRITY_SHA256
            signing += [(a.PASSWORD_ALGORITHMS, self.offered), (a.PASSWORD_ALGORITHM, algorithm)]
        key = derive_key(self.username, self.realm, self.password, algorithm)
        return build(method, REQUEST, transaction, [*pairs, *signing], key=key, integrity=integrity)

    def exchange(self, request: bytes) -> Message:
        """Send a request, over UDP repeatedly, until its answer comes."""
        end = monotonic() + self.timeout_s
        repeat = 0.0
        while (now := monotonic()) < end:
            if now >= repeat:
                self.socket.sendall(request)
                repeat = now + RETRY_S if self.transport == "udp" else end
            answer = self._receive(min(repeat, end))
            if answer is not None and answer.transaction == request[8:20]:
                return answer
        raise Unavailable("The relay did not answer.")

    # Data.

    def send(self, peer: a.Address, data: bytes, pairs: Iterable[Pair] = ()) -> None:
        """Data to a peer, as a Send indication."""
        wanted: list[Pair] = [(a.XOR_PEER_ADDRESS, peer), (a.DATA, data), *pairs]
        self.socket.sendall(build(SEND, INDICATION, os.urandom(12), wanted))

    def send_channel(self, number: int, data: bytes) -> None:
        """Data to a peer, by its channel."""
        padding = bytes(-len(data) % 4) if self.transport != "udp" else b""
        self.socket.sendall(_CHANNEL.pack(number, len(data)) + data + padding)

    def receive(self, timeout_s: float | None = None) -> tuple[a.Address | int, bytes]:
        """The next data: (peer's address or channel number, bytes). Raises Unavailable when none comes."""
        end = monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        while not self.arrived:
            if monotonic() >= end:
                raise Unavailable("No data came.")
            self._receive(end)
        return self.arrived.popleft()

    def _receive(self, until: float) -> Message | None:
        """Take one frame: an answer is returned, data is kept."""
        frame = self._read_frame(until)
        if not frame:
            return None
        if frame[0] & 0xC0:
            number, size = _CHANNEL.unpack_from(frame)
            self.arrived.append((number, frame[4 : 4 + size]))
            return None
        message = parse(frame)
        if message.kind == INDICATION:
            self.arrived.append((_present(message.get(a.XOR_PEER_ADDRESS)), message.get(a.DATA) or b""))
            return None
        return message

    def _read_frame(self, until: float) -> bytes:
        while True:
            size = measure_frame(self._buffer, 0, len(self._buffer)) if self.transport != "udp" else 0
            if size and size <= len(self._buffer):
                frame, self._buffer = self._buffer[:size], self._buffer[size:]
                return frame
            self.socket.settimeout(max(0.001, until - monotonic()))
            try:
                data = self.socket.recv(65_536)
            except TimeoutError:
                return b""
            except OSError as error:
                raise Unavailable(f"The relay cannot be reached: {error.strerror or error}.") from error
            if self.transport == "udp":
                return data
            if not data:
                raise Unavailable("The relay closed the connection.")
            self._buffer += data


def _present(value: a.T | None) -> a.T:
    if value is None:
        raise Invalid("The relay's answer lacks what it must have.")
    return value
