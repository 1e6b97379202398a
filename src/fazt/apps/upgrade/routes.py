"""HTTP of upgrades, for the owner: how things stand, and a look at the releases."""

from __future__ import annotations

from litestar import get, post

from fazt.apps.upgrade.actions import Status, look, to_status
from fazt.apps.upgrade.engine import note_outcome
from fazt.core import Core
from fazt.core.http.access import owner


@get("/api/v1/upgrade", guards=[owner])
async def show_status(core: Core) -> Status:
    """What runs, the newest release that is known, and how upgrades went."""
    return await to_status(core)


@post("/api/v1/upgrade/check", guards=[owner], status_code=200)
async def check(core: Core) -> Status:
    """Look what releases there are, now."""
    await look(core)
    return await to_status(core)


@post("/api/v1/upgrade/note", guards=[owner], status_code=200)
async def note(core: Core) -> Status:
    """Have a look at the journal; `fazt upgrade` asks for it when it has ended."""
    await note_outcome(core)
    return await to_status(core)


ROUTES = [show_status, check, note]
