"""Pages of the drive, and its place on the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fazt.apps.drive import actions, store
from fazt.apps.drive.engine import drive_of
from fazt.apps.drive.pages import files, links
from fazt.core.app import Card
from fazt.ui.formats import format_bytes

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

PAGES = [*files.PAGES, *links.PAGES]
NEARLY = 0.9


async def card(core: Core, caller: Caller) -> Card:
    """How full the drive is."""
    home = await drive_of(core).home(caller.user_id)
    usage = await core.db.read(store.get_usage, home.id, actions.quota_bytes(core))
    if not usage.used:
        return Card("Empty", "Put the first files into it.", "Upload files", "/drive/files")
    line = f"of {format_bytes(usage.quota)} are used." if usage.quota else "in your files."
    is_tight = bool(usage.quota) and usage.used > NEARLY * usage.quota
    return Card(format_bytes(usage.used), line, "Open", "/drive/files", attention=is_tight)
