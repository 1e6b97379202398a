"""The sockets that clients speak to: UDP here, TCP and TLS handed to `streams`."""

from __future__ import annotations

import socket

from fazt.apps.turn.engine.allocations import Allocation
from fazt.apps.turn.engine.buffer import HEADROOM, SHARED, SHARED_SPACE
from fazt.apps.turn.engine.frames import Answers, pass_on
from fazt.apps.turn.engine.links import Endpoint, open_link
from fazt.apps.turn.engine.loop import Loop
from fazt.apps.turn.engine.ports import create_socket
from fazt.apps.turn.engine.streams import Stream, StreamRules
from fazt.apps.turn.model import Transport


class UdpClient:
    """A source address on a UDP listener. With an allocation it has a socket of its own."""

    __slots__ = ("_link", "_recv_into", "address", "allocation", "listener", "transport")

    def __init__(self, listener: UdpListener, address: Endpoint) -> None:
        self.transport: Transport = "udp"
        self.listener = listener
        self.address = address
        self.allocation: Allocation | None = None
        self._link: socket.socket | None = None

    def answer(self, data: bytes) -> None:
        """See Client."""
        try:
            self._send(data)
        except OSError:
            self.listener.answers.counts.add("dropped.client_error")

    def attach(self, allocation: Allocation | None) -> None:
        """See Client."""
        self.allocation = allocation
        listener = self.listener
        if self._link is not None:
            listener.loop.forget(self._link.fileno())
            self._link.close()
            self._link = None
        if allocation is None:
            listener.clients.pop(self.address, None)
            return
        listener.clients[self.address] = self
        allocation.emit = self._send
        link = open_link(listener.socket, self.address, listener.take, SHARED_SPACE)
        if link is not None:
            self._link, self._recv_into, allocation.emit = link, link.recv_into, link.send
            listener.loop.watch(link.fileno(), self.on_ready)

    def on_ready(self, _events: int) -> None:
        """Take one packet from the client's own socket."""
        try:
            size = self._recv_into(SHARED_SPACE)
        except OSError:
            return
        allocation = self.allocation
        if size < 4 or allocation is None or not pass_on(allocation, SHARED, HEADROOM, size):
            self.take(size)

    def take(self, size: int) -> None:
        """A packet of this client lies in the shared buffer."""
        allocation = self.allocation
        if size < 4 or allocation is None:
            self.listener.answers.counts.add("dropped.malformed")
        elif not pass_on(allocation, SHARED, HEADROOM, size):
            self.listener.answers.handle(self, allocation, bytes(SHARED_SPACE[:size]))

    def _send(self, data: memoryview | bytes) -> int:
        return self.listener.socket.sendto(data, self.address)


class UdpListener:
    """One bound UDP socket, and the clients with allocations that speak to it."""

    def __init__(self, opened: socket.socket, answers: Answers, loop: Loop) -> None:
        self.socket = opened
        self.answers = answers
        self.loop = loop
        self.clients: dict[Endpoint, UdpClient] = {}
        self._recvfrom_into = opened.recvfrom_into

    def on_ready(self, _events: int) -> None:
        """Take one packet."""
        try:
            size, address = self._recvfrom_into(SHARED_SPACE)
        except OSError:
            return
        self.take(size, address)

    def take(self, size: int, address: Endpoint) -> None:
        """A packet from `address` lies in the shared buffer."""
        client = self.clients.get(address)
        if client is not None:
            client.take(size)
        elif size < 4 or SHARED[HEADROOM] & 0xC0:
            self.answers.counts.add("dropped.no_allocation")
        else:
            self.answers.handle(UdpClient(self, address), None, bytes(SHARED_SPACE[:size]))


class TcpListener:
    """One bound TCP socket. A connection whose first byte is a TLS handshake's becomes TLS."""

    def __init__(self, opened: socket.socket, answers: Answers, loop: Loop, rules: StreamRules) -> None:
        self.socket = opened
        self.answers = answers
        self.loop = loop
        self.rules = rules

    def on_ready(self, _events: int) -> None:
        """Take one connection, or refuse it where there are too many."""
        try:
            opened, address = self.socket.accept()
        except OSError:
            return
        rules = self.rules
        if not rules.has_room(address[0]):
            self.answers.counts.add("refused.streams")
            opened.close()
            return
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = Stream(opened, address, self.answers, self.loop, rules)
        self.loop.watch(opened.fileno(), stream.on_ready)


def open_udp(ip: str, port: int) -> socket.socket:
    """A bound UDP socket for clients. Raises OSError."""
    return _bound(create_socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM), ip, port)


def open_tcp(ip: str, port: int) -> socket.socket:
    """A bound, listening TCP socket for clients. Raises OSError."""
    opened = create_socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bound(opened, ip, port).listen(128)
    return opened


def _bound(opened: socket.socket, ip: str, port: int) -> socket.socket:
    try:
        opened.bind((ip, port))
    except OSError:
        opened.close()
        raise
    return opened
