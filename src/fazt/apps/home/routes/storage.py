"""What takes how much room, for the owner."""

from __future__ import annotations

from litestar import get, post

from fazt.apps.home.actions import ask_freeing, ask_measuring
from fazt.apps.home.model import Freeing
from fazt.core import Core
from fazt.core.errors import NotFound
from fazt.core.http.access import owner
from fazt.core.usage import Usage, find_usage


@get("/api/v1/storage", guards=[owner])
async def show_usage(core: Core) -> Usage:
    """The last measurement: the shares add up to `total`, the size of the database. NotFound before the first."""
    found = await core.db.read(find_usage)
    if found is None:
        raise NotFound("Nothing was measured yet.", hint="POST /api/v1/storage/measure, and ask again in a moment.")
    return found


@post("/api/v1/storage/measure", guards=[owner], status_code=202)
async def measure(core: Core) -> None:
    """Have it measured, by a job."""
    await ask_measuring(core)


@post("/api/v1/storage/free", guards=[owner], status_code=202)
async def free(core: Core, data: Freeing) -> None:
    """Have something let go that `could` lists, by a job; then all is measured anew."""
    await ask_freeing(core, data.name)


ROUTES = [show_usage, measure, free]
