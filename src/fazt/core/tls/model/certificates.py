"""A certificate as it is kept, and which host names it is good for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

Source = Literal["acme", "imported", "local"]
Mode = Literal["acme", "local", "off"]


class Certificate(msgspec.Struct, frozen=True):
    """A chain and its key, as PEM texts. Times in ms; `id` is 0 for one of the local authority's, kept in memory only.

    `authority` is the directory of the CA that issued it (of an ACME one), `issuer` what the certificate itself says.
    """

    names: tuple[str, ...]
    chain_pem: str
    key_pem: str
    source: Source
    issuer: str
    not_before: int
    not_after: int
    fingerprint: str
    authority: str = ""
    id: int = 0
    created_at: int = 0
    renew_at: int = 0
    next_ari_at: int = 0

    def __repr__(self) -> str:
        return f"Certificate({', '.join(self.names)}; {self.source}, {self.fingerprint[:16]})"


class HostState(msgspec.Struct, frozen=True):
    """How it stands with the certificate of one host name. `error` and `hint` are "" where all is well."""

    host: str
    failures: int = 0
    next_at: int = 0
    error: str = ""
    hint: str = ""
    first_at: int | None = None
    """When it first had a certificate that browsers trust."""
    changed_at: int = 0


def covers(names: Iterable[str], host: str) -> bool:
    """Whether one of `names` stands for `host`; `*.example.com` does for each name one label below (RFC 6125)."""
    wild = "*." + host.partition(".")[2]
    return any(name in {host, wild} for name in names)


def is_good(certificate: Certificate, now: int) -> bool:
    """Whether clients whose clock shows `now` accept its dates."""
    return certificate.not_before <= now < certificate.not_after


def find_covering(certificates: Iterable[Certificate], host: str, now: int) -> Certificate | None:
    """The one to show for `host`: valid before expired, imported before issued, exact before wildcard, then newest."""
    fitting = [certificate for certificate in certificates if covers(certificate.names, host)]

    def rank(one: Certificate) -> tuple[bool, bool, bool, int, int]:
        return is_good(one, now), one.source == "imported", host in one.names, one.not_after, one.id

    return max(fitting, key=rank, default=None)
