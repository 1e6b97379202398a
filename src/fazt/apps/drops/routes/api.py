"""The API of drops: `/api/v1/drops…`. Whoever may send may make a drop here, and then fill it by tus."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, delete, get, patch, post

from fazt.apps.drops import actions, store
from fazt.apps.drops.actions import Changes
from fazt.apps.drops.engine import get_desk
from fazt.apps.drops.model import Drop, Options, quote_path
from fazt.apps.drops.schema import DRAFT
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import Forbidden
from fazt.core.http.access import needs, public

READ = needs("drops:read")
ROOT = "/api/v1/drops"
AnyRequest = Request[Any, Any, Any]


class FileView(msgspec.Struct):
    """A file of a drop. `id` takes it out."""

    id: int
    position: int
    path: str
    size: int
    type: str
    url: str
    downloads: int


class DropView(msgspec.Struct):
    """A drop as its sender sees it. `expires_at` of a draft is when it is given up."""

    id: str
    url: str
    is_ready: bool
    title: str
    note: str
    size: int
    file_count: int
    downloads: int
    max_downloads: int
    is_sliding: bool
    is_protected: bool
    is_encrypted: bool
    sealed: str
    request: str
    source: str
    created_at: int
    expires_at: int
    files: list[FileView]
    now: list[dict[str, Any]]


class MadeDrop(msgspec.Struct):
    """A new draft. `owner_token` goes as X-Owner-Token with everything that changes or fills it; and is told once."""

    id: str
    url: str
    owner_token: str
    tus: str
    expires_at: int
    max_bytes: int
    max_files: int


def to_view(core: Core, request: AnyRequest, drop: Drop) -> DropView:
    """A drop with what is being downloaded of it at this moment."""
    url = actions.url_of(core, request.scope, drop.id)
    files = [
        FileView(one.id, one.position, one.path, one.size, one.type, f"{url}/{quote_path(one.path)}", one.downloads)
        for one in drop.files
    ]
    now = [
        {"path": one.path, "who": one.who, "sent": one.sent, "size": one.size, "started_at": one.started_at}
        for one in get_desk(core).downloads.values()
        if one.drop_id == drop.id
    ]
    facts = {name: getattr(drop, name) for name in DropView.__struct_fields__ if hasattr(drop, name)}
    known = {"url": url, "is_ready": drop.state != DRAFT, "is_protected": bool(drop.password_hash)}
    return DropView(**{**facts, **known, "request": drop.request_id, "files": files, "now": now})


@get(ROOT, guards=[READ], summary="List drops")
async def list_drops(core: Core, caller: Caller, request: AnyRequest) -> list[DropView]:
    """Your drops, newest first, without their files; all of them where the cloud is yours."""
    return [to_view(core, request, drop) for drop in await actions.list_drops(core, caller)]


@post(ROOT, guards=[public], summary="Make a drop")
async def create_drop(core: Core, request: AnyRequest, data: Options) -> MadeDrop:
    """A draft, to be filled by tus (`drop ID` in Upload-Metadata) and then finished.

    For people with an account, for strangers where they may send, and with `request` for guests of a request link.
    """
    scope: Any = request.scope
    admitted = await actions.admit(core, scope, data.request)
    await actions.find_limit(core, admitted, None)
    draft = await actions.begin_draft(core, admitted, data, "page" if "sec-fetch-site" in request.headers else "api")
    return MadeDrop(
        draft.id,
        actions.url_of(core, scope, draft.id),
        await get_desk(core).owner_token(draft.id),
        f"{actions.source_url(core, scope)}/d/tus",
        draft.expires_at,
        admitted.policy.max_bytes,
        admitted.policy.max_files,
    )


async def get_own(core: Core, request: AnyRequest, drop_id: str, needed: str = "drops:write") -> Drop:
    """A drop of whoever asks, by who they are or by its owner token. Raises NotFound."""
    scope: Any = request.scope
    return await actions.check_manager(core, scope, drop_id, needed=needed)


@get(ROOT + "/{drop_id:str}", guards=[public], summary="Show a drop")
async def get_drop(core: Core, request: AnyRequest, drop_id: str) -> DropView:
    """One drop with its files, for its sender (by login or X-Owner-Token)."""
    return to_view(core, request, await get_own(core, request, drop_id, "drops:read"))


@post(ROOT + "/{drop_id:str}/finish", guards=[public], status_code=200, summary="Finish a drop")
async def finish_drop(core: Core, request: AnyRequest, drop_id: str) -> DropView:
    """From now on whoever has the link may open it, and its lifetime begins."""
    await get_own(core, request, drop_id)
    return to_view(core, request, await actions.finish_draft(core, drop_id))


@patch(ROOT + "/{drop_id:str}", guards=[public], summary="Change a drop")
async def change_drop(core: Core, request: AnyRequest, drop_id: str, data: Changes) -> DropView:
    """What its sender chose. `lifetime_s` counts from now, within what the owner of the cloud allows."""
    drop = await get_own(core, request, drop_id)
    if drop.is_private and drop.state == DRAFT and set(changed_names(data)) - {"title", "note"}:
        raise Forbidden("How long it is kept, and who opens it, is the choice of whoever asked for it.")
    return to_view(core, request, await actions.change_drop(core, drop, data))


def changed_names(data: Changes) -> list[str]:
    """What is to be changed."""
    return [name for name, value in msgspec.structs.asdict(data).items() if value is not None]


@delete(ROOT + "/{drop_id:str}", guards=[public], summary="Delete a drop")
async def delete_drop(core: Core, request: AnyRequest, drop_id: str) -> None:
    """Nobody finds it from here on."""
    await actions.delete_drop(core, await get_own(core, request, drop_id))


@delete(ROOT + "/{drop_id:str}/files/{file_id:int}", guards=[public], summary="Take a file out")
async def delete_file(core: Core, request: AnyRequest, drop_id: str, file_id: int) -> None:
    """One file of a drop; its id is in the drop's `files`."""
    await get_own(core, request, drop_id)
    hashes = await core.db.write(store.delete_file, drop_id, file_id, core.clock())
    await core.blobs.purge(hashes)


ROUTES = [list_drops, create_drop, get_drop, finish_drop, change_drop, delete_drop, delete_file]
