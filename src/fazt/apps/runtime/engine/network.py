"""Where code may not connect to: every private block, this machine's addresses and the cloud's own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import TYPE_CHECKING

from fazt.core.outbound import Allowed

if TYPE_CHECKING:
    from fazt.core import Core

PRIVATE = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's metadata, public by looks only
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
IPV6 = ("[::]", "[::1]")
"""All of IPv6 stays shut (see wall.py), since Deno takes no blocks of it; these two give a clearer message."""


async def find_denied(core: Core) -> list[str]:
    """What `--deny-net` is given: blocks of IPv4, less what the owner lets through. Names are looked up now."""
    allowed = Allowed.parse(core.settings.get("outbound.allow"))
    let_through = [network for network in allowed.networks if isinstance(network, IPv4Network)]
    for host in sorted(allowed.hosts):
        let_through += [IPv4Network(address) for address in await look_up(host)]
    own = [IPv4Network(address) for address in await find_own(core)]
    return [*subtract([*PRIVATE, *own], let_through), *IPV6]


async def find_own(core: Core) -> list[str]:
    """Addresses of this machine, and what the cloud's domain leads to."""
    names = [socket.gethostname()] if core.config.is_local else [socket.gethostname(), core.config.domain]
    found = {address for name in names for address in await look_up(name)}
    return sorted(found | set(await asyncio.to_thread(list_interfaces)))


def list_interfaces() -> list[str]:
    """The IPv4 addresses of this machine's interfaces."""
    import ifaddr  # noqa: PLC0415 - only where code runs

    return [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]


async def look_up(host: str) -> list[str]:
    """The IPv4 addresses of a name; none where it leads nowhere."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
    except (OSError, UnicodeError):
        return []
    return sorted({str(entry[4][0]) for entry in found if is_ipv4(str(entry[4][0]))})


def is_ipv4(text: str) -> bool:
    """Whether a text is an IPv4 address."""
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def subtract(blocks: Iterable[IPv4Network], holes: Iterable[IPv4Network]) -> list[str]:
    """The blocks without the holes, as CIDR."""
    left = list(blocks)
    for hole in holes:
        next_left: list[IPv4Network] = []
        for block in left:
            if hole.supernet_of(block):
                continue
            next_left += block.address_exclude(hole) if block.supernet_of(hole) else [block]
        left = next_left
    return [str(block) for block in left]
