"""Links in and out as files."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Stream

from fazt.apps.links import actions, store
from fazt.apps.links.actions import MAX_FILE, ImportReport, import_text
from fazt.apps.links.model import CLICK
from fazt.apps.links.wire import exchange
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.http.access import needs
from fazt.core.http.messages import read_body

PIECE = 500


@post("/api/v1/links/import", guards=[needs("links:write")], status_code=200)
async def import_links(core: Core, caller: Caller, request: Request[Any, Any, Any]) -> ImportReport:
    """Links from a file: CSV, or JSON as Shlink, YOURLS, Bitly and Kutt export it."""
    scope: Any = request.scope
    receive: Any = request.receive
    data = await read_body(scope, receive, MAX_FILE)
    return await import_text(core, caller, data.decode("utf-8", "replace"))


@get("/api/v1/links/export", guards=[needs("links:read")])
async def export_links(core: Core, caller: Caller, form: Literal["csv", "json"] = "csv") -> Response[bytes]:
    """All links as a file that can be imported again; `form` is csv or json."""
    links = await all_links(core, caller)
    if form == "json":
        data, kind = msgspec.json.encode([public(link) for link in links]), "application/json"
    else:
        data, kind = exchange.write_csv(links).encode(), "text/csv; charset=utf-8"
    headers = {"content-disposition": f'attachment; filename="links.{form}"', "cache-control": "no-store"}
    return Response(data, media_type=kind, headers=headers)


async def all_links(core: Core, caller: Caller) -> list[Any]:
    """Every link that the caller sees."""
    found: list[Any] = []
    while True:
        asked = store.Asked(owner=actions.owner_of(caller), offset=len(found), limit=PIECE, descending=False)
        piece = (await core.db.read(store.list_links, asked)).links
        found += piece
        if len(piece) < PIECE:
            return found


def public(link: Any) -> dict[str, Any]:
    """A link without what only this cloud can use."""
    fields = msgspec.structs.asdict(link)
    for hidden in ("id", "owner", "password_hash", "deleted_at", "changed_at"):
        del fields[hidden]
    return fields


@get("/api/v1/links/{link_id:int}/visits/export", guards=[needs("links:read")])
async def export_visits(
    core: Core, caller: Caller, link_id: int, form: Literal["csv", "ndjson"] = "csv", start: int = 0, end: int = 1 << 60
) -> Stream:
    """Every click there is, the oldest first; link 0 is all links. Times in ms."""
    targets: tuple[str, ...] = ()
    if link_id:
        await core.db.read(store.get_link, link_id, owner=actions.owner_of(caller))
        targets = (str(link_id),)
    elif not caller.is_owner:
        targets = tuple(str(link.id) for link in await all_links(core, caller)) or ("",)
    kind = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
    headers = {"content-disposition": f'attachment; filename="clicks.{form}"', "cache-control": "no-store"}
    return Stream(core.visits.export(form, (CLICK,), targets, start, end), media_type=kind, headers=headers)


HANDLERS = [import_links, export_links, export_visits]
