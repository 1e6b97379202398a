"""The sockets that clients speak to: UDP here, TCP and TLS handed to `streams`."""

from __future__ import annotations

import socket

from fazt.apps.turn.engine.allocations import HEADROOM, SHARED, SHARED_SPACE, Allocation, Client, Endpoint
from fazt.apps.turn.engine.frames import Answers, pass_on
from fazt.apps.turn.engine.loop import Loop
from fazt.apps.turn.engine.ports import enlarge_buffer
from fazt.apps.turn.engine.streams import Stream, StreamRules
from fazt.apps.turn.model import Transport


class UdpClient:
    """A source address on a UDP listener."""

    __slots__ = ("_counts", "_sendto", "address", "listener", "transport")

    def __init__(self, listener: UdpListener, address: Endpoint) -> None:
        self.transport: Transport = "udp"
        self.listener = listener
        self.address = address
        self._sendto = listener.socket.sendto
        self._counts = listener.answers.counts

    def send(self, data: memoryview | bytes) -> None:
        """See Client."""
        try:
            self._sendto(data, self.address)
        except OSError:
            self._counts.add("dropped.send_error")

    answer = send

    def attach(self, allocation: Allocation | None) -> None:
        """See Client."""
        if allocation is None:
            self.listener.allocations.pop(self.address, None)
        else:
            self.listener.allocations[self.address] = allocation


class UdpListener:
    """One bound UDP socket, and the allocations of the clients that speak to it."""

    def __init__(self, opened: socket.socket, answers: Answers) -> None:
        self.socket = opened
        self.answers = answers
        self.allocations: dict[Endpoint, Allocation] = {}
        self._recvfrom_into = opened.recvfrom_into

    def on_ready(self, _events: int) -> None:
        """Take one packet."""
        try:
            size, address = self._recvfrom_into(SHARED_SPACE)
        except OSError:
            return
        if size < 4:
            self.answers.counts.add("dropped.malformed")
            return
        allocation = self.allocations.get(address)
        if allocation is not None:
            if pass_on(allocation, SHARED, HEADROOM, size):
                return
            client: Client = allocation.client
        elif SHARED[HEADROOM] & 0xC0:
            self.answers.counts.add("dropped.no_allocation")
            return
        else:
            client = UdpClient(self, address)
        self.answers.handle(client, allocation, bytes(SHARED_SPACE[:size]))


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
    opened = _create(ip, socket.SOCK_DGRAM)
    enlarge_buffer(opened)
    return _bound(opened, ip, port)


def open_tcp(ip: str, port: int) -> socket.socket:
    """A bound, listening TCP socket for clients. Raises OSError."""
    opened = _create(ip, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    _bound(opened, ip, port).listen(128)
    return opened


def _create(ip: str, kind: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, kind)
    opened.setblocking(False)
    if ":" in ip:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return opened


def _bound(opened: socket.socket, ip: str, port: int) -> socket.socket:
    try:
        opened.bind((ip, port))
    except OSError:
        opened.close()
        raise
    return opened
