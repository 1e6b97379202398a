"""What strangers see who follow a link: a file, or a folder with all that is in it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.response import Stream

from fazt.apps.drive import actions, store
from fazt.apps.drive.model.naming import split_path
from fazt.apps.drive.model.nodes import Node
from fazt.apps.drive.pages.files import read_preview, thumb_response, zip_response
from fazt.apps.drive.pages.views import sort_nodes, to_row
from fazt.apps.drive.wire.paths import to_href
from fazt.core import Core
from fazt.core.errors import Forbidden
from fazt.core.http.access import public
from fazt.core.shares import count_visit, door_of, get_shared, is_open
from fazt.ui import page, redirect

Asked = Request[Any, Any, Any]
SHOWN = 2_000


@get(["/drive/s/{token:str}", "/drive/s/{token:str}/{path:path}"], guards=[public])
async def show_link(core: Core, request: Asked, token: str, path: str = "") -> Response[Any]:
    """What a link shares; the way to the door where it has a password."""
    scope: Any = request.scope
    share = await get_shared(core, token, "drive")
    if not is_open(core, scope, share):
        return redirect(request, door_of(share))
    names = split_path(path)
    found = await core.db.read(actions.find_linked, share, names)
    if not names:
        await core.db.write(count_visit, share.id)
    if found.node.is_folder:
        return await folder_page(core, request, found, names)
    return await file_page(core, request, found, names)


def link_crumbs(found: actions.Linked, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """The way from what is shared to what is shown."""
    base = f"/drive/s/{found.share.token}"
    above = [(name, base + to_href(names[: level + 1], is_folder=False)) for level, name in enumerate(names)]
    return [(found.top.name, base), *above]


async def folder_page(core: Core, request: Asked, found: actions.Linked, names: tuple[str, ...]) -> Response[Any]:
    """A folder that is shared."""
    token = found.share.token
    nodes = await core.db.read(store.list_children, found.node.id, "", SHOWN)
    base = f"/drive/s/{token}"
    rows = [
        to_row(node, (*names, node.name), base=base, thumbs=f"/drive/st/{token}") for node in sort_nodes(nodes, "name")
    ]
    zip_href = f"/drive/sz/{token}{to_href(names, is_folder=False)}"
    return page(
        request,
        "drive/shared_folder.html",
        crumbs=link_crumbs(found, names),
        rows=rows,
        folder=found.node,
        zip=zip_href,
    )


async def file_page(core: Core, request: Asked, found: actions.Linked, names: tuple[str, ...]) -> Response[Any]:
    """A file that is shared."""
    raw = f"/drive/raw/{found.share.token}{to_href(names, is_folder=False)}"
    preview = await read_preview(core, found.node)
    return page(
        request, "drive/shared_file.html", crumbs=link_crumbs(found, names), file=found.node, raw=raw, pdf="", **preview
    )


@get("/drive/st/{token:str}/{node_id:int}", guards=[public])
async def show_link_thumb(core: Core, request: Asked, token: str, node_id: int) -> Response[bytes]:
    """A small picture of what a link shares."""
    return thumb_response(await actions.get_thumb(core, await find_inside(core, request, token, node_id)))


async def find_inside(core: Core, request: Asked, token: str, node_id: int) -> Node:
    """A node that a link shares. Raises NotFound, Forbidden."""
    share = await get_shared(core, token, "drive")
    scope: Any = request.scope
    if not is_open(core, scope, share):
        raise Forbidden("This link asks for a password.")
    return await core.db.read(actions.is_in, share, node_id)


@get(["/drive/sz/{token:str}", "/drive/sz/{token:str}/{path:path}"], guards=[public])
async def download_link(core: Core, request: Asked, token: str, path: str = "") -> Stream:
    """A shared folder as one archive."""
    found = await actions.open_link(core, request.scope, token, split_path(path))
    return await zip_response(core, [found.node], f"{found.node.name}.zip")


PAGES = [show_link, show_link_thumb, download_link]
