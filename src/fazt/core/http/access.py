"""Who may call: the guards that routes name, and how a request says who sends it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from fazt.core.errors import Forbidden, Unauthorized
from fazt.core.http.hosts import client_address, find_header, is_secure, split_host

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Scope
    from fazt.core.auth import Caller

CALLER = "fazt.caller"
SEMICOLON = ord(";")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})
Connection = ASGIConnection[Any, Any, Any, Any]


def cookie_name(scope: Scope) -> str:
    """The session cookie: under HTTPS its name forbids other hosts and plain HTTP to set it."""
    return "__Host-fazt" if is_secure(scope) else "fazt"


def find_cookie(scope: Scope, name: str) -> str | None:
    """The value of one cookie. Takes no longer where there are thousands of others."""
    wanted = name.encode() + b"="
    for key, value in scope["headers"]:
        if key != b"cookie":
            continue
        at = value.find(wanted)
        while at >= 0:
            start = at
            while start and value[start - 1] in b" \t":
                start -= 1
            if not start or value[start - 1] == SEMICOLON:
                end = value.find(b";", at)
                text: bytes = value[at + len(wanted) : end if end >= 0 else None]
                return text.strip().decode("latin-1")
            at = value.find(wanted, at + 1)
    return None


def check_same_origin(scope: Scope) -> None:
    """Refuse what another site's page makes a browser send along with our cookie.

    Sites that fazt hosts are siblings of the dashboard, so SameSite alone does not keep them out.
    """
    if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
        return
    fetch_site = find_header(scope["headers"], b"sec-fetch-site")
    if fetch_site is not None and fetch_site not in {b"same-origin", b"none"}:
        raise Forbidden("This request came from another site's page, so it was refused.")
    origin = find_header(scope["headers"], b"origin")
    if origin is None:
        if fetch_site is None and scope["type"] == "websocket":
            raise Forbidden("A WebSocket that uses the login cookie has to name its Origin.")
        return
    host = split_host(find_header(scope["headers"], b"host") or b"")
    if (urlsplit(origin.decode("latin-1")).hostname or "") != host:
        raise Forbidden("This request came from another site's page, so it was refused.")


def parse_basic(value: str) -> tuple[str, str]:
    """Login and secret of RFC 7617 credentials. Raises Unauthorized when they are garbled."""
    try:
        login, colon, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError as error:
        raise Unauthorized("The Authorization header is garbled.") from error
    if not colon:
        raise Unauthorized("The Authorization header is garbled.")
    return login, secret


async def identify(core: Core, scope: Scope) -> Caller | None:
    """Who sends this request; None when it says nothing about that.

    Looks at the local socket, the Authorization header, then the session cookie, and keeps the
    answer in the scope. Raises Unauthorized for credentials that are wrong, TooMany for too many
    of those, Forbidden when a cookie comes with another site's request.
    """
    if CALLER in scope:
        found: Caller | None = scope[CALLER]
        return found
    caller = await _identify(core, scope)
    scope[CALLER] = caller
    return caller


async def _identify(core: Core, scope: Scope) -> Caller | None:
    now, address = core.clock(), client_address(scope)
    if scope.get("fazt.local"):
        return await core.auth.local_caller()
    authorization = (find_header(scope["headers"], b"authorization") or b"").decode("latin-1")
    kind, _, value = authorization.partition(" ")
    if kind.lower() == "bearer":
        return known(await core.auth.identify_token(value.strip(), now, address))
    if kind.lower() == "basic":
        login, secret = parse_basic(value.strip())
        return known(await core.auth.identify_basic(login, secret, address, now))
    cookie = find_cookie(scope, cookie_name(scope))
    if not cookie:
        return None
    caller = await core.auth.identify_session(cookie, now, address)
    if caller is not None:
        check_same_origin(scope)
    return caller


@contextmanager
def staying(core: Core, scope: Scope) -> Iterator[asyncio.Event]:
    """For an answer that stays open: an Event that is set when the credentials of its request have ended.

    Of a request that was not identified, or by nobody, there are none.
    """
    ended = asyncio.Event()
    caller: Caller | None = scope.get(CALLER)
    if caller is None:
        yield ended
        return
    leave = core.auth.follow(caller, ended.set)
    try:
        yield ended
    finally:
        leave()


def known(caller: Caller | None) -> Caller:
    """The caller that credentials stand for. Raises Unauthorized where they stand for nobody."""
    if caller is None:
        raise Unauthorized("These credentials are not right.", hint="A password, an app password or a token goes here.")
    return caller


async def demand(core: Core, scope: Scope) -> Caller:
    """As `identify`, but raises Unauthorized where nobody is named."""
    caller = await identify(core, scope)
    if caller is None:
        raise Unauthorized("Log in, or send a token.", hint="`fazt token create` makes one.")
    return caller


async def public(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Everybody. Who is logged in is still known."""
    scope: Any = connection.scope
    try:
        await identify(connection.app.state.core, scope)
    except Unauthorized:
        scope[CALLER] = None


async def member(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Everybody with an account, in person: a token that is held to scopes is not enough."""
    scope: Any = connection.scope
    caller = await demand(connection.app.state.core, scope)
    if caller.scopes is not None:
        raise Forbidden("A token with scopes may not do this.", hint="Log in, or use a token without scopes.")


async def owner(connection: Connection, handler: BaseRouteHandler) -> None:
    """The owner, in person."""
    await member(connection, handler)
    scope: Any = connection.scope
    caller: Caller = scope[CALLER]
    if not caller.is_owner:
        raise Forbidden("Only the owner of this cloud may do this.")


def needs(scope_name: str, *, some: bool = False) -> Guard:
    """Everybody with an account, and tokens that have this scope.

    With `some`, a token for one resource of it (`sites:write:blog`) passes too, and the handler checks which.
    """

    async def guard(connection: Connection, _handler: BaseRouteHandler) -> None:
        scope: Any = connection.scope
        caller = await demand(connection.app.state.core, scope)
        if some:
            caller.check_some(scope_name)
        else:
            caller.check(scope_name)

    guard.__name__ = f"needs({scope_name})"
    guard.access = scope_name  # type: ignore[attr-defined] # read by the house tests and the docs
    return guard
