"""Cloudflare's API, version 4."""

from __future__ import annotations

from typing import Any

import httpx

from fazt.core.errors import Invalid
from fazt.core.tls.model.outcomes import Trouble

API = "https://api.cloudflare.com/client/v4"
TIMEOUT_S = 20.0
TTL_S = 60


class Cloudflare:
    """With a token that may read zones and edit their DNS."""

    def __init__(self, token: str, api: str = API) -> None:
        if not token:
            raise Invalid("tls.cloudflare_token is empty.", hint="Make a token with Zone:Read and DNS:Edit.")
        self._http = httpx.Client(base_url=api, headers={"authorization": f"Bearer {token}"}, timeout=TIMEOUT_S)

    def put(self, name: str, value: str) -> None:
        """See Provider."""
        body = {"type": "TXT", "name": name, "content": f'"{value}"', "ttl": TTL_S}
        self._call("POST", f"/zones/{self._find_zone(name)}/dns_records", json=body)

    def remove(self, name: str, value: str) -> None:
        """See Provider."""
        zone = self._find_zone(name)
        found = self._call("GET", f"/zones/{zone}/dns_records", params={"type": "TXT", "name": name})
        for record in found:
            if record["content"].strip('"') == value:
                self._call("DELETE", f"/zones/{zone}/dns_records/{record['id']}")

    def _find_zone(self, name: str) -> str:
        labels = name.split(".")
        for at in range(1, len(labels) - 1):
            found = self._call("GET", "/zones", params={"name": ".".join(labels[at:])})
            if found:
                return str(found[0]["id"])
        raise Trouble(f"Cloudflare has no zone for {name} that this token may see.", hint="See tls.cloudflare_token.")

    def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._http.request(method, path, **options)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Trouble(f"Cloudflare cannot be reached: {error}.") from error
        if not body.get("success"):
            told = "; ".join(str(one.get("message", "")) for one in body.get("errors", ()))
            raise Trouble(f"Cloudflare says: {told or answer.status_code}.", hint="See tls.cloudflare_token.")
        return body.get("result")
