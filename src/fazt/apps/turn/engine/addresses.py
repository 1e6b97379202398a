"""The addresses of this host: which to listen on, which to relay from, which are its own."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

from fazt.apps.turn.engine.peers import to_text
from fazt.apps.turn.wire.numbers import IPV6

_ANY = frozenset({"0.0.0.0", "::", "*", ""})  # noqa: S104 - they stand for all addresses

# rtnetlink(7): the kernel's list of addresses, which Python has no call for.
_REQUEST = struct.Struct("=IHHII B")
_GET_ADDRESS, _DUMP = 22, 0x301
_NEW_ADDRESS, _DONE = 20, 3
_HEADER = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_IFA_ADDRESS, _IFA_LOCAL = 1, 2


def list_own_addresses() -> tuple[str, ...]:
    """Every address of every interface, link-local IPv6 left out."""
    found = [to_text(ip) for ip in _ask_kernel()]
    return tuple(dict.fromkeys(ip for ip in found if not ip.startswith("fe80:")))


def resolve_listen(host: str) -> tuple[str, ...]:
    """What `--turn-listen` means: all addresses of both families, or those of one name. Raises OSError.

    All are listed one by one, so that an answer leaves from the address that was asked (RFC 8489 section 6.3).
    """
    if host in _ANY:
        return list_own_addresses()
    if host == "localhost":
        return tuple(ip for ip in list_own_addresses() if _is_loopback(ip))
    found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def choose_relay_address(listening: tuple[str, ...], family: int) -> str | None:
    """The address to relay from: of those listened on the one with the way out, else the first. `family` is 1 or 2."""
    candidates = sorted((ip for ip in listening if (":" in ip) == (family == IPV6)), key=_is_loopback)
    way_out = _find_way_out(family)
    return way_out if way_out in candidates else next(iter(candidates), None)


def _is_loopback(ip: str) -> bool:
    return ip == "::1" or ip.startswith("127.")


def _find_way_out(family: int) -> str | None:
    kind, far = (socket.AF_INET6, "2001:db8::1") if family == IPV6 else (socket.AF_INET, "198.51.100.1")
    with socket.socket(kind, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))  # sends nothing: it only asks the routing table
        except OSError:
            return None
        return str(probe.getsockname()[0])


def _ask_kernel() -> Iterator[bytes]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.send(_REQUEST.pack(_HEADER.size + 1, _GET_ADDRESS, _DUMP, 1, 0, socket.AF_UNSPEC))
        while True:
            answer = kernel.recv(65_536)
            at = 0
            while at < len(answer):
                size, kind = _HEADER.unpack_from(answer, at)[:2]
                if kind == _DONE:
                    return
                if kind == _NEW_ADDRESS:
                    yield from _read_address(answer[at + _HEADER.size : at + size])
                at += size + (-size % 4)


def _read_address(entry: bytes) -> Iterator[bytes]:
    """The interface's own address; on point-to-point links IFA_ADDRESS is the other end's."""
    found: dict[int, bytes] = {}
    at = _ADDRESS.size
    while at + 4 <= len(entry):
        size, kind = _ATTRIBUTE.unpack_from(entry, at)
        found[kind] = entry[at + 4 : at + size]
        at += size + (-size % 4)
    own = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS)
    if own:
        yield own
