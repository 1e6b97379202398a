"""What page handlers call: `page`, `redirect`, and the page for errors."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from litestar import Request, Response
from litestar.datastructures import Cookie

from fazt.core.app import Scope
from fazt.core.http.access import CALLER, find_cookie
from fazt.core.http.hosts import find_header, is_dashboard, is_secure, split_host
from fazt.ui.connect import connect_panel
from fazt.ui.render import render

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.http.errors import Problem

FLASH = "fazt-flash"
THEME = "fazt-theme"
MAX_FLASH_LENGTH = 300


def page(
    request: Request[Any, Any, Any],
    name: str,
    /,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> Response[str]:
    """The page `name` for whoever asks, with the message that the last redirect left."""
    scope: Any = request.scope
    flash = read_flash(scope)
    core = request.app.state.core
    known: dict[str, Any] = {"path": request.url.path, "theme": read_theme(scope), "flash": flash}
    known["connect_panel"] = partial(connect_panel, core, scope)
    html = render(core, scope.get(CALLER), name, **{**known, **context})
    cookies = [flash_cookie(scope, "", 0)] if flash else []
    return Response(
        html,
        status_code=status,
        media_type="text/html",
        headers={"cache-control": "no-store", **(headers or {})},
        cookies=cookies,
    )


def redirect(request: Request[Any, Any, Any], path: str, flash: str = "", kind: str = "good") -> Response[None]:
    """303 to `path` on this host; `flash` is said once on the page that comes (kind: good, warn, bad)."""
    scope: Any = request.scope
    text = json.dumps({"text": flash[:MAX_FLASH_LENGTH], "kind": kind})
    cookies = [flash_cookie(scope, quote(text, safe=""), 60)] if flash else []
    return Response(None, status_code=303, headers={"location": path, "cache-control": "no-store"}, cookies=cookies)


def local_path(target: str, default: str = "/") -> str:
    """`target` when it is a path on this host, else `default`: a login never leads elsewhere."""
    is_safe = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_safe and not any(ord(c) < 32 or c == "\\" for c in target) else default


def flash_cookie(scope: Scope, value: str, max_age: int) -> Cookie:
    """The cookie that carries a message over one redirect."""
    return Cookie(
        key=FLASH, value=value, max_age=max_age, path="/", httponly=True, samesite="lax", secure=is_secure(scope)
    )


def read_flash(scope: Scope) -> dict[str, str] | None:
    """The message the last redirect left: `text` and `kind`."""
    cookie = find_cookie(scope, FLASH)
    if not cookie or find_header(scope["headers"], b"sec-fetch-dest") == b"empty":  # a script asks, not a reader
        return None
    try:
        found = json.loads(unquote(cookie))
        kind = found["kind"] if found["kind"] in {"good", "warn", "bad"} else "good"
        return {"text": str(found["text"])[:MAX_FLASH_LENGTH], "kind": kind}
    except (ValueError, KeyError, TypeError):
        return None


def read_theme(scope: Scope) -> str:
    """`light`, `dark`, or "" for what the device prefers."""
    found = find_cookie(scope, THEME)
    return found if found in {"light", "dark"} else ""


async def error_page(core: Core, scope: Scope, problem: Problem) -> str:
    """A problem for people. On a host that has no style sheet it brings its own style."""
    host = split_host(find_header(scope["headers"], b"host") or b"")
    name = "ui/error.html" if is_dashboard(core.config, host) else "ui/foreign_error.html"
    return render(core, scope.get(CALLER), name, problem=problem, path=scope["path"], theme=read_theme(scope))
