"""The live log, for the owner: what happened, newest first."""

from __future__ import annotations

from typing import Any

from litestar import Response, get

from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.events import list_events
from fazt.core.http.access import owner
from fazt.ui import page

ROWS = 100


@get("/events", guards=[owner])
async def show_events(core: Core, request: Asked, prefix: str = "", before: int | None = None) -> Response[Any]:
    """A page of the log, of events whose name begins with `prefix`."""
    events = await core.db.read(list_events, prefix=prefix, before_id=before, limit=ROWS)
    kinds = sorted({kind.name for app in core.apps for kind in app.events if kind.is_kept})
    older = events[-1].id if len(events) == ROWS else None
    context: dict[str, Any] = {"events": events, "prefix": prefix, "before": before, "older": older, "kinds": kinds}
    return page(request, "home/events.html", **context)


@get("/events/rows", guards=[owner])
async def show_new_events(core: Core, request: Asked, after: int = 0, prefix: str = "") -> Response[Any]:
    """Only the rows newer than `after`: what the page's script asks for every two seconds."""
    events = await core.db.read(list_events, after_id=after, prefix=prefix, limit=ROWS)
    return page(request, "home/events_rows.html", events=events)


PAGES = [show_events, show_new_events]
