"""The relay's own UDP ports: unpredictable, rested after use, in pairs when asked."""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import Iterator
from time import monotonic

REST_S = 60.0
RECEIVE_BUFFER = 4 * 1024 * 1024
_TRIES = 64


class PortsExhausted(Exception):
    """No port of the range is free."""


class Ports:
    """Opens sockets on random ports from `first` to `last`. A port that was given back rests for a minute, so
    that packets for its last owner don't reach the next; it comes earlier only when there is no other.
    """

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last
        self._used: set[int] = set()
        self._resting: dict[int, float] = {}  # port: when it has rested; the longest rested first

    def open(self, ip: str) -> socket.socket:
        """A bound socket. Raises PortsExhausted."""
        return self._open_first(ip, self._candidates(step=1))

    def open_even(self, ip: str) -> socket.socket:
        """A bound socket with an even port. Raises PortsExhausted."""
        return self._open_first(ip, self._candidates(step=2))

    def open_pair(self, ip: str) -> tuple[socket.socket, socket.socket]:
        """Two bound sockets: an even port and the next. Raises PortsExhausted."""
        for port in self._candidates(step=2):
            if port == self.last or port + 1 in self._used:
                continue
            even = self._try_bind(ip, port)
            odd = self._try_bind(ip, port + 1) if even is not None else None
            if even is not None and odd is not None:
                return even, odd
            if even is not None:
                even.close()
                self._used.discard(port)
        raise PortsExhausted

    def give_back(self, opened: socket.socket) -> None:
        """Close a socket that was opened here."""
        port = opened.getsockname()[1]
        opened.close()
        self._used.discard(port)
        self._resting[port] = monotonic() + REST_S

    def _open_first(self, ip: str, candidates: Iterator[int]) -> socket.socket:
        for port in candidates:
            opened = self._try_bind(ip, port)
            if opened is not None:
                return opened
        raise PortsExhausted

    def _candidates(self, step: int) -> Iterator[int]:
        """Ports to try in this order: some at random, then all that don't rest, then the longest rested."""
        self._wake()
        first = self.first + self.first % step
        count = (self.last - first) // step + 1
        if count <= 0:
            return
        for _ in range(_TRIES):
            port = first + step * secrets.randbelow(count)
            if port not in self._resting and port not in self._used:
                yield port
        start = secrets.randbelow(count)
        for port in (first + step * ((start + n) % count) for n in range(count)):
            if port not in self._resting and port not in self._used:
                yield port
        for port in list(self._resting):
            if port % step == 0 and port not in self._used:
                yield port

    def _try_bind(self, ip: str, port: int) -> socket.socket | None:
        opened = _bind(ip, port)
        if opened is not None:
            self._used.add(port)
            self._resting.pop(port, None)
        return opened

    def _wake(self) -> None:
        now = monotonic()
        for port, until in list(self._resting.items()):
            if until > now:
                break
            del self._resting[port]


def _bind(ip: str, port: int) -> socket.socket | None:
    opened = create_socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.bind((ip, port))
    except OSError as error:
        opened.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return None
        raise
    return opened


def create_socket(family: int, kind: int) -> socket.socket:
    """A socket that never blocks, with room for bursts where it is for packets."""
    opened = socket.socket(family, kind)
    opened.setblocking(False)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    else:
        # Packets go out without the bit that forbids fragments unless a client asks (RFC 8656 section 14.9).
        opened.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, IP_PMTUDISC_DONT
    if kind == socket.SOCK_DGRAM:
        enlarge_buffer(opened)
    return opened


def enlarge_buffer(opened: socket.socket) -> None:
    """Room for a burst. Beyond net.core.rmem_max only with CAP_NET_ADMIN; without, the system cuts it silently."""
    try:
        opened.setsockopt(socket.SOL_SOCKET, 33, RECEIVE_BUFFER)  # SO_RCVBUFFORCE
    except OSError:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
