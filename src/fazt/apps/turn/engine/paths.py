"""The ways that packets take: a client, a peer, a relayed address, and what all allocations share."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fazt.apps.turn.engine.buffer import HEADROOM, SHARED, SHARED_SPACE
from fazt.apps.turn.engine.counts import Counts
from fazt.apps.turn.engine.links import Endpoint, open_link
from fazt.apps.turn.engine.loop import Loop
from fazt.apps.turn.engine.peers import FORBIDDEN_PORTS, PeerPolicy, to_bytes
from fazt.apps.turn.model import Transport
from fazt.apps.turn.wire.attributes import DATA, XOR_PEER_ADDRESS, Address, pack_xor_address
from fazt.apps.turn.wire.numbers import COOKIE_BYTES, IPV4, IPV6

if TYPE_CHECKING:
    from fazt.apps.turn.engine.allocations import Allocation

_INDICATION_IPV4 = struct.Struct("!HH30sH")
_INDICATION_IPV6 = struct.Struct("!HH42sH")


class Client(Protocol):
    """The client's end of an allocation: a source address on a UDP listener, or a stream."""

    transport: Transport
    address: Endpoint

    def answer(self, data: bytes) -> object:
        """Give the client an answer, which is not dropped for want of room."""

    def attach(self, allocation: Allocation | None) -> None:
        """Packets of this client belong to this allocation from now on, or to none.

        Sets `allocation.emit`, which takes relayed packets and may raise OSError.
        """


class Peer:
    """One transport address that an allocation may exchange packets with.

    `link` is its own socket, if it has one, `emit` that socket's send; `unlinked` counts packets sent without.
    """

    __slots__ = (
        "address",
        "allocation",
        "emit",
        "headline",
        "is_allowed",
        "is_own",
        "link",
        "number",
        "pack_header",
        "relay",
        "sendto",
        "size",
        "unlinked",
    )

    def __init__(self, address: Endpoint, relay: RelaySocket, policy: PeerPolicy) -> None:
        self.address = address
        self.sendto: Callable[[memoryview, Endpoint], int] = relay.socket.sendto
        self.relay = relay
        self.is_own = address[0] in policy.own
        self.is_allowed = policy.is_allowed(to_bytes(address[0]))
        self.number = 0
        self.unlinked = 0
        self.allocation = relay.allocation
        self.link: socket.socket | None = None
        self.emit: Callable[[memoryview], int] | None = None
        # The middle of a Data indication: cookie, transaction id, XOR-PEER-ADDRESS, type of DATA. One random
        # transaction id serves a peer's whole life: nothing answers an indication.
        transaction = os.urandom(12)
        wire = pack_xor_address(Address(to_bytes(address[0]), address[1]), transaction)
        head = struct.pack("!HH", XOR_PEER_ADDRESS.number, len(wire))
        self.headline = COOKIE_BYTES + transaction + head + wire + DATA.number.to_bytes(2, "big")
        form = _INDICATION_IPV4 if len(wire) == 8 else _INDICATION_IPV6
        self.pack_header = form.pack_into
        self.size = form.size

    def connect(self, loop: Loop) -> None:
        """Get a socket of one's own; without one, the relay's serves as before."""
        self.link = open_link(self.relay.socket, self.address, self.relay.take, SHARED_SPACE)
        if self.link is not None:
            self.emit = self.link.send
            loop.watch(self.link.fileno(), self.on_ready)

    def disconnect(self, loop: Loop) -> None:
        """Give it back."""
        if self.link is not None:
            loop.forget(self.link.fileno())
            self.link.close()
            self.link = self.emit = None

    def on_ready(self, _events: int) -> None:
        """Take one packet from the peer's own socket."""
        assert self.link is not None
        try:
            size = self.link.recv_into(SHARED_SPACE)
        except OSError:
            return
        self.allocation.deliver(self, SHARED, HEADROOM, size)


class RelaySocket:
    """A relayed transport address. `announced` is what peers see, which differs from the bound one behind NAT."""

    __slots__ = ("_recvfrom_into", "allocation", "announced", "socket")

    def __init__(self, opened: socket.socket, announced: Endpoint, allocation: Allocation) -> None:
        self.socket = opened
        self.announced = announced
        self.allocation = allocation
        self._recvfrom_into = opened.recvfrom_into

    def on_ready(self, _events: int) -> None:
        """Take one packet from a peer."""
        try:
            size, source = self._recvfrom_into(SHARED_SPACE)
        except OSError:
            return
        self.take(size, source)

    def take(self, size: int, source: Endpoint) -> None:
        """A packet from `source` lies in the shared buffer."""
        self.allocation.receive(source, SHARED, HEADROOM, size)

    @property
    def family(self) -> int:
        """1 or 2, as on the wire."""
        return IPV4 if self.socket.family == socket.AF_INET else IPV6


@dataclass(slots=True)
class Grounds:
    """What all allocations of a relay share."""

    counts: Counts
    policy: PeerPolicy
    loop: Loop
    relays: dict[Endpoint, RelaySocket] = field(default_factory=dict)
    """Every live relayed address, by what peers see."""
    listening_ports: frozenset[int] = frozenset()

    def is_closed(self, address: Endpoint) -> bool:
        """Whether nobody may send to this port: it amplifies, or it is where this relay listens (a loop)."""
        own = address[1] in self.listening_ports and address[0] in self.policy.own
        return own or address[1] in FORBIDDEN_PORTS
