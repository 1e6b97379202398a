"""Which addresses clients may reach through the relay: an authenticated proxy must not open inner doors."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# An explicit list: `is_global` calls multicast, 6to4 relays, NAT64 of loopback and more global, and its answers
# differ between patch releases of Python.
FORBIDDEN_IPV4 = {
    "this_network": ("0.0.0.0/8",),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    "shared": ("100.64.0.0/10",),
    "loopback": ("127.0.0.0/8",),
    "link_local": ("169.254.0.0/16",),
    "reserved": (
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
    ),
    "multicast": ("224.0.0.0/4",),
}
GLOBAL_IPV6 = "2000::/3"
"""The only IPv6 block that is given out: loopback, mapped IPv4, NAT64, ULA, link-local and multicast lie outside."""

FORBIDDEN_IPV6 = {
    "tunnel": ("2002::/16",),  # 6to4 holds an IPv4 address, and so does Teredo inside 2001::/23
    "reserved": ("2001::/23", "2001:db8::/32", "3fff::/20"),
}
# Services that answer a small question with a large answer, to whoever the source address names.
FORBIDDEN_PORTS = frozenset({0, 19, 53, 69, 111, 123, 137, 161, 389, 1900, 5353, 11211})


def _parse(table: dict[str, tuple[str, ...]]) -> list[tuple[Network, str]]:
    return [(ipaddress.ip_network(block), name) for name, blocks in table.items() for block in blocks]


_IPV4 = _parse(FORBIDDEN_IPV4)
_IPV6 = _parse(FORBIDDEN_IPV6)
_GLOBAL = ipaddress.ip_network(GLOBAL_IPV6)


class PeerPolicy:
    """`relays` are the addresses where this relay's own allocations are reached: allowed, since two people on the
    same relay meet there. What may be sent to them beyond live allocations is the data path's question.
    """

    def __init__(self, allowed: Iterable[str], own: Iterable[str], relays: Iterable[str]) -> None:
        self.allowed = [ipaddress.ip_network(block, strict=False) for block in allowed]
        self.relays = frozenset(relays)
        self.own = frozenset(own) | self.relays

    def find_objection(self, ip: bytes) -> str:
        """Why an address of 4 or 16 bytes must not be reached, in one word; empty when it may be."""
        if self.is_allowed(ip):
            return ""
        text = to_text(ip)
        if text in self.relays:
            return ""
        if text in self.own:
            return "own"
        address = ipaddress.ip_address(ip)
        if address.version == 6 and address not in _GLOBAL:
            return "not_global"
        for network, name in _IPV4 if address.version == 4 else _IPV6:
            if address in network:
                return name
        return ""

    def is_allowed(self, ip: bytes) -> bool:
        """Whether the owner's list names this address in so many words."""
        address = ipaddress.ip_address(ip)
        return any(address.version == network.version and address in network for network in self.allowed)


def to_text(ip: bytes) -> str:
    """The address as the socket module writes it, which is how sources of packets are compared."""
    return socket.inet_ntop(socket.AF_INET if len(ip) == 4 else socket.AF_INET6, ip)


def to_bytes(text: str) -> bytes:
    """The 4 or 16 bytes of an address."""
    return ipaddress.ip_address(text).packed
