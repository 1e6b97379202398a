"""The search box: one over everything that apps make findable."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.http.access import member
from fazt.core.search import search
from fazt.ui import page

ROWS = 30


@get("/search", guards=[member])
async def show_search(
    core: Core, caller: Caller, request: Asked, q: str = "", offset: int = 0, part: str = ""
) -> Response[Any]:
    """What was found; `part=rows` is what the page asks for while somebody types."""
    start = max(offset, 0)
    found = await core.db.read(search, q, user_id=caller.user_id, limit=ROWS + 1, offset=start)
    return page(
        request,
        "home/search_rows.html" if part == "rows" else "home/search.html",
        q=q,
        found=found[:ROWS],
        titles={app.name: app.title for app in core.apps},
        offset=start,
        more=start + ROWS if len(found) > ROWS else None,
        fewer=max(start - ROWS, 0) if start else None,
    )


PAGES = [show_search]
