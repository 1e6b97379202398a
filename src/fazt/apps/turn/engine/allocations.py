"""Allocations and the data path: what is done for each relayed packet is in this file."""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fazt.apps.turn.engine.access import Credential
from fazt.apps.turn.engine.buffer import HEADROOM, SHARED, SHARED_SPACE
from fazt.apps.turn.engine.links import Endpoint
from fazt.apps.turn.engine.paths import Client, Grounds, Peer, RelaySocket
from fazt.apps.turn.wire.message import pack_type
from fazt.apps.turn.wire.numbers import DATA, INDICATION, IPV4

PERMISSION_S = 300.0
CHANNEL_S = 600.0
CHANNEL_REST_S = 300.0
"""For so long after it lapsed, a channel number keeps its peer (RFC 8656 section 12)."""
MAX_REMEMBERED_PEERS = 1_024
MAX_LINKS = 4
"""So many peers get a socket of their own; few calls have more, and descriptors are not without end."""
LINK_AFTER = 32
"""A peer gets it after so many packets: most that are tried at the start of a call never come that far."""

# Linux' <netinet/in.h>; Python does not have them.
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 10, 23
PMTUDISC_DONT, PMTUDISC_DO = 0, 2

_CHANNEL_HEADER = struct.Struct("!HH")
_DATA_TYPE = pack_type(DATA, INDICATION)
_ZEROS = b"\0\0\0"


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
        self.emit: Callable[[memoryview | bytes], object]
        self._grounds = grounds
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
        elif not peer.is_own or not self._hand_over(peer, view, start, size):
            self._send_unlinked(peer, view[start : start + size])

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
        try:
            self.emit(view[begin:end])
        except OSError:
            self.drop("client_error")

    def _send_unlinked(self, peer: Peer, data: memoryview) -> None:
        """By the relay's own socket; a peer that is sent much to gets another."""
        try:
            peer.sendto(data, peer.address)
        except OSError:
            self.drop("send_error")
        peer.unlinked += 1
        if peer.unlinked == LINK_AFTER and sum(each.link is not None for each in self.peers.values()) < MAX_LINKS:
            peer.connect(self._grounds.loop)

    def _hand_over(self, peer: Peer, view: memoryview, start: int, size: int) -> bool:
        """To an address of this relay itself: straight to its allocation, since many networks route no packet back.

        False for other ports of the host where the owner's list opens them.
        """
        target = self._grounds.relays.get(peer.address)
        if target is not None:
            target.allocation.receive(peer.relay.announced, view, start, size)
            return True
        if not peer.is_allowed:
            self.drop("own_address")
            return True
        return False

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
