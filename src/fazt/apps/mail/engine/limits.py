"""What one stranger may do at the door: connections, messages a minute, and the grey list."""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from functools import lru_cache
from hashlib import sha256

REMEMBERED = 20_000
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Gate:
    """Counts of the running program; times are seconds of the monotonic clock."""

    def __init__(self, max_connections: int, max_per_address: int, per_minute: int, trusted: list[str]) -> None:
        self.max_connections = max_connections
        self.max_per_address = max_per_address
        self.per_minute = per_minute
        self.trusted = tuple(ipaddress.ip_network(text, strict=False) for text in trusted)
        self.open: Counter[str] = Counter()
        self._trusts: dict[str, bool] = {}
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def is_trusted(self, address: str) -> bool:
        """Whether an address belongs to a network that limits and checks of senders pass over."""
        if address not in self._trusts:
            if len(self._trusts) >= REMEMBERED:
                self._trusts.clear()
            self._trusts[address] = is_within(address, self.trusted)
        return self._trusts[address]

    def enter(self, address: str) -> bool:
        """Count a connection; False where it is one too many (then nothing is counted)."""
        place = neighbourhood(address)
        full = self.open.total() >= self.max_connections
        if full or (self.open[place] >= self.max_per_address and not self.is_trusted(address)):
            return False
        self.open[place] += 1
        return True

    def leave(self, address: str) -> None:
        """The connection has ended."""
        place = neighbourhood(address)
        self.open[place] -= 1
        if self.open[place] <= 0:
            del self.open[place]

    def take(self, address: str, now: float) -> bool:
        """Whether one more message may come from here now."""
        if self.is_trusted(address):
            return True
        place = neighbourhood(address)
        level, at = self._buckets.get(place, (0.0, now))
        level = max(0.0, level - (now - at) * self.per_minute / 60)
        if level + 1 > self.per_minute:
            return False
        self._buckets[place] = (level + 1, now)
        self._buckets.move_to_end(place)
        while len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return True


@lru_cache(maxsize=4096)
def neighbourhood(address: str) -> str:
    """What counts as one sender: an IPv4 address, a /64 of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network(f"{found}/64", strict=False)) if found.version == 6 else address


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address is in one of the networks."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)


def grey_key(address: str, mail_from: str, recipient: str) -> str:
    """What the grey list remembers: network, sender and recipient, as a hash."""
    try:
        found = ipaddress.ip_address(address)
        network = str(ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 64}", strict=False))
    except ValueError:
        network = address
    return sha256(f"{network}\0{mail_from.lower()}\0{recipient.lower()}".encode()).hexdigest()[:40]
