"""What changes in a collection, while it changes."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get

from fazt.apps.textdb import actions
from fazt.apps.textdb.model.collection import OWNER
from fazt.apps.textdb.store.collections import get_figures
from fazt.core import Core
from fazt.core.http.access import owner
from fazt.core.http.hosts import base_url
from fazt.ui import page

Asked = Request[Any, Any, Any]
SHOWN = 50


@get("/textdb/{name:str}/feed", guards=[owner])
async def show_feed(core: Core, request: Asked, name: str) -> Response[Any]:
    """The newest changes; a script adds what comes."""
    figures = await core.db.read(get_figures, name)
    scope: Any = request.scope
    found = await actions.read_changes(core, name, max(figures.seq - SHOWN, 0), OWNER, limit=SHOWN)
    return page(
        request,
        "textdb/feed.html",
        figures=figures,
        entries=found.entries[::-1],
        last_seq=found.last_seq,
        base=base_url(core.config, scope),
    )


PAGES = [show_feed]
