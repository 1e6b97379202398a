"""Names looked up with a limit of time, and remembered for a while, failures too."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import Any

import dns.exception
import dns.rdatatype
import dns.resolver

REMEMBER_S, REMEMBER_TROUBLE_S = 300.0, 30.0
REMEMBERED = 5_000
LOOKUP_S = 4.0
GONE = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.name.LabelTooLong, dns.name.EmptyLabel, dns.name.NameTooLong)


class Trouble(Exception):
    """No server answered in time: nothing is known."""


class Names:
    """One resolver for the program. `servers` are `ADDRESS` or `ADDRESS:PORT`; without any, those of the system."""

    def __init__(self, servers: list[str]) -> None:
        self._resolver = dns.resolver.Resolver(configure=not servers)
        if servers:
            pairs = [split_server(server) for server in servers]
            self._resolver.nameservers = [address for address, _ in pairs]
            self._resolver.nameserver_ports = dict(pairs)
        self._known: OrderedDict[tuple[str, str], tuple[float, list[Any] | None]] = OrderedDict()
        self._lock = Lock()

    def look_up(self, name: str, kind: str, deadline: float) -> list[Any]:
        """Records of a name; none where there are none. Raises Trouble. May wait: not for the loop."""
        key = (name.rstrip(".").lower(), kind)
        with self._lock:
            until, found = self._known.get(key, (0.0, None))
        if until > time.monotonic():
            if found is None:
                raise Trouble(f"no answer about {name}")
            return found
        left = min(LOOKUP_S, deadline - time.monotonic())
        if left <= 0:
            raise Trouble(f"no time left for {name}")
        try:
            answer: list[Any] | None = list(self._resolver.resolve(key[0], kind, lifetime=left, search=False))
        except GONE:
            answer = []
        except (dns.exception.DNSException, OSError, UnicodeError):
            answer = None
        self._remember(key, answer)
        if answer is None:
            raise Trouble(f"no answer about {name}")
        return answer

    def texts(self, name: str, deadline: float) -> list[bytes]:
        """TXT records, each in one piece."""
        return [b"".join(record.strings) for record in self.look_up(name, "TXT", deadline)]

    def _remember(self, key: tuple[str, str], answer: list[Any] | None) -> None:
        lasts = REMEMBER_TROUBLE_S if answer is None else REMEMBER_S
        with self._lock:
            self._known[key] = (time.monotonic() + lasts, answer)
            self._known.move_to_end(key)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)


def split_server(text: str) -> tuple[str, int]:
    """`192.0.2.1`, `192.0.2.1:53` or `[2001:db8::1]:53`."""
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        return address, int(port.lstrip(":") or 53)
    address, colon, port = text.partition(":")
    return (text, 53) if ":" in port or not colon else (address, int(port))
