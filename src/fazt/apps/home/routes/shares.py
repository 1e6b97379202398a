"""Links to things of all apps."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, patch, post

from fazt.apps.home.actions import edit_share, get_shareable, make_share, to_share_view
from fazt.apps.home.model import ChangedShare, NewShare, ShareView
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.http.access import member
from fazt.core.shares import list_shares, list_shares_of, revoke_share


@get("/api/v1/shares", guards=[member])
async def list_links(
    core: Core, caller: Caller, request: Request[Any, Any, Any], app: str = "", target: str = ""
) -> list[ShareView]:
    """Your links, newest first: all, those to one app's things, or those to one thing."""
    scope: Any = request.scope
    if target:
        await get_shareable(core, app).check(core, caller, target)
        found = [one for one in await core.db.read(list_shares, app, target) if one.user_id == caller.user_id]
    else:
        found = await core.db.read(list_shares_of, caller.user_id, app=app)
    return [to_share_view(core, scope, one) for one in found]


@post("/api/v1/shares", guards=[member])
async def make_link(core: Core, caller: Caller, request: Request[Any, Any, Any], data: NewShare) -> ShareView:
    """Whoever has the link sees the thing, after the password where there is one."""
    scope: Any = request.scope
    return to_share_view(core, scope, await make_share(core, caller, data))


@patch("/api/v1/shares/{share_id:str}", guards=[member])
async def change_link(
    core: Core, caller: Caller, request: Request[Any, Any, Any], share_id: str, data: ChangedShare
) -> ShareView:
    """Change what it is called, its end, its password."""
    scope: Any = request.scope
    return to_share_view(core, scope, await edit_share(core, caller, share_id, data))


@delete("/api/v1/shares/{share_id:str}", guards=[member])
async def end_link(core: Core, caller: Caller, share_id: str) -> None:
    """It leads nowhere from now on."""
    await core.db.write(revoke_share, share_id, user_id=caller.user_id)


ROUTES = [list_links, make_link, change_link, end_link]
