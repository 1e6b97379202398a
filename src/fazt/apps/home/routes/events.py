"""What happened, for the owner."""

from __future__ import annotations

from litestar import get
from litestar.response import Stream

from fazt.apps.home.model import check_limit
from fazt.core import Core
from fazt.core.events import Event, list_events
from fazt.core.http.access import owner


@get("/api/v1/events", guards=[owner])
async def list_log(
    core: Core,
    after_id: int = 0,
    before_id: int | None = None,
    prefix: str = "",
    person: str = "",
    limit: int = 100,
) -> list[Event]:
    """Events, newest first, with ids between the two (exclusive) and names that begin with `prefix`.

    With `person`, a user's id, only those that name them.
    """
    limit = check_limit(limit)
    return await core.db.read(
        list_events, after_id=after_id, before_id=before_id, prefix=prefix, about=person, limit=limit
    )


@get("/api/v1/events/export", guards=[owner])
async def export_log(core: Core, prefix: str = "", person: str = "") -> Stream:
    """All of the log, newest first, as NDJSON."""
    headers = {"content-disposition": 'attachment; filename="activity.ndjson"', "cache-control": "no-store"}
    rows = core.events.export(prefix=prefix, about=person)
    return Stream(rows, media_type="application/x-ndjson", headers=headers)


ROUTES = [list_log, export_log]
