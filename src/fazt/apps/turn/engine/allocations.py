"""Allocations and the data path: what is done for each relayed packet is in this file.

Packets lie in a buffer with room before them. A header is written into that room, so that no payload is ever copied.
The room is HEADROOM bytes, more than the longest header (a Data indication from an IPv6 peer: 48).
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from fazt.apps.turn.engine.access import Credential
from fazt.apps.turn.engine.counts import Counts
from fazt.apps.turn.engine.links import Endpoint, open_link
from fazt.apps.turn.engine.loop import Loop
from fazt.apps.turn.engine.peers import FORBIDDEN_PORTS, PeerPolicy, to_bytes
from fazt.apps.turn.model import Transport
from fazt.apps.turn.wire.attributes import DATA, XOR_PEER_ADDRESS, Address, pack_xor_address
from fazt.apps.turn.wire.message import pack_type
from fazt.apps.turn.wire.numbers import COOKIE_BYTES, INDICATION, IPV4, IPV6
from fazt.apps.turn.wire.numbers import DATA as DATA_METHOD

HEADROOM = 64
BUFFER_SIZE = HEADROOM + 65_536 + 64
PERMISSION_S = 300.0
CHANNEL_S = 600.0
CHANNEL_REST_S = 300.0
"""For so long after it lapsed, a channel number keeps its peer (RFC 8656 section 12)."""
MAX_REMEMBERED_PEERS = 1_024
MAX_LINKS = 4
"""So many peers with channels get a socket of their own; few calls have more, and descriptors are not without end."""

# Linux' <netinet/in.h>; Python does not have them.
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 10, 23
PMTUDISC_DONT, PMTUDISC_DO = 0, 2

_CHANNEL_HEADER = struct.Struct("!HH")
_DATA_TYPE = pack_type(DATA_METHOD, INDICATION)
_INDICATION_IPV4 = struct.Struct("!HH30sH")
_INDICATION_IPV6 = struct.Struct("!HH42sH")
_ZEROS = b"\0\0\0"

# One thread, one packet at a time: all UDP sockets share one buffer.
SHARED = memoryview(bytearray(BUFFER_SIZE))
SHARED_SPACE = SHARED[HEADROOM : HEADROOM + 65_536]


class Client(Protocol):
    """The client's end of an allocation: a source address on a UDP listener, or a stream."""

    transport: Transport
    address: Endpoint

    def send(self, data: memoryview | bytes) -> object:
        """Give one relayed packet to the client, or drop it."""

    def answer(self, data: bytes) -> None:
        """Give the client an answer, which is not dropped for want of room."""

    def attach(self, allocation: Allocation | None) -> None:
        """Packets of this client belong to this allocation from now on, or to none."""


class Peer:
    """One transport address that an allocation may exchange packets with; `link` is its own socket, if it has one."""

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
    )

    def __init__(self, address: Endpoint, relay: RelaySocket, policy: PeerPolicy) -> None:
        self.address = address
        self.sendto: Callable[[memoryview, Endpoint], int] = relay.socket.sendto
        self.relay = relay
        self.is_own = address[0] in policy.own
        self.is_allowed = policy.is_allowed(to_bytes(address[0]))
        self.number = 0
        self.allocation = relay.allocation
        self.link: socket.socket | None = None
        self.emit: Callable[[memoryview], int] | None = None
        # The middle of a Data indication: cookie, transaction id, XOR-PEER-ADDRESS, type of DATA. One random
        # transaction id serves a peer's whole life: nothing answers an indication.
        transaction = os.urandom(12)
        wire = pack_xor_address(Address(to_bytes(address[0]), address[1]), transaction)
        head = _CHANNEL_HEADER.pack(XOR_PEER_ADDRESS.number, len(wire))
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


@dataclass(slots=True)
class Binding:
    """A channel number and its peer."""

    number: int
    address: Endpoint
    until: float


