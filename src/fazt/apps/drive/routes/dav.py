"""WebDAV at `/dav`: one door for all methods, and errors as clients understand them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from fazt.apps.drive import actions
from fazt.apps.drive.model.nodes import Node
from fazt.apps.drive.routes import getting, listing, locking, reporting, uploading, writing
from fazt.apps.drive.routes.asking import READING, XML_TYPE, Ask, Header, Refused, Reply, find_caller
from fazt.apps.drive.wire.headers import parse_depth
from fazt.apps.drive.wire.multistatus import Scene, make_plan, render, render_error
from fazt.apps.drive.wire.paths import to_href
from fazt.apps.drive.wire.xml import parse_propfind
from fazt.core.errors import FaztError, Unauthorized
from fazt.core.http.errors import STATUS
from fazt.core.http.messages import ClientGone, respond, respond_stream

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

Handler = Callable[[Ask], Awaitable[Reply]]
HANDLERS: dict[str, Handler] = {
    "GET": getting.get,
    "HEAD": getting.get,
    "PUT": writing.put,
    "DELETE": writing.delete,
    "MKCOL": writing.mkcol,
    "COPY": writing.copy,
    "MOVE": writing.move,
    "PROPFIND": listing.propfind,
    "PROPPATCH": writing.proppatch,
    "LOCK": locking.lock,
    "UNLOCK": locking.unlock,
    "REPORT": reporting.report,
}
ALLOW: Header = (b"allow", ", ".join(["OPTIONS", *HANDLERS]).encode())
ABOUT: tuple[Header, ...] = (
    (b"dav", b"1, 2, 3, extended-mkcol, sync-collection"),
    (b"ms-author-via", b"DAV"),
    (b"accept-ranges", b"bytes"),
    ALLOW,
)
CHALLENGE: Header = (b"www-authenticate", b'Basic realm="fazt", charset="UTF-8"')
DRAINED_BYTES = 1 << 20
"""Up to here a body that nobody wants is read to its end, so that the connection lives on."""


async def answer_dav(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """Every request at or below `/dav`."""
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": 1000})
        return
    if scope["method"] == "OPTIONS":
        await respond(send, 200, list(ABOUT))
        return
    await answer(core, scope, receive, send, handle)


async def answer_root(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """OPTIONS and PROPFIND at the root of the host: Windows and gvfs look there before they look below."""
    if scope["method"] == "OPTIONS":
        await respond(send, 200, list(ABOUT))
        return
    await answer(core, scope, receive, send, show_root)


async def answer(core: Core, scope: Scope, receive: Receive, send: Send, handler: Handler) -> None:
    """Run a handler, send its reply, or the error that it raised."""
    try:
        reply = await handler(Ask(core, scope, receive, send))
    except ClientGone:
        raise
    except FaztError as error:
        if not isinstance(error, Refused) and b"application/problem+json" in accepted(scope):
            raise  # our own commands: the root answers them as it answers everybody else
        await send_error(core, scope, send, error)
        return
    await send_reply(send, reply, scope["method"])


def accepted(scope: Scope) -> bytes:
    """What the client wants to be answered in."""
    return next((value for name, value in scope["headers"] if name == b"accept"), b"")


async def handle(ask: Ask) -> Reply:
    """One request of somebody who is known, by its method."""
    handler = HANDLERS.get(ask.method)
    if handler is None:
        await find_caller(ask.core, ask.scope, ask.headers.get(b"authorization"))
        raise Refused(405, "This method is not known here.", headers=(ALLOW,))
    await ask.identify()
    if ask.place.kind == "uploads" and ask.method not in READING:
        return await uploading.upload(ask)
    reply = await handler(ask)
    for space in {spot.space.id: spot.space for spot in reply.changed if spot.space.kind == "site"}.values():
        await actions.publish(ask.core, ask.caller, space)
    return reply


async def show_root(ask: Ask) -> Reply:
    """The root of the host as a folder that holds `dav`."""
    ask.check_xml()
    asked = parse_propfind(await ask.body())
    depth = parse_depth(ask.text(b"depth"), "1")
    if await find_caller(ask.core, ask.scope, ask.headers.get(b"authorization")) is None:
        raise Unauthorized("Log in with your e-mail address and an app password.")
    if depth == "infinity":
        raise Refused(403, "Ask for one folder at a time.", "propfind-finite-depth")
    now = ask.core.clock()
    plan, scene = make_plan(asked, is_listing=depth == "1"), Scene(now=now, may_write=False)
    top: Node = listing.virtual("/", now)
    parts = [render(plan, [top], "/", scene, {}, is_self=True)]
    if depth == "1":
        parts.append(render(plan, [listing.virtual("dav", now)], "/", scene, {}))
    return listing.multistatus(["".join(parts).encode()])


async def send_reply(send: Send, reply: Reply, method: str) -> None:
    """Put a reply on the wire."""
    if isinstance(reply.body, AsyncIterator):
        if method == "HEAD":
            await respond(send, reply.status, reply.headers)
        else:
            await respond_stream(send, reply.status, reply.headers, reply.body)
        return
    await respond(send, reply.status, reply.headers, reply.body)


async def send_error(core: Core, scope: Scope, send: Send, error: FaztError) -> None:
    """An error with the condition that was broken. A 401 always asks for Basic: no client follows to a login page."""
    status = error.status if isinstance(error, Refused) else int(str(error.details.get("status", STATUS[error.kind])))
    condition = error.condition if isinstance(error, Refused) else str(error.details.get("condition", ""))
    if error.kind == "over_quota" and not condition:
        condition = "quota-not-exceeded"
    headers: list[Header] = [XML_TYPE, (b"cache-control", b"no-store")]
    headers += error.headers if isinstance(error, Refused) else ()
    if status == 401:
        headers.append(CHALLENGE)
    if status == 405 and not any(name == b"allow" for name, _ in headers):
        headers.append(ALLOW)
    if retry_after := error.details.get("retry_after"):
        headers.append((b"retry-after", str(retry_after).encode()))
    if leaves_body(scope):
        headers.append((b"connection", b"close"))
    body = render_error(condition, error.message, lock_roots(core, scope, error)).encode()
    if scope["method"] == "HEAD":
        headers.append((b"content-length", b"%d" % len(body)))
        body = b""
    await respond(send, status, headers, body)


def leaves_body(scope: Scope) -> bool:
    """Whether more may still come than is worth reading."""
    for name, value in scope["headers"]:
        if name == b"transfer-encoding":
            return True
        if name == b"content-length":
            return not value.isdigit() or len(value) > 15 or int(value) > DRAINED_BYTES
    return False


def lock_roots(core: Core, scope: Scope, error: FaztError) -> list[str]:
    """The address of the lock that stood in the way, in the space of the request."""
    path = error.details.get("path")
    if not isinstance(path, list):
        return []
    names = [part for part in scope["path"].split("/") if part][1:]
    base = names[:1] if names[:1] == ["files"] else names[:2]
    prefix = core.settings.get("drive.public_path")
    return [prefix + to_href((*base, *map(str, path)), is_folder=False)]
