"""Pads shared by link: the pad's own page takes the token of a share."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from fazt.apps.pads import actions, store
from fazt.core import Core
from fazt.core.app import Shareable
from fazt.core.auth import Caller
from fazt.core.errors import Forbidden
from fazt.core.http.access import public
from fazt.core.shares import door_of, get_shared, is_open
from fazt.ui import redirect


@get("/shared/pad/{token:str}", guards=[public])
async def show_shared(core: Core, request: Request[Any, Any, Any], token: str) -> Response[Any]:
    """On to the pad."""
    share = await get_shared(core, token, store.APP)
    scope: Any = request.scope
    if not is_open(core, scope, share):
        return redirect(request, door_of(share))
    pad = await core.db.read(store.get_by_id, share.target, core.clock())
    return redirect(request, f"/pad/{pad.name}?share={share.token}")


async def check_share(core: Core, caller: Caller, target: str) -> str:
    """What a pad is called, for whoever it belongs to. Raises NotFound, Forbidden."""
    pad = await core.db.read(store.get_by_id, target, core.clock())
    caller.check(f"{actions.WRITE}:{pad.name}")
    if not actions.is_manager_of(caller, pad):
        raise Forbidden("Only the owner of a pad makes links to it.")
    return pad.name


SHAREABLE = Shareable(check_share, lambda share: f"/shared/pad/{share.token}", may_write=True)
