"""The API of request links: `/api/v1/drop-requests…`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request as HttpRequest
from litestar import delete, get, post

from fazt.apps.drops import actions, store
from fazt.apps.drops.model import Request
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.http.access import needs

ROOT = "/api/v1/drop-requests"
AnyRequest = HttpRequest[Any, Any, Any]


class RequestView(msgspec.Struct):
    """A request link; `url` is for the guests."""

    id: str
    url: str
    title: str
    note: str
    types: str
    max_files: int
    max_bytes: int
    max_drops: int
    drops: int
    keep_ms: int
    expires_at: int
    created_at: int


def to_view(core: Core, request: AnyRequest, found: Request) -> RequestView:
    """With the address for guests."""
    facts = msgspec.structs.asdict(found)
    del facts["user_id"]
    return RequestView(url=actions.request_url(core, request.scope, found), **facts)


@get(ROOT, guards=[needs("drops:read")], summary="List request links")
async def list_requests(core: Core, caller: Caller, request: AnyRequest) -> list[RequestView]:
    """Your request links."""
    found = await core.db.read(store.list_requests, caller.user_id)
    return [to_view(core, request, one) for one in found]


@post(ROOT, guards=[needs("drops:write")], summary="Make a request link")
async def create_request(core: Core, caller: Caller, request: AnyRequest, data: actions.NewRequest) -> RequestView:
    """A link through which guests send files to you."""
    return to_view(core, request, await actions.create_request(core, caller, data))


@delete(ROOT + "/{request_id:str}", guards=[needs("drops:write")], summary="Take a request link back")
async def delete_request(core: Core, caller: Caller, request_id: str) -> None:
    """The link ends; what came through it stays."""
    found = await actions.get_own_request(core, caller, request_id)
    await core.db.write(store.delete_request, found.id)


ROUTES = [list_requests, create_request, delete_request]
