"""App passwords and API tokens: made, shown once, ended."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from fazt.apps.home.actions import make_token
from fazt.apps.home.model import Secret, TokenKind
from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.auth import Caller, store
from fazt.core.errors import FaztError
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect


async def tokens_page(
    core: Core, caller: Caller, request: Asked, *, secret: Secret | None = None, error: FaztError | None = None
) -> Response[Any]:
    """The lists, with a secret that was just made above them."""
    tokens = await core.db.read(store.list_tokens, caller.user_id)
    return page(
        request,
        "home/tokens.html",
        status=STATUS[error.kind] if error else 200,
        tokens=tokens,
        scopes=[(app.title, app.scopes) for app in core.apps if app.scopes],
        secret=secret,
        error=error,
        now=core.clock(),
    )


@get("/account/tokens", guards=[member])
async def show_tokens(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """App passwords and tokens."""
    return await tokens_page(core, caller, request)


@post("/account/tokens", guards=[member])
async def create_token(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Make one; the answer is the only page that ever shows its secret."""
    try:
        form = await read_form(request)
        kind: TokenKind = "app" if form.text("kind") == "app" else "token"
        scopes = None if form.text("all") == "yes" else [*form.texts("scope"), *form.text("more").split()]
        days = form.number("days") or None
        secret = await make_token(core, caller, form.text("name"), scopes, kind, days)
    except FaztError as error:
        return await tokens_page(core, caller, request, error=error)
    return await tokens_page(core, caller, request, secret=secret)


@post("/account/tokens/delete", guards=[member])
async def delete_token(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """End one."""
    await core.db.write(store.delete_token, caller.user_id, (await read_form(request)).text("id"))
    return redirect(request, "/account/tokens", "It no longer opens anything.")


PAGES = [show_tokens, create_token, delete_token]
