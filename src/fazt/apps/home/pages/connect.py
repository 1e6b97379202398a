"""«Connect a client» as a page of its own: where the panel's form leads, and where what it made is ended."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from fazt.apps.home.actions import make_token
from fazt.apps.home.model import Secret
from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.app import App
from fazt.core.auth import Caller, store
from fazt.core.errors import FaztError, NotFound
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect
from fazt.ui.connect import connect_panel, find_app


def get_app(core: Core, name: str) -> App:
    """An app that clients connect to. Raises NotFound."""
    app = find_app(core, name)
    if app is None:
        raise NotFound("No client connects to this.")
    return app


async def connect_page(
    core: Core, caller: Caller, request: Asked, app: App, *, made: Secret | None = None, error: FaztError | None = None
) -> Response[Any]:
    """The panel, with a secret that was just made, and what opens this app and nothing else."""
    scope: Any = request.scope
    assert app.connect is not None
    held = frozenset(app.connect.scopes)
    tokens = [token for token in await core.db.read(store.list_tokens, caller.user_id) if token.scopes == held]
    return page(
        request,
        "home/connect.html",
        status=STATUS[error.kind] if error else 200,
        app=app,
        panel=connect_panel(core, scope, app.name, made, is_open=True),
        tokens=tokens,
        error=error,
    )


@get("/connect/{name:str}", guards=[member])
async def show_connect(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """How clients connect to one app."""
    return await connect_page(core, caller, request, get_app(core, name))


@post("/connect/{name:str}", guards=[member])
async def make_for_client(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """Make what a client of this app logs in with; the answer is the only page that ever shows it."""
    app = get_app(core, name)
    assert app.connect is not None
    try:
        called = (await read_form(request)).text("name")
        made = await make_token(core, caller, called, app.connect.scopes, app.connect.kind, None)
    except FaztError as error:
        return await connect_page(core, caller, request, app, error=error)
    return await connect_page(core, caller, request, app, made=made)


@post("/connect/{name:str}/end", guards=[member])
async def end_for_client(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """End one."""
    await core.db.write(store.delete_token, caller.user_id, (await read_form(request)).text("id"))
    return redirect(request, f"/connect/{get_app(core, name).name}", "It no longer opens anything.")


PAGES = [show_connect, make_for_client, end_for_client]
