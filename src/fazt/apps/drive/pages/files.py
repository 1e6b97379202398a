"""The file manager: folders, files, search, trash, usage."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Stream
from sqlalchemy import Connection

from fazt.apps.drive import actions, store
from fazt.apps.drive.actions import Place
from fazt.apps.drive.engine import drive_of
from fazt.apps.drive.model.naming import split_path
from fazt.apps.drive.model.nodes import Node, Space, Trail, Usage, Version
from fazt.apps.drive.pages.views import (
    MAX_TEXT_BYTES,
    api_path,
    attachment,
    crumbs,
    find_kind,
    page_href,
    sort_nodes,
    to_row,
)
from fazt.apps.drive.wire.paths import to_href
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import Invalid, NotFound
from fazt.core.http.access import find_cookie, member
from fazt.core.shares import Share, list_shares, list_shares_of
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]
VIEW = "drive-view"
SHOWN = 3_000
PDF = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "x-frame-options": "SAMEORIGIN",
    "cache-control": "private, no-cache",
}


async def locate(core: Core, caller: Caller, names: tuple[str, ...]) -> Place:
    """The place of a page. Raises NotFound where it is no place of files."""
    place = await actions.locate(core, caller, names)
    if place.spot is None:
        raise NotFound("There is nothing at this address.")
    return place


def read_view(request: Asked, view: str) -> tuple[str, list[Cookie]]:
    """List or grid: as the address says, or as it was last time."""
    scope: Any = request.scope
    if view in {"list", "grid"}:
        return view, [Cookie(key=VIEW, value=view, path="/drive", max_age=31_536_000, samesite="lax")]
    return ("grid" if find_cookie(scope, VIEW) == "grid" else "list"), []


def load_folder(conn: Connection, place: Place, quota: int) -> tuple[Node, list[Node], Usage]:
    """A node, what is in it, and what stands beside it."""
    assert place.spot is not None
    found = store.get_node(conn, place.spot)
    nodes = store.list_children(conn, found.id, limit=SHOWN + 1) if found.is_folder else []
    usage = store.get_usage(conn, place.spot.space.id, quota)
    return found, nodes, usage


@get("/drive", guards=[member])
async def show_drive(request: Asked) -> Response[Any]:
    """Your files."""
    return redirect(request, "/drive/files")


@get(["/drive/files", "/drive/files/{path:path}"], guards=[member])
async def show_files(
    core: Core, caller: Caller, request: Asked, path: str = "", sort: str = "name", view: str = ""
) -> Response[Any]:
    """A folder or a file of your own."""
    return await browse(core, caller, request, ("files", *split_path(path)), sort, view)


@get("/drive/shared/{path:path}", guards=[member])
async def show_shared(
    core: Core, caller: Caller, request: Asked, path: str, sort: str = "name", view: str = ""
) -> Response[Any]:
    """A folder or a file that several people share."""
    return await browse(core, caller, request, ("shared", *split_path(path)), sort, view)


async def browse(
    core: Core, caller: Caller, request: Asked, names: tuple[str, ...], sort: str, view: str
) -> Response[Any]:
    """The page of whatever is at this address."""
    place = await locate(core, caller, names)
    found, nodes, usage = await core.db.read(load_folder, place, actions.quota_bytes(core))
    if not found.is_folder:
        return await file_page(core, caller, request, place, names, found)
    assert place.spot is not None
    shown, cookies = read_view(request, view)
    shared = await core.db.read(store.list_shared, caller.user_id)
    answer = page(
        request,
        "drive/folder.html",
        crumbs=crumbs(names),
        rows=[to_row(node, (*names, node.name)) for node in sort_nodes(nodes[:SHOWN], sort)],
        is_cut=len(nodes) > SHOWN,
        dav="/dav" + to_href(names, is_folder=True),
        api=api_path(names),
        here=page_href(names),
        sort=sort,
        view=shown,
        usage=usage,
        may_write=place.spot.space.may_write,
        shared=shared,
        space=names[1] if names[0] == "shared" else "",
    )
    for cookie in cookies:
        answer.set_cookie(cookie)
    return answer


def load_details(conn: Connection, found: Node) -> tuple[list[Version], list[Share]]:
    """What a file held before, and the links to it."""
    return store.list_versions(conn, found.id), list_shares(conn, "drive", str(found.id))


async def file_page(
    core: Core, caller: Caller, request: Asked, place: Place, names: tuple[str, ...], found: Node
) -> Response[Any]:
    """A file: shown where a browser can, with its versions and links."""
    assert place.spot is not None
    versions, shares = await core.db.read(load_details, found)
    return page(
        request,
        "drive/file.html",
        crumbs=crumbs(names),
        file=found,
        dav="/dav" + to_href(names, is_folder=False),
        folder="/dav" + to_href(names[:-1], is_folder=True),
        api=api_path(names),
        up=page_href(names[:-1]),
        pdf="/drive/pdf" + to_href(names, is_folder=False),
        may_write=place.spot.space.may_write,
        versions=versions,
        shares=[share for share in shares if share.user_id == caller.user_id],
        **await read_preview(core, found),
    )


async def read_preview(core: Core, found: Node) -> dict[str, Any]:
    """How a file is shown, and its text where it has one."""
    from fazt.ui.prose import highlight, render_markdown  # noqa: PLC0415 - pygments and nh3 are large, and only this needs them

    kind, text = find_kind(found), None
    if kind in {"markdown", "text"}:
        if found.size > MAX_TEXT_BYTES:
            return {"kind": "file", "text": None}
        data = b"".join([piece async for piece in core.blobs.open(found.hash)]).decode(errors="replace")
        text = render_markdown(data) if kind == "markdown" else highlight(data, found.name)
    return {"kind": kind, "text": text}


@get("/drive/pdf/{path:path}", guards=[member])
async def show_pdf(core: Core, caller: Caller, path: str) -> Stream:
    """A PDF for the frame on its page: browsers show none in a sandbox."""
    place = await locate(core, caller, split_path(path))
    assert place.spot is not None
    found = await core.db.read(store.get_node, place.spot)
    if find_kind(found) != "pdf":
        raise Invalid("This is no PDF.")
    headers = {**PDF, "content-length": str(found.size)}
    return Stream(core.blobs.open(found.hash), media_type="application/pdf", headers=headers)


@get("/drive/open/{node_id:int}", guards=[member])
async def open_node(core: Core, caller: Caller, request: Asked, node_id: int) -> Response[Any]:
    """Where a file is now: what search leads to."""
    found = await core.db.read(store.find_space_of, node_id)
    if found is None:
        raise NotFound("This file is no longer there.", hint="It may be in the trash.")
    space, trail = found
    return redirect(request, page_href(await names_of(core, caller, space, trail)))


async def names_of(core: Core, caller: Caller, space: Space, trail: Trail) -> tuple[str, ...]:
    """The address of a node for this caller. Raises NotFound where they may not see it."""
    path = tuple(node.name for node in trail.nodes[1:])
    if space.kind == "home" and space.name == caller.user_id:
        return ("files", *path)
    if space.kind == "shared" and await core.db.read(store.find_shared, space.name, caller.user_id) is not None:
        return ("shared", space.name, *path)
    raise NotFound("This file is no longer there.")


@get("/drive/thumb/{node_id:int}", guards=[member])
async def show_thumb(core: Core, caller: Caller, node_id: int) -> Response[bytes]:
    """A small picture."""
    found = await core.db.read(store.find_space_of, node_id)
    if found is None:
        raise NotFound("This file is no longer there.")
    await names_of(core, caller, *found)
    return thumb_response(await actions.get_thumb(core, found[1].nodes[-1]))


def thumb_response(data: bytes) -> Response[bytes]:
    """A small picture, or none. Its address holds the hash of the file, so it may stay for long."""
    headers = {"cache-control": "private, max-age=604800"}
    return Response(data, status_code=200 if data else 404, media_type="image/webp", headers=headers)


@post("/drive/zip", guards=[member], status_code=200)
async def download_zip(core: Core, caller: Caller, request: Asked) -> Stream:
    """What was chosen, as one archive."""
    paths = (await read_form(request)).texts("path")[:1_000]
    spots = [await actions.spot_of(core, caller, path) for path in paths]
    nodes = [await core.db.read(store.get_node, spot) for spot in spots]
    if not nodes:
        raise Invalid("Choose something to download first.")
    name = f"{nodes[0].name or 'Files'}.zip" if len(nodes) == 1 else "files.zip"
    return await zip_response(core, nodes, name)


async def zip_response(core: Core, nodes: list[Node], name: str) -> Stream:
    """An archive of these."""
    size, pieces = await actions.open_zip(core, nodes)
    headers = {"content-disposition": attachment(name), "content-length": str(size), "cache-control": "no-store"}
    stream: AsyncIterator[bytes] = pieces
    return Stream(stream, media_type="application/zip", headers=headers)


@get("/drive/search", guards=[member])
async def show_search(core: Core, caller: Caller, request: Asked, q: str = "") -> Response[Any]:
    """Files by their names."""
    home = await drive_of(core).home(caller.user_id)
    hits = await core.db.read(store.find_by_name, home, q) if q.strip() else []
    rows = [to_row(hit.node, ("files", *hit.path), place="/" + "/".join(hit.path[:-1])) for hit in hits]
    return page(request, "drive/search.html", query=q, rows=rows)


@get("/drive/trash", guards=[member])
async def show_trash(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """What can be brought back."""
    home = await drive_of(core).home(caller.user_id)
    return page(
        request,
        "drive/trash.html",
        items=await core.db.read(store.list_trash, home.id),
        days=core.settings.get("drive.trash_days"),
    )


@get("/drive/usage", guards=[member])
async def show_usage(core: Core, caller: Caller, request: Asked, path: str = "") -> Response[Any]:
    """What takes how much, folder by folder."""
    names = ("files", *split_path(path))
    place = await locate(core, caller, names)
    found, nodes, usage = await core.db.read(load_folder, place, actions.quota_bytes(core))
    largest = sorted(nodes, key=lambda node: -node.size)[:40]
    return page(
        request,
        "drive/usage.html",
        crumbs=[(name, f"/drive/usage?path={href.removeprefix('/drive/files')}") for name, href in crumbs(names)],
        folder=found,
        usage=usage,
        items=[
            (node, f"/drive/usage?path={to_href((*names[1:], node.name), is_folder=False)}" if node.is_folder else "")
            for node in largest
        ],
    )


@get("/drive/links", guards=[member])
async def show_links(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Your links."""
    shares = await core.db.read(list_shares_of, caller.user_id, app="drive")
    return page(request, "drive/links.html", shares=shares, now=core.clock())


@get("/drive/version/{node_id:int}/{version:int}", guards=[member])
async def download_version(core: Core, caller: Caller, node_id: int, version: int) -> Stream:
    """What a file held before."""
    found = await core.db.read(store.find_space_of, node_id)
    if found is None:
        raise NotFound("This file is no longer there.")
    await names_of(core, caller, *found)
    old = await core.db.read(store.get_version, node_id, version)
    name = found[1].nodes[-1].name
    headers = {"content-disposition": attachment(name), "content-length": str(old.size)}
    return Stream(core.blobs.open(old.hash), media_type="application/octet-stream", headers=headers)


PAGES = [
    show_drive,
    show_files,
    show_shared,
    show_pdf,
    open_node,
    show_thumb,
    download_zip,
    show_search,
    show_trash,
    show_usage,
    show_links,
    download_version,
]
