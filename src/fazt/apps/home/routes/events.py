"""What happened, for the owner."""

from __future__ import annotations

from litestar import get

from fazt.apps.home.model import check_limit
from fazt.core import Core
from fazt.core.events import Event, list_events
from fazt.core.http.access import owner


@get("/api/v1/events", guards=[owner])
async def list_log(
    core: Core, after_id: int = 0, before_id: int | None = None, prefix: str = "", limit: int = 100
) -> list[Event]:
    """Events, newest first, with ids between the two (exclusive) and names that begin with `prefix`."""
    return await core.db.read(
        list_events, after_id=after_id, before_id=before_id, prefix=prefix, limit=check_limit(limit)
    )


ROUTES = [list_log]
