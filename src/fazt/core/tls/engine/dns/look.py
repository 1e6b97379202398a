"""Looking into the DNS as authorities do: past our own caches."""

from __future__ import annotations

from collections.abc import Sequence

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.query
import dns.rdatatype
import dns.resolver

from fazt.core.errors import Invalid

TIMEOUT_S = 5.0
MAX_CNAMES = 8


class Look:
    """Questions to the DNS; `servers` (ADDRESS or ADDRESS:PORT) instead of those of this machine. Everything blocks."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self.servers = [parse_server(server) for server in servers]
        self._resolver = dns.resolver.Resolver(configure=not servers)
        self._resolver.cache = None
        if servers:
            self._resolver.nameservers = [
                dns.nameserver.Do53Nameserver(address, port) for address, port in self.servers
            ]
        self._resolver.lifetime = TIMEOUT_S

    def ask(self, name: str, kind: str) -> list[str]:
        """The records of a kind, as text; none where there are none. Raises dns.exception.DNSException otherwise."""
        try:
            answer = self._resolver.resolve(name, kind, search=False)
        except dns.resolver.NoAnswer:
            return []
        return [record.to_text() for record in answer]

    def addresses(self, name: str) -> list[str]:
        """Where a name points, IPv6 first, as authorities go. Empty where it points nowhere.

        Raises dns.exception.DNSException where nobody can tell.
        """
        try:
            return [*self.ask(name, "AAAA"), *self.ask(name, "A")]
        except dns.resolver.NXDOMAIN:
            return []

    def follow(self, name: str) -> str:
        """Where the CNAMEs of a name lead: itself where it has none."""
        for _ in range(MAX_CNAMES):
            try:
                found = self.ask(name, "CNAME")
            except dns.exception.DNSException:
                return name
            if not found:
                return name
            name = found[0].rstrip(".")
        return name

    def has_text(self, name: str, value: str) -> bool | None:
        """Whether every server that answers for a name shows this TXT record; None where none of them answers."""
        seen: list[bool] = []
        for address, port in self.servers or self._authoritative(name):
            question = dns.message.make_query(name, dns.rdatatype.TXT)
            question.flags |= dns.flags.RD if self.servers else 0
            try:
                answer = dns.query.udp_with_fallback(question, address, timeout=TIMEOUT_S, port=port)[0]
            except (dns.exception.DNSException, OSError):
                continue
            texts = [
                record.to_text() for found in answer.answer for record in found if record.rdtype == dns.rdatatype.TXT
            ]
            seen.append(f'"{value}"' in texts)
        return all(seen) if seen else None

    def _authoritative(self, name: str) -> list[tuple[str, int]]:
        try:
            zone = dns.resolver.zone_for_name(self.follow(name), resolver=self._resolver, lifetime=TIMEOUT_S).to_text()
            servers = self.ask(zone, "NS")
        except (dns.exception.DNSException, dns.resolver.NoRootSOA):
            return []
        found: list[tuple[str, int]] = []
        for server in servers[:4]:
            try:
                found += [(address, 53) for address in self.addresses(server)]
            except dns.exception.DNSException:
                continue
        return found


def parse_server(text: str) -> tuple[str, int]:
    """`192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:5353` or `2001:db8::1`. Raises Invalid."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.startswith("[")):
        host, port = text, "53"
    if not port.isdigit() or not host:
        raise Invalid(f"{text!r} is not the address of a name server.", hint="For example 9.9.9.9 or 127.0.0.1:5353.")
    return host.strip("[]"), int(port)
