"""How allocations come to be and end: ports, families, reservations, quotas (RFC 8656 section 7)."""

from __future__ import annotations

import secrets
import socket
from collections import Counter
from dataclasses import dataclass
from time import monotonic

from fazt.apps.turn.engine.access import Credential, Refused
from fazt.apps.turn.engine.allocations import Allocation
from fazt.apps.turn.engine.links import Endpoint
from fazt.apps.turn.engine.loop import Loop
from fazt.apps.turn.engine.paths import Client, Grounds, RelaySocket
from fazt.apps.turn.engine.peers import to_bytes
from fazt.apps.turn.engine.ports import Ports, PortsExhausted
from fazt.apps.turn.model import Limits, Note
from fazt.apps.turn.wire import attributes as a
from fazt.apps.turn.wire.message import Message, Pair
from fazt.apps.turn.wire.numbers import (
    ALLOCATION_QUOTA,
    BAD_REQUEST,
    FAMILY_NOT_SUPPORTED,
    INSUFFICIENT_CAPACITY,
    IPV4,
    IPV6,
    REASONS,
    TRANSPORT_NOT_SUPPORTED,
    UDP_PROTOCOL,
)

DEFAULT_LIFETIME_S = 600
RESERVATION_S = 30.0
MAX_RESERVATIONS = 256


