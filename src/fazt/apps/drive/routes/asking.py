"""One request of WebDAV: who sends it, what it is about, on which conditions; and the answer to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.drive import actions
from fazt.apps.drive.actions import Place
from fazt.apps.drive.model.locks import Demand, IfHeader, Terms, always
from fazt.apps.drive.model.nodes import Spot
from fazt.apps.drive.wire.headers import parse_if
from fazt.apps.drive.wire.paths import Address, parse_target, parse_url, to_href
from fazt.core.errors import FaztError, Forbidden, Invalid, NotFound, TooLarge, Unauthorized
from fazt.core.http.access import CALLER, identify, known, parse_basic
from fazt.core.http.conditional import evaluate
from fazt.core.http.hosts import client_address, is_dashboard
from fazt.core.http.messages import content_length, stream_body

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send
    from fazt.core.auth import Caller

MAX_BODY_BYTES = 1_000_000
READING = frozenset({"GET", "HEAD", "PROPFIND", "REPORT"})
CONDITIONAL = (b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since")
Header = tuple[bytes, bytes]
XML_TYPE: Header = (b"content-type", b'application/xml; charset="utf-8"')


class Refused(FaztError):
    """An answer that has a status of its own."""

    def __init__(self, status: int, message: str, condition: str = "", headers: tuple[Header, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.condition = condition
        self.headers = headers


class Reply(msgspec.Struct):
    """What is answered; `changed` says that a space may be different now."""

    status: int
    headers: list[Header] = []
    body: bytes | AsyncIterator[bytes] = b""
    changed: tuple[Spot, ...] = ()


class Ask:
    """A request of somebody who is known."""

    def __init__(self, core: Core, scope: Scope, receive: Receive, send: Send) -> None:
        self.core = core
        self.scope = scope
        self.receive = receive
        self.send = send
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name == b"if" and name in self.headers:
                value = self.headers[name] + b" " + value  # noqa: PLW2901 - two If headers are one
            self.headers[name] = value
        self.address: Address = parse_target(scope.get("raw_path") or scope["path"].encode())
        self.caller: Caller
        self.place: Place

    def text(self, name: bytes) -> str | None:
        """A header's value, or None."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the address after `/dav`."""
        return self.address.segments[1:]

    @property
    def spot(self) -> Spot:
        """The path in a space that is asked about. Raises Forbidden where the address is above all spaces."""
        if self.place.spot is None:
            if self.place.kind == "none":
                raise NotFound("There is nothing at this address.", hint="Your files are at /dav/files/.")
            raise Forbidden("This folder holds no files of its own.", hint="Your files are at /dav/files/.")
        return self.place.spot

    def href(self, segments: tuple[str, ...], *, is_folder: bool) -> str:
        """The href of names after `/dav`, by the prefix that clients see."""
        prefix: str = self.core.settings.get("drive.public_path")
        return prefix + to_href(segments, is_folder=is_folder)

    async def identify(self) -> None:
        """Fill in `caller` and `place`. Raises Unauthorized, Forbidden, NotFound."""
        caller = await find_caller(self.core, self.scope, self.headers.get(b"authorization"))
        if caller is None:
            raise Unauthorized("Log in with your e-mail address and an app password.")
        app = "sites" if self.names[:1] == ("sites",) else "drive"
        caller.check(f"{app}:{'read' if self.method in READING else 'write'}")
        self.caller = caller
        self.place = await actions.locate(self.core, caller, self.names)

    async def terms(self) -> Terms:
        """The conditions of the request. Raises Invalid for a malformed If header."""
        core = self.core
        value = self.text(b"if")
        header = IfHeader(()) if value is None else parse_if(value)
        demands = [Demand(await self._find_tagged(one.tag), one.conditions) for one in header.lists]
        is_met: Any = always
        if any(name in self.headers for name in CONDITIONAL):
            is_met = partial(is_fulfilled, self.method, list(self.headers.items()))
        return Terms(
            user_id=self.caller.user_id,
            now=core.clock(),
            tokens=header.tokens,
            demands=tuple(demands),
            is_met=is_met,
            quota=actions.quota_bytes(core),
            versions=core.settings.get("drive.versions"),
        )

    async def _find_tagged(self, tag: str) -> Spot | None:
        if not tag:
            return self.place.spot
        try:
            return (await self.find_place(parse_url(tag.encode("latin-1")))).spot
        except (Refused, NotFound, Forbidden):
            return None

    async def find_place(self, address: Address) -> Place:
        """What an absolute address means that a header names. Raises Refused (502) for other hosts, NotFound."""
        if address.host and not self._is_ours(address.host):
            raise Refused(502, "The destination is on another server.")
        prefix = tuple(part for part in self.core.settings.get("drive.public_path").split("/") if part)
        for known_prefix in (("dav",), prefix):
            if address.segments[: len(known_prefix)] == known_prefix:
                return await actions.locate(self.core, self.caller, address.segments[len(known_prefix) :])
        raise Refused(502, "The destination is outside of the drive.")

    def _is_ours(self, host: str) -> bool:
        own = (self.headers.get(b"host") or b"").decode("latin-1").lower()
        forwarded = (self.headers.get(b"x-forwarded-host") or b"").decode("latin-1").lower()
        names = {host_of(own), *(host_of(part) for part in forwarded.split(","))}
        return host in names or is_dashboard(self.core.config, host)

    async def destination(self) -> tuple[Spot, Place]:
        """Where COPY and MOVE go. Raises Invalid, Refused, Forbidden, Conflict."""
        value = self.headers.get(b"destination")
        if value is None:
            raise Invalid("Destination is missing.")
        place = await self.find_place(parse_url(value))
        if place.spot is None:
            raise Forbidden("Nothing can be put there.")
        return place.spot, place

    async def body(self, max_bytes: int = MAX_BODY_BYTES) -> bytes:
        """The whole body. Raises TooLarge."""
        return b"".join([piece async for piece in stream_body(self.scope, self.receive, max_bytes)])

    @property
    def length(self) -> int | None:
        """The announced size of the body, or None. Raises Invalid."""
        return content_length(self.scope)

    @property
    def has_body(self) -> bool:
        """Whether a body comes, of whatever size."""
        return bool(self.length) or b"transfer-encoding" in self.headers

    def check_xml(self) -> None:
        """Raises TooLarge for XML that is too large, before it is read. Its type is not looked at."""
        if (self.length or 0) > MAX_BODY_BYTES:
            raise TooLarge(f"The body has at most {MAX_BODY_BYTES} bytes.")


def is_fulfilled(method: str, headers: list[Header], etag: str | None, modified_at: int | None) -> bool:
    """Whether If-Match and its kin hold, for methods that change something."""
    return evaluate(method, headers, etag, modified_at) == 200


def host_of(authority: str) -> str:
    """The name in `name:port`."""
    text = authority.strip()
    name = text[: text.find("]") + 1] if text.startswith("[") else text.partition(":")[0]
    return name.strip("[]").rstrip(".")


async def find_caller(core: Core, scope: Scope, authorization: bytes | None) -> Caller | None:
    """Who sends this request, or None. Raises Unauthorized, TooMany, Forbidden.

    Office sends `Bearer` with nothing after it, and Windows puts a domain before the name.
    """
    if authorization is None or scope.get("fazt.local"):
        return await identify(core, scope)
    kind, _, value = authorization.decode("latin-1").partition(" ")
    if kind.lower() == "bearer" and not value.strip():
        return None
    if kind.lower() != "basic":
        return await identify(core, scope)
    login, secret = parse_basic(value.strip())
    login = login.rpartition("\\")[2]
    caller = known(await core.auth.identify_basic(login, secret, client_address(scope), core.clock()))
    scope[CALLER] = caller
    return caller
