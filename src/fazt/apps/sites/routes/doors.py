"""Sites with a password: a form for people, HTTP Basic for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from fazt.apps.sites.model import Site
from fazt.core.errors import TooMany, Unauthorized
from fazt.core.http.access import find_cookie, parse_basic
from fazt.core.http.hosts import client_address, find_header, is_secure
from fazt.core.http.messages import read_body, respond
from fazt.ui import local_path, render

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

COOKIE = "fazt-site"
FORM_PATH = "/.fazt/unlock"
MAX_FORM_BYTES = 4096
REMEMBERED_S = 30 * 24 * 3600
NO_STORE = (b"cache-control", b"no-store")


def thing(site: Site) -> str:
    """The gate's name for a site."""
    return f"site {site.id}"


async def has_entered(core: Core, site: Site, scope: Scope) -> bool:
    """Whether the visitor has shown the password, by cookie or by Basic credentials. Raises TooMany."""
    if core.auth.gate.has_pass(thing(site), site.password_hash, find_cookie(scope, COOKIE)):
        return True
    kind, _, value = (find_header(scope["headers"], b"authorization") or b"").decode("latin-1").partition(" ")
    if kind.lower() != "basic":
        return False
    try:
        _, password = parse_basic(value.strip())
    except Unauthorized:
        return False
    return await check_password(core, site, password, scope)


async def check_password(core: Core, site: Site, password: str, scope: Scope) -> bool:
    """Whether this is the site's password. Raises TooMany."""
    address = client_address(scope)
    return await core.auth.gate.check_password(thing(site), site.password_hash, password, address, core.clock())


async def ask_password(core: Core, site: Site, scope: Scope, receive: Receive, send: Send) -> None:
    """The form, or what was filled in."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4401, "reason": "This site needs a password."})
    elif scope["path"] == FORM_PATH and scope["method"] == "POST":
        await take_password(core, site, scope, receive, send)
    else:
        target = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
        await show_form(core, scope, send, "/" if scope["path"] == FORM_PATH else target)


async def take_password(core: Core, site: Site, scope: Scope, receive: Receive, send: Send) -> None:
    """Let the visitor in, or show the form again."""
    form = parse_qs((await read_body(scope, receive, MAX_FORM_BYTES)).decode("latin-1"), encoding="utf-8")
    target = local_path(parse_qs(scope["query_string"].decode("latin-1")).get("next", ["/"])[0])
    password = form.get("password", [""])[0]
    try:
        is_right = await check_password(core, site, password, scope)
    except TooMany as error:
        await show_form(core, scope, send, target, error.message, status=429)
        return
    if not is_right:
        await show_form(core, scope, send, target, "That is not the password.")
        return
    shown = core.auth.gate.make_pass(thing(site), site.password_hash)
    cookie = f"{COOKIE}={shown}; Path=/; Max-Age={REMEMBERED_S}; HttpOnly; SameSite=Lax"
    cookie += "; Secure" if is_secure(scope) else ""
    location = quote(target, safe="/?&=%+:@!$'()*,;~-._")
    await respond(send, 303, [(b"location", location.encode()), (b"set-cookie", cookie.encode()), NO_STORE])


async def show_form(core: Core, scope: Scope, send: Send, target: str, error: str = "", status: int = 401) -> None:
    """The form; programs hear how to send the password."""
    headers = [NO_STORE, (b"content-type", b"text/html; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    if b"text/html" not in (find_header(scope["headers"], b"accept") or b""):
        headers.append((b"www-authenticate", b'Basic realm="This site needs a password", charset="UTF-8"'))
    action = f"{FORM_PATH}?next={quote(target, safe='/')}"
    body = render(core, None, "sites/locked.html", action=action, error=error, path=scope["path"], theme="")
    await respond(send, status, headers, body.encode())
