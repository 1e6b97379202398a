"""A look before an authority is asked: does the name lead here, and may it issue for the name? Everything blocks."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Collection, MutableMapping
from typing import TYPE_CHECKING

import msgspec

from fazt.core.ids import new_slug
from fazt.core.outbound import is_public
from fazt.core.tls.model.names import is_address

if TYPE_CHECKING:
    from fazt.core.tls.engine.dns import Look

TIMEOUT_S = 5.0
CHALLENGES = "/.well-known/acme-challenge/"
NOT_IN_DNS = "Add an A (or AAAA) record for it that names this machine."


class Finding(msgspec.Struct, frozen=True):
    """What a look showed. `is_sure` where asking the authority would only cost a failure."""

    is_well: bool
    text: str
    hint: str = ""
    is_sure: bool = False


class Checker:
    """Looks at host names as the authority will. `answers` is what our HTTP says for proofs, at its `port`."""

    def __init__(self, look: Look, answers: MutableMapping[str, str], port: int) -> None:
        self._look = look
        self._answers = answers
        self._port = port

    def check(self, host: str, *, is_own: bool, authorities: Collection[str] = ()) -> list[Finding]:
        """All findings about a name that is to be proved by HTTP-01; `authorities` are the names that CAA may hold.

        For a name that is not the owner's own choice, no private address is spoken to.
        """
        addresses, found = self._check_dns(host)
        found += [self._fetch(host, address) for address in addresses if is_own or is_public(address)]
        return found + self.check_caa(host, authorities)

    def _check_dns(self, host: str) -> tuple[list[str], list[Finding]]:
        import dns.exception  # noqa: PLC0415 - large, and seldom needed

        if is_address(host):
            return [host], []
        try:
            addresses = self._look.addresses(host)
        except dns.exception.DNSException as error:
            hint = "Is the network up, and do the domain's name servers answer?"
            return [], [Finding(False, f"The DNS does not answer for {host}: {type(error).__name__}.", hint)]
        if not addresses:
            return [], [Finding(False, f"The DNS knows no address for {host}.", NOT_IN_DNS, is_sure=True)]
        return addresses, [Finding(True, f"{host} leads to {', '.join(addresses)}.")]

    def _fetch(self, host: str, address: str) -> Finding:
        token, expected = f"check-{new_slug(24)}", new_slug(32)
        self._answers[token] = expected
        try:
            body = self._get(host, address, token)
        except (OSError, http.client.HTTPException) as error:
            told = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
            return Finding(
                False,
                f"Nothing answers at {address}, port {self._port}: {told}.",
                "Open that port in firewall and router. Seen from here; from outside it may look better.",
            )
        finally:
            self._answers.pop(token, None)
        if body == expected.encode():
            return Finding(True, f"At {address}, port {self._port}, this cloud answers for {host}.")
        return Finding(
            False,
            f"Another server answers for {host} at {address}.",
            "Let its A and AAAA records name this machine only, and its port 80 lead to fazt's HTTP.",
            is_sure=True,
        )

    def _get(self, host: str, address: str, token: str) -> bytes:
        connection = http.client.HTTPConnection(host, self._port, timeout=TIMEOUT_S)
        connection.sock = socket.create_connection((address, self._port), TIMEOUT_S)
        try:
            connection.request("GET", CHALLENGES + token)
            return connection.getresponse().read(1_024)
        finally:
            connection.close()

    def check_caa(self, host: str, authorities: Collection[str]) -> list[Finding]:
        """What the domain's CAA records (RFC 8659) say about an authority of these names."""
        import dns.exception  # noqa: PLC0415 - large, and seldom needed

        if not authorities or is_address(host):
            return []
        is_wild, name = host.startswith("*."), host.removeprefix("*.")
        while "." in name:
            try:
                records = [record.split(" ", 2) for record in self._look.ask(name, "CAA")]
            except dns.exception.DNSException:
                records = []
            if records:
                return judge_caa(name, records, authorities, is_wild=is_wild)
            name = name.partition(".")[2]
        return []


def judge_caa(name: str, records: list[list[str]], authorities: Collection[str], *, is_wild: bool) -> list[Finding]:
    """Whether `issue` (for wildcards `issuewild`) leaves room for one of the authorities."""
    values: dict[str, list[str]] = {}
    for _flags, tag, value in records:
        values.setdefault(tag.lower(), []).append(value.strip('"').partition(";")[0].strip().lower())
    allowed = values.get("issuewild") if is_wild and "issuewild" in values else values.get("issue")
    if allowed is None or set(allowed) & {one.lower() for one in authorities}:
        return [Finding(True, f"The CAA record of {name} lets this authority issue.")]
    hint = f'Add a CAA record to {name}: 0 issue "{min(authorities)}".'
    who = ", ".join(one for one in allowed if one) or "nobody"
    return [Finding(False, f"The CAA record of {name} lets only {who} issue.", hint, is_sure=True)]
