"""A document that is shared by link, as it is at that time, for whoever has the link."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from sqlalchemy import Connection

from fazt.apps.textdb.model.collection import OWNER
from fazt.apps.textdb.model.document import Document
from fazt.apps.textdb.model.jsontext import parse, pretty
from fazt.apps.textdb.store.collections import find_collection
from fazt.apps.textdb.store.documents import get_document
from fazt.core import Core
from fazt.core.app import Shareable
from fazt.core.auth import Caller
from fazt.core.errors import Forbidden, NotFound
from fazt.core.http.access import public
from fazt.core.shares import count_visit, door_of, get_shared, is_open
from fazt.ui import page, redirect


def read_shared(conn: Connection, target: str, now: int) -> Document:
    """The document `collection/id`. Raises NotFound."""
    name, _, id_ = target.partition("/")
    collection = find_collection(conn, name)
    if collection is None:
        raise NotFound("This document is no longer there.")
    return get_document(conn, collection, id_, OWNER, now=now)


@get("/shared/document/{token:str}", guards=[public])
async def show_shared(core: Core, request: Request[Any, Any, Any], token: str) -> Response[Any]:
    """One document, to read."""
    scope: Any = request.scope
    share = await get_shared(core, token, "textdb")
    if not is_open(core, scope, share):
        return redirect(request, door_of(share))
    document = await core.db.read(read_shared, share.target, core.clock())
    await core.db.write(count_visit, share.id)
    value = parse(document.text)
    is_flat = isinstance(value, dict) and not any(isinstance(one, (dict, list)) for one in value.values())
    fields = list(value.items()) if is_flat else []
    return page(
        request, "textdb/shared.html", title=share.label, document=document, fields=fields, text=pretty(document.text)
    )


async def check_share(core: Core, caller: Caller, target: str) -> str:
    """What a document is called, for the owner of all collections. Raises NotFound, Forbidden."""
    if not caller.is_owner:
        raise Forbidden("Collections belong to the owner of this cloud.")
    document = await core.db.read(read_shared, target, core.clock())
    return f"{target.partition('/')[0]}: {document.id}"


SHAREABLE = Shareable(check_share, lambda share: f"/shared/document/{share.token}")
PAGES = [show_shared]
