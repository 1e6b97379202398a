"""One request of an app: who sends it, what is in it, and how it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from fazt.apps.joplin import wire
from fazt.core import Core
from fazt.core.app import Receive, Scope, Send
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Forbidden, Invalid
from fazt.core.http.hosts import client_address, find_header
from fazt.core.http.messages import Header, read_body, respond

SESSION = b"x-api-auth"
MAX_JSON_BYTES = 256 * 1024
JSON: Header = (b"content-type", b"application/json")
FRESH: Header = (b"cache-control", b"no-store")
METHODS = b"GET, PUT, POST, PATCH, DELETE"
ASKS = b"X-API-AUTH, X-API-MIN-VERSION, Content-Type"


class Incoming:
    """`receive`, remembering whether all of the body has come."""

    __slots__ = ("has_ended", "receive")

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.has_ended = False

    async def __call__(self) -> dict[str, Any]:
        """See ASGI 3."""
        message = await self.receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self.has_ended = True
        return message


@dataclass(slots=True)
class Call:
    """A request on its way. `cors` goes with every answer; `caller` is there once `demand` was asked."""

    core: Core
    scope: Scope
    receive: Incoming
    send: Send
    cors: list[Header] = field(default_factory=list)
    known: Caller | None = None

    @property
    def method(self) -> str:
        """The method, in capitals."""
        method: str = self.scope["method"]
        return method

    @property
    def path(self) -> str:
        """What stands behind /joplin/api/, as it was sent."""
        raw: bytes = self.scope.get("raw_path") or self.scope["path"].encode()
        return raw.partition(b"?")[0].decode("latin-1").removeprefix("/joplin/api").strip("/")

    @property
    def address(self) -> str:
        """Where it comes from."""
        return client_address(self.scope)

    @property
    def caller(self) -> Caller:
        """Who sends it; every handler but those of log-in and ping has one."""
        assert self.known is not None
        return self.known

    def query(self, name: str) -> str:
        """A parameter of the query; "" where there is none."""
        text: bytes = self.scope["query_string"]
        for key, value in parse_qsl(text.decode("latin-1"), max_num_fields=20) if text else ():
            if key == name:
                return value
        return ""

    async def demand(self) -> None:
        """Find out who sends it. Raises Forbidden: Joplin logs in again at 403, and gives up at 401."""
        secret = find_header(self.scope["headers"], SESSION)
        auth, now = self.core.auth, self.core.clock()
        self.known = await auth.identify_session(secret.decode("latin-1"), now, self.address) if secret else None
        if self.known is None:
            raise Forbidden("This session has ended; log in again.")
        self.known.check("joplin:rw")

    async def body(self, kind: Any) -> Any:
        """A small JSON body. Raises Invalid, TooLarge."""
        return wire.parse_body(await read_body(self.scope, self.receive, MAX_JSON_BYTES), kind)

    async def answer(self, value: Any = None, status: int = 200) -> None:
        """An answer in JSON; None is an empty one."""
        if value is None:
            await respond(self.send, status, [FRESH, *self.cors])
            return
        await respond(self.send, status, [JSON, FRESH, *self.cors], msgspec.json.encode(value))


def cors_headers(core: Core, scope: Scope) -> list[Header]:
    """What lets Joplin's web app read the answers."""
    origin = find_header(scope["headers"], b"origin")
    if origin is None:
        return []
    if origin.decode("latin-1") not in core.settings.get("joplin.web_origins"):
        return [(b"vary", b"origin")]
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", ASKS),
        (b"access-control-max-age", b"600"),
        (b"vary", b"origin"),
    ]


def number(text: str, default: int, most: int) -> int:
    """A whole number of a query within 1 and `most`. Raises Invalid."""
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Invalid(f"{text[:20]!r} is not a number.")
    return max(1, min(int(text), most))


def code_of(error: FaztError) -> str:
    """The code that clients know an error by, or ""."""
    return str(error.details.get("code", ""))
