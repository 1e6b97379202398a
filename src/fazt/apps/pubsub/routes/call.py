"""One request to the hub or to its ntfy side: what it asks with, who asks, and how it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.store.boards import get_board
from fazt.apps.pubsub.wire.asking import decode_path, parse_query
from fazt.core import Core
from fazt.core.app import Receive, Scope, Send
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Forbidden, Unauthorized
from fazt.core.http.access import identify
from fazt.core.http.errors import encode_problem, to_headers, to_problem
from fazt.core.http.hosts import client_address, find_header
from fazt.core.http.messages import Header, read_body, respond
from fazt.core.shares import get_shared, is_open

KEPT_HEADERS = frozenset({b"authorization", b"cookie", b"host", b"origin", b"sec-fetch-site"})
METHODS = b"GET, HEAD, POST, PUT, DELETE, OPTIONS"
ASKS = (
    b"authorization, content-type, idempotency-key, last-event-id, filename, title, priority, tags, click, icon, "
    b"actions, attach, delay, markdown, cache, x-title, x-priority, x-tags, x-click, x-icon, x-actions, x-attach, "
    b"x-filename, x-delay, x-at, x-in, x-markdown, x-message, x-cache, x-sequence-id"
)


class Call:
    """A request on its way. `path` is what stands behind the mount, without a slash in front."""

    def __init__(self, core: Core, scope: Scope, receive: Receive, send: Send, prefix: str) -> None:
        self.core = core
        self.scope = scope
        self.receive = receive
        self.send = send
        self.cors = cors_headers(core, scope)
        self.query = parse_query(scope["query_string"].decode("latin-1")) if scope["query_string"] else {}
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        self.path = decode_path(raw).removeprefix(prefix).lstrip("/")
        self.granted: frozenset[str] = frozenset()

    @property
    def is_socket(self) -> bool:
        """Whether a WebSocket is asked for."""
        return bool(self.scope["type"] == "websocket")

    @property
    def method(self) -> str:
        """The method, in capitals."""
        return "GET" if self.is_socket else str(self.scope["method"])

    def header(self, name: str) -> str:
        """A header of the request, by its name in lower case; "" where there is none.

        Clients send UTF-8 where the RFC wants ASCII, as ntfy's do for titles.
        """
        value = find_header(self.scope["headers"], name.encode())
        return "" if value is None else value.decode("utf-8", "replace")

    @property
    def visitor(self) -> str:
        """A stranger's address."""
        return client_address(self.scope)

    async def caller(self) -> Caller | None:
        """Who asks. `?token=` stands in for a header that browsers cannot send. Raises Unauthorized."""
        token = self.query.get("token")
        if token and find_header(self.scope["headers"], b"authorization") is None:
            self.scope["headers"] = [*self.scope["headers"], (b"authorization", b"Bearer " + token.encode())]
        if share := self.query.get("share"):
            self.granted = await granted_by(self.core, self.scope, share)
        return await identify(self.core, self.scope)

    def checker(self, caller: Caller | None) -> Callable[[], Awaitable[bool]] | None:
        """How to find out, later, whether the credentials of this request are still good."""
        share = self.query.get("share")
        if caller is None and not share:
            return None
        core, granted = self.core, self.granted
        kept = {
            "type": "http",
            "method": "GET",
            "scheme": self.scope.get("scheme"),
            "client": self.scope.get("client"),
            "headers": [pair for pair in self.scope["headers"] if pair[0] in KEPT_HEADERS],
            "fazt.local": self.scope.get("fazt.local", False),
        }

        async def check() -> bool:
            if share and await granted_by(core, kept, share) != granted:
                return False
            found = await identify(core, dict(kept))
            if found is None or caller is None:
                return found is caller
            return (found.user_id, found.role, found.scopes) == (caller.user_id, caller.role, caller.scopes)

        return check

    async def body(self, max_bytes: int) -> bytes:
        """The whole body. Raises TooLarge."""
        return await read_body(self.scope, self.receive, max_bytes)

    async def answer(self, status: int, headers: list[Header], body: bytes = b"") -> None:
        """A whole answer; a WebSocket that is not opened is answered like any request."""
        head = [*headers, *self.cors]
        if not self.is_socket:
            await respond(self.send, status, head, body)
            return
        await self.send({"type": "websocket.http.response.start", "status": status, "headers": head})
        await self.send({"type": "websocket.http.response.body", "body": body})

    async def answer_problem(self, error: FaztError) -> None:
        """An error as problem+json."""
        problem = to_problem(error)
        headers = [*to_headers(problem), (b"content-type", b"application/problem+json")]
        await self.answer(problem.status, headers, encode_problem(problem))


async def granted_by(core: Core, scope: Scope, token: str) -> frozenset[str]:
    """The topics that a link shows. Raises NotFound for a link that has ended, Forbidden before its password."""
    share = await get_shared(core, token, "pubsub")
    if not is_open(core, scope, share):
        raise Forbidden("This link asks for a password.")
    kind, _, target = share.target.partition("/")
    shown = [target] if kind == "topic" else (await core.db.point(get_board, target)).topics
    maker = await core.auth.act_as(share.user_id, None)
    return frozenset(topic for topic in shown if hub_of(core).rules.may(maker, topic, "read"))


def cors_headers(core: Core, scope: Scope) -> list[Header]:
    """What lets the page of another origin read the answer, where that is allowed."""
    origin = find_header(scope["headers"], b"origin")
    if origin is None:
        return []
    allowed: Any = core.settings.get("pubsub.cors_origins")
    if "*" in allowed:
        return [(b"access-control-allow-origin", b"*")]
    if origin.decode("latin-1") in allowed:
        return [(b"access-control-allow-origin", origin), (b"vary", b"origin")]
    return [(b"vary", b"origin")]


def preflight_headers(call: Call) -> list[Header]:
    """The answer to a browser that asks before it sends."""
    if not any(name == b"access-control-allow-origin" for name, _ in call.cors):
        return []
    return [
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", ASKS),
        (b"access-control-max-age", b"86400"),
    ]


def needs_login(call: Call, caller: Caller | None) -> None:
    """Raises Unauthorized for a stranger who shows no link either."""
    if caller is None and not call.granted:
        raise Unauthorized("Log in, or send a token.", hint="`fazt token create NAME --scope pubsub:read` makes one.")
