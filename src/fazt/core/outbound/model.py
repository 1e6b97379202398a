"""Which addresses belong to the public Internet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

NAT64 = IPv6Network("64:ff9b::/96")
NEVER = (
    IPv4Network("192.0.0.0/24"),  # protocols of the IETF; parts of it count as global
    IPv4Network("192.88.99.0/24"),  # relays of 6to4, given up (RFC 7526)
    IPv4Network("168.63.129.16/32"),  # Azure's metadata and DNS, a public address by looks only
    IPv6Network("::/96"),  # IPv4-compatible, given up (RFC 4291)
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of local use (RFC 8215)
    IPv6Network("fec0::/10"),  # site-local, given up (RFC 3879)
    IPv6Network("2001::/32"),  # Teredo carries an IPv4 address of the sender's choice
    IPv6Network("3fff::/20"),  # for documentation (RFC 9637)
    IPv6Network("5f00::/16"),  # segment routing (RFC 9602)
)


def unwrap(address: Address) -> Address:
    """The IPv4 address inside a mapped, NAT64 or 6to4 one; any other as it is."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: str | Address) -> bool:
    """Whether this is an IP address, in any notation, that anybody on the Internet could have."""
    try:
        found = unwrap(ip_address(address.partition("%")[0] if isinstance(address, str) else address))
    except ValueError:
        return False
    if any(found in network for network in NEVER if network.version == found.version):
        return False
    return found.is_global and not found.is_multicast


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the owner lets through although it is private."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def parse(cls, entries: Iterable[str]) -> Allowed:
        """Host names and CIDR blocks, as in the setting."""
        hosts, networks = set(), []
        for entry in entries:
            try:
                networks.append(ip_network(entry.strip(), strict=False))
            except ValueError:
                hosts.add(entry.strip().lower().rstrip("."))
        return cls(frozenset(hosts), tuple(networks))

    def has_host(self, host: str) -> bool:
        """Whether this name is let through, wherever it leads."""
        return host.lower().rstrip(".") in self.hosts

    def has_address(self, address: str) -> bool:
        """Whether an address lies in one of the blocks."""
        found = unwrap(ip_address(address.partition("%")[0]))
        return any(found in network for network in self.networks if network.version == found.version)
