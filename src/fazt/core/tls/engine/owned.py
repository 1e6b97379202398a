"""By which names and addresses this machine is reached."""

from __future__ import annotations

import socket
from functools import lru_cache

import msgspec

from fazt.core.tls.model.names import normalize

FAR = ((socket.AF_INET, "198.51.100.1"), (socket.AF_INET6, "2001:db8::1"))


class Own(msgspec.Struct, frozen=True):
    """This machine's names and addresses."""

    names: tuple[str, ...]
    addresses: tuple[str, ...]


@lru_cache(maxsize=1)
def list_own() -> Own:
    """As they were at the start: localhost and the host's name; loopback, and the addresses of the way out."""
    name = normalize(socket.gethostname()).partition(".")[0]
    names = ("localhost", *((name, f"{name}.local") if name and name != "localhost" else ()))
    addresses = ["127.0.0.1", "::1", *(address for family, far in FAR if (address := find_way_out(family, far)))]
    return Own(names, tuple(dict.fromkeys(addresses)))


def find_way_out(family: int, far: str) -> str:
    """The address from which packets to afar leave, or ""."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((far, 9))  # sends nothing: it only asks the routing table
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def is_own_name(host: str) -> bool:
    """Whether a name or address is this machine's own, or on loopback."""
    own = list_own()
    return host in own.names or host.endswith(".localhost") or host in own.addresses or host.startswith("127.")
