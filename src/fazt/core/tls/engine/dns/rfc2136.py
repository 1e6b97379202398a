"""Dynamic updates of a name server (RFC 2136), signed with TSIG: BIND, Knot, PowerDNS, NSD's friends."""

from __future__ import annotations

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring
import dns.update

from fazt.core.errors import Invalid
from fazt.core.tls.engine.dns.look import parse_server
from fazt.core.tls.model.outcomes import Trouble

TIMEOUT_S = 15.0
TTL_S = 60


class Rfc2136:
    """`key` is `NAME:ALGORITHM:SECRET`, e.g. `fazt:hmac-sha256:…`, or "" for a server that trusts our address."""

    def __init__(self, server: str, key: str) -> None:
        if not server:
            raise Invalid("tls.rfc2136_server is empty.", hint="The address of the name server, e.g. 192.0.2.1.")
        self._address, self._port = parse_server(server)
        self._signing: dict[str, object] = {}
        if key:
            name, _, rest = key.partition(":")
            algorithm, _, secret = rest.partition(":")
            try:
                keyring = dns.tsigkeyring.from_text({name: secret})
                self._signing = {"keyring": keyring, "keyalgorithm": dns.name.from_text(algorithm)}
            except (ValueError, dns.exception.DNSException) as error:
                raise Invalid("tls.rfc2136_key is not NAME:ALGORITHM:SECRET.") from error

    def put(self, name: str, value: str) -> None:
        """See Provider."""
        update = self._new_update(name)
        update.add(dns.name.from_text(name), TTL_S, dns.rdatatype.TXT, f'"{value}"')
        self._send(update)

    def remove(self, name: str, value: str) -> None:
        """See Provider."""
        update = self._new_update(name)
        update.delete(dns.name.from_text(name), dns.rdatatype.TXT, f'"{value}"')
        self._send(update)

    def _new_update(self, name: str) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(self._find_zone(name), **self._signing)  # type: ignore[arg-type] # by name

    def _find_zone(self, name: str) -> dns.name.Name:
        """The zone of this server that a name is in: the one whose SOA it shows."""
        found = dns.name.from_text(name)
        while len(found) > 1:
            question = dns.message.make_query(found, dns.rdatatype.SOA)
            try:
                answer = dns.query.tcp(question, self._address, TIMEOUT_S, self._port)
            except (dns.exception.DNSException, OSError) as error:
                raise Trouble(f"The name server {self._address} does not answer: {error}.") from error
            if any(one.rdtype == dns.rdatatype.SOA and one.name == found for one in answer.answer):
                return found
            found = found.parent()
        raise Trouble(f"The name server {self._address} has no zone for {name}.", hint="See tls.rfc2136_server.")

    def _send(self, update: dns.update.UpdateMessage) -> None:
        try:
            answer = dns.query.tcp(update, self._address, TIMEOUT_S, self._port)
        except (dns.exception.DNSException, OSError) as error:
            raise Trouble(f"The name server {self._address} took no update: {error}.") from error
        if answer.rcode() != dns.rcode.NOERROR:
            code = dns.rcode.to_text(answer.rcode())
            raise Trouble(
                f"The name server {self._address} refused the update: {code}.",
                hint="Its key, and what that may change, are to be looked at: tls.rfc2136_key.",
            )
