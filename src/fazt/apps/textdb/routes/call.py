"""One request to /db: what it asks with, and how it is answered, other origins included."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from fazt.apps.textdb.actions import ANYBODY, access_of
from fazt.apps.textdb.engine import textdb_of
from fazt.apps.textdb.model.collection import Access, Action, Collection
from fazt.apps.textdb.model.document import Conditions
from fazt.apps.textdb.wire.query import Parameters, number, split
from fazt.core import Core
from fazt.core.app import Receive, Scope, Send
from fazt.core.auth import Caller
from fazt.core.errors import Invalid
from fazt.core.http.access import identify
from fazt.core.http.conditional import parse_etags
from fazt.core.http.hosts import find_header
from fazt.core.http.messages import Header, read_body, respond

JSON: Header = (b"content-type", b"application/json")
FRESH: Header = (b"cache-control", b"private, no-cache")
METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
ASKS = b"authorization, content-type, if-match, if-none-match, last-event-id, x-requested-with"
TELLS = b"etag, last-modified, link, location, x-created-at, x-next-cursor, x-scanned, x-total-count, x-updated-at"
MAX_TTL = 100 * 365 * 86_400


@dataclass(slots=True)
class Call:
    """A request on its way. `path` holds the decoded steps behind /db; `cors` goes with every answer."""

    core: Core
    scope: Scope
    receive: Receive
    send: Send
    path: list[str]
    cors: list[Header] = field(default_factory=list)

    @property
    def method(self) -> str:
        """The method, in capitals."""
        method: str = self.scope["method"]
        return method

    @property
    def query(self) -> str:
        """The query string as it was sent."""
        query: bytes = self.scope["query_string"]
        return query.decode("latin-1")

    def header(self, name: bytes) -> str | None:
        """A header of the request, by its name in lower case."""
        value = find_header(self.scope["headers"], name)
        return None if value is None else value.decode("latin-1")

    def media_type(self) -> str:
        """The type of the body, without parameters, in lower case."""
        return (self.header(b"content-type") or "").partition(";")[0].strip().lower()

    async def caller(self) -> Caller | None:
        """Who asks; None where the request says nothing of it."""
        return await identify(self.core, self.scope)

    async def access(self, name: str, action: Action) -> Access:
        """Who asks, as far as the rules of that collection care. What is public needs no look at credentials."""
        if action == "read":
            collection = await textdb_of(self.core).find(name)
            if collection is not None and collection.settings.rules.read == "public":
                return ANYBODY
        return access_of(await self.caller(), name)

    async def body(self, max_bytes: int) -> bytes:
        """The whole body. Raises TooLarge."""
        return await read_body(self.scope, self.receive, max_bytes)

    def conditions(self) -> Conditions:
        """If-Match and If-None-Match."""
        match, none_match = self.header(b"if-match"), self.header(b"if-none-match")
        return Conditions(
            None if match is None else tuple(parse_etags(match)),
            None if none_match is None else tuple(parse_etags(none_match)),
        )

    def parameters(self, *known: str) -> Parameters:
        """The query of a request that knows only these parameters. Raises Invalid for others."""
        asked = split(self.query) if self.query else {}
        for name in asked:
            if name not in known:
                raise Invalid(f"There is no parameter {name!r} here.", hint=f"Known are {', '.join(known) or 'none'}.")
        return asked

    async def answer(self, status: int, headers: list[Header], body: bytes = b"") -> None:
        """A whole answer."""
        await respond(self.send, status, [*headers, *self.cors], body)

    async def answer_json(self, status: int, text: str, *headers: Header) -> None:
        """An answer in JSON."""
        await respond(self.send, status, [JSON, FRESH, *headers, *self.cors], text.encode())


def split_path(scope: Scope) -> list[str]:
    """The steps behind /db, each decoded for itself, so that an id may hold an encoded slash or dot.

    Raises Invalid for what is not UTF-8.
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    steps = raw.partition(b"?")[0].split(b"/")[2:]
    if steps and not steps[-1]:
        steps.pop()
    try:
        return [unquote_to_bytes(step).decode() for step in steps]
    except UnicodeDecodeError as error:
        raise Invalid("This address is not UTF-8.") from error


def ttl_of(asked: Parameters) -> int | None:
    """`_ttl` in seconds, or None. Raises Invalid."""
    ttl = number(asked, "_ttl")
    if ttl is not None and ttl > MAX_TTL:
        raise Invalid("_ttl is at most a hundred years of seconds.")
    return ttl


def cors_headers(core: Core, scope: Scope, collection: Collection | None) -> list[Header]:
    """What lets the page of another origin read the answer, where that is allowed."""
    origin = find_header(scope["headers"], b"origin")
    if origin is None:
        return []
    allowed = collection.settings.cors if collection is not None else None
    if allowed is None:
        allowed = tuple(core.settings.get("textdb.cors_origins"))
    if "*" in allowed:
        return [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", TELLS)]
    if origin.decode("latin-1") in allowed:
        return [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", TELLS),
            (b"vary", b"origin"),
        ]
    return [(b"vary", b"origin")]


def preflight_headers(call: Call) -> list[Header]:
    """The answer to a browser that asks before it sends (Fetch, 3.2.5)."""
    if not any(name == b"access-control-allow-origin" for name, _ in call.cors):
        return []
    return [
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", ASKS),
        (b"access-control-max-age", b"600"),
    ]
