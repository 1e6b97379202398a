"""The relay put together: sockets, control, data path and the work of each second."""

from __future__ import annotations

import errno
import resource
import socket
import ssl
import sys
from collections.abc import Callable
from time import time

from fazt.apps.turn.engine.access import Gate
from fazt.apps.turn.engine.addresses import choose_relay_address, list_own_addresses
from fazt.apps.turn.engine.allocations import Allocation
from fazt.apps.turn.engine.births import Births, RelayAddress
from fazt.apps.turn.engine.control import Control
from fazt.apps.turn.engine.counts import Counts
from fazt.apps.turn.engine.listeners import TcpListener, UdpListener, open_tcp, open_udp
from fazt.apps.turn.engine.loop import Loop
from fazt.apps.turn.engine.paths import Grounds, RelaySocket
from fazt.apps.turn.engine.peers import PeerPolicy
from fazt.apps.turn.engine.ports import Ports
from fazt.apps.turn.engine.streams import StreamRules
from fazt.apps.turn.model import Figures, Note, Orders, Ready, Report, Session
from fazt.apps.turn.wire.numbers import IPV4, IPV6
from fazt.core.tls.contexts import create_context

MAX_SESSIONS_TOLD = 200
_PORT_TRIES = 50


class Relay:
    """One relay as ordered. `tell` is called with each Report; `loop` runs it. Raises OSError when it cannot listen."""

    def __init__(self, orders: Orders, tell: Callable[[Report], object]) -> None:
        self.orders = orders
        self.loop = Loop(self.tick)
        self.counts = Counts()
        self._tell = tell
        self._started_at = int(time() * 1000)
        self._sockets = open_listeners(orders)
        self._rules = StreamRules(orders.limits.streams, orders.limits.streams_per_address)
        addresses = {family: chosen for family in (IPV4, IPV6) if (chosen := choose_relay(orders, family))}
        self._grounds = Grounds(
            self.counts, self._create_policy(orders, addresses), self.loop, listening_ports=self._listening_ports()
        )
        births = Births(self._grounds, Ports(orders.first_port, orders.last_port), addresses, self.loop)
        self.control = Control(Gate(orders), self._grounds, births, orders.limits)
        self._learn_certificate(orders)
        for opened in self._sockets:
            if opened.type == socket.SOCK_DGRAM:
                self.loop.watch(opened.fileno(), UdpListener(opened, self.control, self.loop).on_ready)
            else:
                self.loop.watch(opened.fileno(), TcpListener(opened, self.control, self.loop, self._rules).on_ready)

    @property
    def ready(self) -> Ready:
        """Where it listens."""
        ports = [opened.getsockname()[1] for opened in self._sockets if opened.type == socket.SOCK_STREAM]
        return Ready(
            addresses=self.orders.listen,
            port=ports[0],
            tls_port=ports[-1],
            relays=tuple(address.announced for address in self.control.births.addresses.values()),
            has_tls=self._rules.context is not None,
        )

    def learn(self, orders: Orders) -> None:
        """Obey other orders, as far as that is possible while calls go on."""
        self.orders = orders
        addresses = self.control.births.addresses
        self.control.gate.learn(orders)
        self.control.limits = orders.limits
        self.control.strangers.rate = orders.limits.refusals_per_second
        self._rules.max_streams = orders.limits.streams
        self._rules.max_per_address = orders.limits.streams_per_address
        self._grounds.policy = self._create_policy(orders, addresses)
        self._learn_certificate(orders)

    def tick(self, now: float) -> None:
        """The work of each second."""
        for allocation in list(self.control.allocations):
            if allocation.next_deadline <= now and allocation.lapse(now):
                self.control.release(allocation)
        for stream in [stream for stream in self._rules.live if stream.is_overdue(now)]:
            stream.close()
        self.control.births.lapse_reservations(now)
        self.control.forget(now)
        self._share_bandwidth()
        for note in self.counts.take_notes():
            self._tell(note)
        self._tell(self.figures(now))

    def close(self) -> None:
        """End everything at once."""
        for stream in list(self._rules.live):
            stream.close()
        for allocation in list(self.control.allocations):
            self.control.release(allocation)
        for opened in self._sockets:
            self.loop.forget(opened.fileno())
            opened.close()

    def figures(self, now: float) -> Figures:
        """All counts, and the allocations that there are."""
        live, counts = list(self.control.allocations), self.counts
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return Figures(
            at=int(time() * 1000),
            started_at=self._started_at,
            sessions=tuple(_describe(allocation, now) for allocation in live[:MAX_SESSIONS_TOLD]),
            allocations=len(live),
            streams=len(self._rules.live),
            bytes_sent=counts.bytes_sent + sum(a.bytes_sent for a in live),
            bytes_received=counts.bytes_received + sum(a.bytes_received for a in live),
            packets_sent=counts.packets_sent + sum(a.packets_sent for a in live),
            packets_received=counts.packets_received + sum(a.packets_received for a in live),
            cpu_s=usage.ru_utime + usage.ru_stime,
            counts=dict(counts.named),
        )

    def _share_bandwidth(self) -> None:
        """What each allocation may pass in the next second: its own cap, and an equal part of the cap over all."""
        limits, live = self.orders.limits, self.control.allocations
        each = limits.bytes_per_second_per_allocation or sys.maxsize
        if limits.bytes_per_second:
            each = min(each, limits.bytes_per_second // max(1, len(live)))
        for allocation in live:
            allocation.sent_limit = allocation.bytes_sent + each
            allocation.received_limit = allocation.bytes_received + each

    def _learn_certificate(self, orders: Orders) -> None:
        """New connections see the new certificate; without one, or with a bad one, TLS is as before."""
        if not orders.certificate_chain:
            self._rules.context = None
            return
        try:
            self._rules.context = create_context(orders.certificate_chain, orders.certificate_key)
        except (ssl.SSLError, ValueError) as error:
            self.counts.note(Note("error", f"the certificate for turns: cannot be used: {error}"))

    def _listening_ports(self) -> frozenset[int]:
        return frozenset(opened.getsockname()[1] for opened in self._sockets)

    def _create_policy(self, orders: Orders, addresses: dict[int, RelayAddress]) -> PeerPolicy:
        own = (*list_own_addresses(), *orders.listen, *orders.external)
        return PeerPolicy(orders.allow_peers, own, [address.announced for address in addresses.values()])


def _describe(allocation: Allocation, now: float) -> Session:
    relays: list[RelaySocket] = allocation.sockets
    return Session(
        user=allocation.user,
        transport=allocation.client.transport,
        age_s=int(now - allocation.started),
        relay=", ".join(f"{relay.announced[0]} port {relay.announced[1]}" for relay in relays),
        peers=len(allocation.permissions),
        bytes_sent=allocation.bytes_sent,
        bytes_received=allocation.bytes_received,
    )


def choose_relay(orders: Orders, family: int) -> RelayAddress | None:
    """Where sockets of a family are bound, and what peers are told; None where the host has no such address."""
    bound = choose_relay_address(orders.listen, family)
    if bound is None:
        return None
    external = next((ip for ip in orders.external if (":" in ip) == (family == IPV6)), bound)
    return RelayAddress(bound, external)


def open_listeners(orders: Orders) -> list[socket.socket]:
    """UDP and TCP on every address, all on one port; then TCP on the port for TLS. Raises OSError.

    With port 0 the system chooses, and another is tried when the choice is taken elsewhere.
    """
    tries = 1 if orders.port else _PORT_TRIES
    while True:
        tries -= 1
        opened: list[socket.socket] = []
        try:
            _open_all(orders, opened)
        except OSError as error:
            for each in opened:
                each.close()
            if not tries or error.errno != errno.EADDRINUSE:
                raise
        else:
            return opened


def _open_all(orders: Orders, opened: list[socket.socket]) -> None:
    port = orders.port
    for ip in orders.listen:
        opened.append(open_udp(ip, port))
        port = port or opened[0].getsockname()[1]
    opened += [open_tcp(ip, port) for ip in orders.listen]
    if orders.tls_port not in (0, port):
        opened += [open_tcp(ip, orders.tls_port) for ip in orders.listen]
