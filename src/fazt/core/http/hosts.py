"""Which host a request is for, who really sent it, and whether that host is the dashboard's."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from fazt.core.app import Scope
from fazt.core.config import LOOPBACK_NAMES, Config

HOST = "fazt.host"
MAX_HOST_BYTES = 262
"""A name of 253 letters, a dot, a colon and a port, and a little more. What is remembered by host stays as small."""

Headers = Iterable[tuple[bytes, bytes]]


def find_header(headers: Headers, name: bytes) -> bytes | None:
    """The first value of a header, whose `name` is in lower case."""
    for key, value in headers:
        if key == name:
            return value
    return None


@lru_cache(maxsize=4096)
def split_host(value: bytes) -> str:
    """The name in a Host header: lower case, no port, no dot at the end, no brackets."""
    text = value.decode("latin-1").strip().lower()
    name = text[: text.find("]") + 1] if text.startswith("[") else text.partition(":")[0]
    return name.strip("[]").rstrip(".")


@lru_cache(maxsize=4096)
def is_address(host: str) -> bool:
    """Whether a host is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_dashboard(config: Config, host: str) -> bool:
    """The domain itself, any bare address (no attacker owns one as a name), and the machine's own names."""
    return host == config.domain or not host or host in LOOPBACK_NAMES or is_address(host)


def trust_proxy(config: Config, scope: Scope) -> None:
    """Take client, scheme and host from X-Forwarded-* where the sender is a trusted proxy.

    Of X-Forwarded-For, the last address that is no trusted proxy counts: what stands before it may be invented.
    """
    client = scope.get("client")
    if not config.trusted_proxies or not client or not is_trusted(config, client[0]):
        return
    headers = scope["headers"]
    for part in reversed((find_header(headers, b"x-forwarded-for") or b"").decode("latin-1").split(",")):
        address = part.strip()
        if not is_address(address):
            break
        scope["client"] = (address, 0)
        if not is_trusted(config, address):
            break
    if find_header(headers, b"x-forwarded-proto") == b"https":
        scope["scheme"] = "wss" if scope["type"] == "websocket" else "https"
    host = find_header(headers, b"x-forwarded-host")
    if host and len(host) <= MAX_HOST_BYTES:
        scope["headers"] = [(b"host", host), *(pair for pair in headers if pair[0] != b"host")]


def settle(config: Config, scope: Scope) -> str:
    """Take what a trusted proxy says, once for each request; the host that is asked for."""
    host: str | None = scope.get(HOST)
    if host is None:
        trust_proxy(config, scope)
        host = scope[HOST] = split_host(find_header(scope["headers"], b"host") or b"")
    return host


def is_trusted(config: Config, address: str) -> bool:
    """Whether an address belongs to one of the trusted proxies."""
    if not is_address(address):
        return False
    return any(ipaddress.ip_address(address) in network for network in config.trusted_proxies)


def is_secure(scope: Scope) -> bool:
    """Whether the client's connection is encrypted, here or at a trusted proxy."""
    return scope.get("scheme") in {"https", "wss"}


def client_address(scope: Scope) -> str:
    """The client's IP address, or "" on the local socket."""
    client = scope.get("client")
    return client[0] if client else ""


def base_url(config: Config, scope: Scope) -> str:
    """`scheme://host[:port]` as the client sees this cloud."""
    scheme = "https" if is_secure(scope) else "http"
    host = find_header(scope["headers"], b"host")
    return f"{scheme}://{host.decode('latin-1') if host else config.domain}"
