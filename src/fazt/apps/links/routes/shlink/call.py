"""One request to Shlink's API: who asks, with what."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from fazt.apps.links import actions, store
from fazt.apps.links.engine import book_of
from fazt.apps.links.model import Link
from fazt.apps.links.wire import shlink
from fazt.core.http.hosts import base_url
from fazt.core.http.messages import read_body

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope
    from fazt.core.auth import Caller

MAX_BODY = 200_000


@dataclass(slots=True)
class Call:
    """A request whose key was found right. `query` holds the values of each parameter, without `[]`."""

    core: Core
    scope: Scope
    receive: Receive
    caller: Caller
    query: dict[str, list[str]]

    @property
    def owner(self) -> str | None:
        """Whose links are seen; None for everybody's."""
        return actions.owner_of(self.caller)

    def text(self, name: str) -> str:
        """A parameter, "" where it is missing."""
        return self.query.get(name, [""])[-1]

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a parameter."""
        return tuple(self.query.get(name, ()))

    def host(self) -> str | None:
        """The short-link host that `domain` asks for; "" is the default one, None any."""
        asked = self.text("domain")
        return None if not asked else "" if self.is_default(asked) else asked

    def is_default(self, domain: str) -> bool:
        """Whether a domain is where links without a host of their own live."""
        return domain in {shlink.DEFAULT_DOMAIN, self.default_domain()}

    def default_domain(self) -> str:
        """The first short-link host, or the cloud's own domain."""
        hosts = book_of(self.core).own_hosts()
        return hosts[1] if len(hosts) > 1 else hosts[0]

    def short_url(self, link: Link) -> str:
        """The address of a link."""
        return actions.short_url(self.core, link, base_url(self.core.config, self.scope))

    def show(self, link: Link) -> dict[str, Any]:
        """A link."""
        return shlink.to_short_url(link, self.short_url(link))

    async def body(self) -> dict[str, Any]:
        """The body, a JSON object. Raises Problem."""
        data = await read_body(self.scope, self.receive, MAX_BODY)
        try:
            value = json.loads(data or b"{}")
        except ValueError as error:
            raise shlink.invalid("the body is not JSON") from error
        if not isinstance(value, dict):
            raise shlink.invalid("the body is no object")
        return value

    async def link(self, slug: str) -> Link:
        """The link of a short code. Raises Problem."""
        host = self.host() or ""
        found = await self.core.db.read(store.find_link, host, slug)
        if found is None or self.owner not in {None, found.owner}:
            detail = f'No URL found with short code "{slug}"' + (f' for domain "{host}"' if host else "")
            raise shlink.Problem(404, "short-url-not-found", "Short URL not found", detail, shortCode=slug)
        return found


def read_query(raw: bytes) -> dict[str, list[str]]:
    """Parameters by name, `tags[]` as `tags`. Raises Problem."""
    try:
        found = parse_qs(raw.decode("latin-1"), keep_blank_values=True, encoding="utf-8", max_num_fields=200)
    except ValueError as error:
        raise shlink.invalid("too many parameters") from error
    query: dict[str, list[str]] = {}
    for name, values in found.items():
        query.setdefault(name.partition("[")[0], []).extend(value for value in values if value != "undefined")
    return query
