"""The ways to change a domain's DNS, by their names in `tls.dns_provider`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from fazt.core.errors import Invalid
from fazt.core.tls.engine.dns.acme_dns import AcmeDns
from fazt.core.tls.engine.dns.cloudflare import Cloudflare
from fazt.core.tls.engine.dns.rfc2136 import Rfc2136
from fazt.core.tls.engine.dns.script import Script


class Provider(Protocol):
    """Who can change the DNS. Everything blocks, and raises Refused or Trouble where it cannot."""

    def put(self, name: str, value: str) -> None:
        """Add a TXT record beside those that are there."""
        ...

    def remove(self, name: str, value: str) -> None:
        """Take that record away again."""
        ...


Get = Callable[[str], Any]
"""A setting by its name."""

PROVIDERS: Mapping[str, Callable[[Get, str], Provider]] = {
    "rfc2136": lambda get, _script: Rfc2136(get("tls.rfc2136_server"), get("tls.rfc2136_key")),
    "cloudflare": lambda get, _script: Cloudflare(get("tls.cloudflare_token")),
    "acme-dns": lambda get, _script: AcmeDns(
        get("tls.acme_dns_url"), get("tls.acme_dns_user"), get("tls.acme_dns_key"), get("tls.acme_dns_subdomain")
    ),
    "script": lambda _get, script: Script(script),
}


def open_provider(name: str, get: Get, script: str) -> Provider:
    """The provider that the settings choose. Raises Invalid where what it needs is missing."""
    opener = PROVIDERS.get(name)
    if opener is None:
        raise Invalid(f"{name!r} is no way to change the DNS.")
    return opener(get, script)