class Allocation:
    """What one client has been given: relayed addresses, permissions, channels, and how much has passed."""

    def __init__(self, client: Client, user: str, grounds: Grounds, started: float) -> None:
        self.client = client
        self.user = user
        self.credential: Credential | None = None
        self.born_by = b""
        self.birth_answer = b""
        self.started = started
        self.until = started
        self.next_deadline = 0.0
        self.sockets: list[RelaySocket] = []
        self.permissions: dict[str, float] = {}
        self.bindings: dict[int, Binding] = {}
        self.channels: dict[int, Peer] = {}
        self.peers: dict[Endpoint, Peer] = {}
        self.sends: dict[bytes, Peer] = {}
        self.bytes_sent = self.bytes_received = self.packets_sent = self.packets_received = 0
        self.sent_limit = self.received_limit = sys.maxsize
        self._grounds = grounds
        self._to_client = client.send
        self._is_stream = client.transport != "udp"

    # The data path.

    def send(self, peer: Peer, view: memoryview, start: int, size: int) -> None:
        """Pass `size` bytes of the client's at `start` on to a peer."""
        sent = self.bytes_sent + size
        if sent > self.sent_limit:
            self.drop("bandwidth")
            return
        self.bytes_sent = sent
        self.packets_sent += 1
        emit = peer.emit
        if emit is not None:
            data = view[start : start + size]
            try:
                emit(data)
            except OSError:  # often what became of an earlier packet
                self._send_again(emit, data)
        elif peer.is_own:
            self._hand_over(peer, view, start, size)
        else:
            try:
                peer.sendto(view[start : start + size], peer.address)
            except OSError:
                self.drop("send_error")

    def _send_again(self, emit: Callable[[memoryview], int], data: memoryview) -> None:
        try:
            emit(data)
        except OSError:
            self.drop("send_error")

    def receive(self, source: Endpoint, view: memoryview, start: int, size: int) -> None:
        """Pass `size` bytes at `start`, which came from `source`, on to the client."""
        peer = self.peers.get(source) or self.admit(source)
        if peer is None:
            self.drop("no_permission")
            return
        self.deliver(peer, view, start, size)

    def deliver(self, peer: Peer, view: memoryview, start: int, size: int) -> None:
        """Pass `size` bytes at `start`, which a peer has sent, on to the client."""
        received = self.bytes_received + size
        if received > self.received_limit:
            self.drop("bandwidth")
            return
        self.bytes_received = received
        self.packets_received += 1
        end = start + size
        if peer.number:
            begin = start - 4
            _CHANNEL_HEADER.pack_into(view, begin, peer.number, size)
            padding = -size & 3 if self._is_stream else 0
        else:
            begin = start - peer.size
            padding = -size & 3
            peer.pack_header(view, begin, _DATA_TYPE, peer.size - 20 + size + padding, peer.headline, size)
        if padding:
            view[end : end + padding] = _ZEROS[:padding]
            end += padding
        self._to_client(view[begin:end])

    def _hand_over(self, peer: Peer, view: memoryview, start: int, size: int) -> None:
        """To an address of this relay itself: straight to its allocation, since many networks route no packet back.

        Other ports of the host are reached only where the owner's list says so.
        """
        target = self._grounds.relays.get(peer.address)
        if target is not None:
            target.allocation.receive(peer.relay.announced, view, start, size)
            return
        if not peer.is_allowed:
            self.drop("own_address")
            return
        try:
            peer.sendto(view[start : start + size], peer.address)
        except OSError:
            self.drop("send_error")

    def send_copy(self, peer: Peer, data: bytes) -> None:
        """As `send`, for bytes that lie in no buffer with room before them."""
        SHARED_SPACE[: len(data)] = data
        self.send(peer, SHARED, HEADROOM, len(data))

    def send_whole(self, peer: Peer, data: bytes) -> None:
        """As `send`, with the bit that forbids fragments; dropped when too large for that."""
        is_ipv4 = peer.relay.family == IPV4
        level, option = (socket.IPPROTO_IP, IP_MTU_DISCOVER) if is_ipv4 else (socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER)
        peer.relay.socket.setsockopt(level, option, PMTUDISC_DO)
        self.send_copy(peer, data)
        peer.relay.socket.setsockopt(level, option, PMTUDISC_DONT)

    def drop(self, why: str) -> None:
        """A packet was not passed on."""
        self._grounds.counts.add(f"dropped.{why}")

    # Peers.

    def admit(self, address: Endpoint) -> Peer | None:
        """The Peer for an address whose IP has a permission; None for others, and for ports never to be reached."""
        relay = self.find_socket(address)
        if relay is None or address[0] not in self.permissions or self._grounds.is_closed(address):
            return None
        if len(self.peers) >= MAX_REMEMBERED_PEERS:
            self.peers = {peer.address: peer for peer in self.channels.values()}
            self.sends.clear()
        peer = Peer(address, relay, self._grounds.policy)
        if peer.is_own and not peer.is_allowed and address not in self._grounds.relays:
            return None
        self.peers[address] = peer
        return peer

    def find_socket(self, address: Endpoint) -> RelaySocket | None:
        """The relayed address of the same family as this peer."""
        wanted = socket.AF_INET if len(address) == 2 else socket.AF_INET6
        return next((relay for relay in self.sockets if relay.socket.family == wanted), None)

    def forget_socket(self, gone: RelaySocket) -> None:
        """Nothing goes through this relayed address any more."""
        self._forget_peers(peer for peer in self.peers.values() if peer.relay is gone)

    def permit(self, ip: str, now: float) -> None:
        """Install or renew a permission; channels to that address work again."""
        self.permissions[ip] = now + PERMISSION_S
        for binding in self.bindings.values():
            if binding.address[0] == ip and binding.until > now and binding.number not in self.channels:
                self._open_channel(binding)
        self._look_at(now + PERMISSION_S)

    def bind(self, number: int, address: Endpoint, now: float) -> bool:
        """Bind or renew a channel, permission included; False when number or peer belongs to another."""
        for binding in self.bindings.values():
            if (binding.number == number) != (binding.address == address):
                return False
        self.bindings[number] = Binding(number, address, now + CHANNEL_S)
        self.permit(address[0], now)
        return True

    def _open_channel(self, binding: Binding) -> None:
        peer = self.peers.get(binding.address) or self.admit(binding.address)
        if peer is not None:
            peer.number = binding.number
            is_elsewhere = not peer.is_own or (peer.is_allowed and peer.address not in self._grounds.relays)
            if (
                peer.link is None
                and is_elsewhere
                and sum(each.link is not None for each in self.peers.values()) < MAX_LINKS
            ):
                peer.connect(self._grounds.loop)
            self.channels[binding.number] = peer

    # Time.

    def live_until(self, until: float) -> None:
        """Set the end of the allocation (monotonic seconds)."""
        self.until = until
        self.next_deadline = 0.0

    def _look_at(self, deadline: float) -> None:
        self.next_deadline = min(self.next_deadline, deadline)

    def lapse(self, now: float) -> bool:
        """Forget permissions and channels whose time is over; True when the allocation's own is.

        To be called once `next_deadline` has passed.
        """
        if self.until <= now:
            return True
        for ip in [ip for ip, until in self.permissions.items() if until <= now]:
            self._forbid(ip)
        for number in [n for n, binding in self.bindings.items() if binding.until <= now]:
            peer = self.channels.pop(number, None)
            if peer is not None:
                peer.number = 0
            if self.bindings[number].until + CHANNEL_REST_S <= now:
                del self.bindings[number]
        ends = [each.until if each.until > now else each.until + CHANNEL_REST_S for each in self.bindings.values()]
        self.next_deadline = min([self.until, *self.permissions.values(), *ends])
        return False

    def _forbid(self, ip: str) -> None:
        del self.permissions[ip]
        self._forget_peers(peer for peer in self.peers.values() if peer.address[0] == ip)

    def _forget_peers(self, gone: Iterable[Peer]) -> None:
        self.sends.clear()
        for peer in list(gone):
            peer.disconnect(self._grounds.loop)
            del self.peers[peer.address]
            if self.channels.get(peer.number) is peer:
                del self.channels[peer.number]