@dataclass(frozen=True, slots=True)
class RelayAddress:
    """Where relay sockets of one family are bound, and what peers see instead."""

    bound: str
    announced: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What an Allocate request asks for."""

    families: tuple[int, ...]
    is_even: bool
    reserves_next: bool
    token: bytes | None


class Births:
    """Creates and ends allocations. `addresses` has an entry for each family that can be relayed."""

    def __init__(self, grounds: Grounds, ports: Ports, addresses: dict[int, RelayAddress], loop: Loop) -> None:
        self.allocations: dict[Allocation, None] = {}
        self.by_user: Counter[str] = Counter()
        self.addresses = addresses
        self._grounds = grounds
        self._ports = ports
        self._loop = loop
        self._reserved: dict[bytes, tuple[float, socket.socket]] = {}

    def create(
        self, client: Client, message: Message, credential: Credential, limits: Limits
    ) -> tuple[Allocation, list[Pair]]:
        """An allocation as the message wishes, and what its answer says about it. Raises Refused."""
        wish = _read_wish(message)
        if self.by_user[credential.user] >= limits.allocations_per_user > 0:
            raise Refused(ALLOCATION_QUOTA, why="the user's quota is reached")
        if len(self.allocations) >= limits.allocations:
            raise Refused(INSUFFICIENT_CAPACITY, why="as many allocations as there may be")
        now = monotonic()
        allocation = Allocation(client, credential.user, self._grounds, now)
        allocation.credential = credential
        pairs = self._open_sockets(allocation, wish)
        lifetime = max(DEFAULT_LIFETIME_S, self.choose_lifetime(message, allocation, limits))
        allocation.live_until(now + lifetime)
        for relay in allocation.sockets:
            self._grounds.relays[relay.announced] = relay
            self._loop.watch(relay.socket.fileno(), relay.on_ready)
        self.allocations[allocation] = None
        self.by_user[credential.user] += 1
        self._grounds.counts.add(f"allocations.{client.transport}")
        client.attach(allocation)
        return allocation, [*pairs, (a.LIFETIME, lifetime)]

    def choose_lifetime(self, message: Message, allocation: Allocation, limits: Limits) -> int:
        """Seconds that a Refresh (or Allocate) gets; 0 ends the allocation."""
        wanted = message.get(a.LIFETIME)
        if wanted == 0:
            return 0
        lifetime = min(max(DEFAULT_LIFETIME_S, wanted or 0), limits.max_lifetime_s)
        if limits.max_age_s:
            lifetime = min(lifetime, max(0, int(allocation.started + limits.max_age_s - monotonic())))
        return lifetime

    def end(self, allocation: Allocation) -> None:
        """End an allocation; harmless when it has ended."""
        if allocation not in self.allocations:
            return
        del self.allocations[allocation]
        self.by_user[allocation.user] -= 1
        if not self.by_user[allocation.user]:
            del self.by_user[allocation.user]
        allocation.client.attach(None)
        for relay in allocation.sockets:
            allocation.forget_socket(relay)
            self._close(relay)
        allocation.sockets = []
        self._grounds.counts.close(allocation)
        self._tell_end(allocation)

    def end_family(self, allocation: Allocation, family: int) -> None:
        """Give back one of two relayed addresses."""
        for relay in [relay for relay in allocation.sockets if relay.family == family]:
            allocation.forget_socket(relay)
            self._close(relay)
            allocation.sockets.remove(relay)

    def lapse_reservations(self, now: float) -> None:
        """Give back reserved ports that nobody came for."""
        for token, (until, opened) in list(self._reserved.items()):
            if until > now:
                break
            del self._reserved[token]
            self._ports.give_back(opened)

    def _close(self, relay: RelaySocket) -> None:
        self._loop.forget(relay.socket.fileno())
        self._grounds.relays.pop(relay.announced, None)
        self._ports.give_back(relay.socket)

    def _tell_end(self, allocation: Allocation) -> None:
        client = allocation.client
        self._grounds.counts.note(
            Note(
                "info",
                f"allocation of {allocation.user!r} ended: {client.address[0]} over {client.transport}, "
                f"{monotonic() - allocation.started:.0f} s, {allocation.bytes_sent} bytes sent, "
                f"{allocation.bytes_received} received",
            )
        )

    def _open_sockets(self, allocation: Allocation, wish: Wish) -> list[Pair]:
        """Open what is wished for, or raise Refused with nothing opened."""
        if wish.token is not None:
            _, opened = self._reserved.pop(wish.token, (0.0, None))
            if opened is None:
                raise Refused(INSUFFICIENT_CAPACITY, why="unknown reservation")
            return [self._add(allocation, opened)]
        pairs: list[Pair] = []
        for family in wish.families:
            code = FAMILY_NOT_SUPPORTED if family not in self.addresses else 0
            try:
                if not code:
                    pairs += self._open_family(allocation, family, wish)
            except (PortsExhausted, OSError):
                code = INSUFFICIENT_CAPACITY
            if code and len(wish.families) == 1:
                raise Refused(code, why="no relay address or port")
            if code:
                pairs.append((a.ADDRESS_ERROR_CODE, a.FamilyError(family, code, REASONS[code])))
        if not allocation.sockets:
            raise Refused(INSUFFICIENT_CAPACITY, why="no relay address or port")
        return pairs

    def _open_family(self, allocation: Allocation, family: int, wish: Wish) -> list[Pair]:
        bound = self.addresses[family].bound
        if not wish.reserves_next:
            opened = self._ports.open_even(bound) if wish.is_even else self._ports.open(bound)
            return [self._add(allocation, opened)]
        if len(self._reserved) >= MAX_RESERVATIONS:
            raise PortsExhausted
        opened, following = self._ports.open_pair(bound)
        token = secrets.token_bytes(8)
        self._reserved[token] = (monotonic() + RESERVATION_S, following)
        return [self._add(allocation, opened), (a.RESERVATION_TOKEN, token)]

    def _add(self, allocation: Allocation, opened: socket.socket) -> Pair:
        family = IPV4 if opened.family == socket.AF_INET else IPV6
        port = opened.getsockname()[1]
        ip = self.addresses[family].announced
        announced: Endpoint = (ip, port) if family == IPV4 else (ip, port, 0, 0)
        allocation.sockets.append(RelaySocket(opened, announced, allocation))
        return (a.XOR_RELAYED_ADDRESS, a.Address(to_bytes(ip), port))


def _read_wish(message: Message) -> Wish:
    """What an Allocate asks for. Raises Refused where it contradicts itself."""
    transport = message.get(a.REQUESTED_TRANSPORT)
    if transport is None:
        raise Refused(BAD_REQUEST, why="no transport asked for")
    if transport != UDP_PROTOCOL:
        raise Refused(TRANSPORT_NOT_SUPPORTED, why=f"transport {transport}")
    even, token = message.get(a.EVEN_PORT), message.get(a.RESERVATION_TOKEN)
    family, second = message.get(a.REQUESTED_ADDRESS_FAMILY), message.get(a.ADDITIONAL_ADDRESS_FAMILY)
    if second is None:
        second = message.get(a.DRAFT_ADDITIONAL_FAMILY)
    if token is not None and (even is not None or family is not None or second is not None):
        raise Refused(BAD_REQUEST, why="a reservation and something else")
    if second is not None and (second != IPV6 or family is not None or even):
        raise Refused(BAD_REQUEST, why="an additional family that cannot be")
    if family not in (None, IPV4, IPV6):
        raise Refused(FAMILY_NOT_SUPPORTED, why=f"family {family}")
    families = (family or IPV4,) if second is None else (IPV4, IPV6)
    return Wish(families, even is not None, bool(even), token)
