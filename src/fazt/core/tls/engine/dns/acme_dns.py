"""acme-dns: a small name server for nothing but these proofs, to which a CNAME leads once and for all."""

from __future__ import annotations

import httpx

from fazt.core.errors import Invalid
from fazt.core.tls.model.outcomes import Trouble

TIMEOUT_S = 20.0


class AcmeDns:
    """The account is what its /register answered."""

    def __init__(self, url: str, user: str, key: str, subdomain: str) -> None:
        if not (url and user and key and subdomain):
            raise Invalid(
                "acme-dns needs an account.",
                hint="Set tls.acme_dns_url, _user, _key and _subdomain to what it gave you.",
            )
        self._url = url.rstrip("/")
        self._headers = {"X-Api-User": user, "X-Api-Key": key}
        self._subdomain = subdomain

    def put(self, name: str, value: str) -> None:  # noqa: ARG002 - the CNAME of each name leads to the one subdomain
        """See Provider. The server keeps the last two values, which a domain and its wildcard need."""
        body = {"subdomain": self._subdomain, "txt": value}
        try:
            answer = httpx.post(f"{self._url}/update", json=body, headers=self._headers, timeout=TIMEOUT_S)
        except httpx.HTTPError as error:
            raise Trouble(f"acme-dns cannot be reached: {error}.") from error
        if answer.is_error:
            raise Trouble(f"acme-dns refused the update: {answer.status_code} {answer.text[:100]}.")

    def remove(self, name: str, value: str) -> None:
        """See Provider. The server has no way to, and needs none."""
