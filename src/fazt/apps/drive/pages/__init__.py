"""Pages of the drive, and its place on the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fazt.apps.drive import actions, store
from fazt.apps.drive.engine import drive_of
from fazt.apps.drive.pages import files, links
from fazt.core.app import Card, Shareable
from fazt.core.errors import Forbidden, Invalid, NotFound
from fazt.ui.formats import format_bytes

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

PAGES = [*files.PAGES, *links.PAGES]
NEARLY = 0.9


async def check_share(core: Core, caller: Caller, target: str) -> str:
    """What a file or folder is called, for who may change it. Raises NotFound, Forbidden, Invalid."""
    found = await core.db.read(store.find_space_of, int(target)) if target.isascii() and target.isdigit() else None
    if found is None:
        raise NotFound("This file is no longer there.")
    names = await files.names_of(core, caller, *found)
    seen = await core.db.read(store.find_shared, names[1], caller.user_id) if names[0] == "shared" else None
    if seen is not None and not seen.may_write:
        raise Forbidden("Only who may change this folder may share it on.")
    if len(found[1].nodes) < 2:
        raise Invalid("Share a file or a folder, not the whole drive.")
    return "/" + "/".join(names[1:])


SHAREABLE = Shareable(check_share, lambda share: f"/drive/s/{share.token}")


async def card(core: Core, caller: Caller) -> Card:
    """How full the drive is."""
    home = await drive_of(core).home(caller.user_id)
    usage = await core.db.read(store.get_usage, home.id, actions.quota_bytes(core))
    if not usage.used:
        return Card("Empty", "Put the first files into it.", "Upload files", "/drive/files")
    line = f"of {format_bytes(usage.quota)} are used." if usage.quota else "in your files."
    is_tight = bool(usage.quota) and usage.used > NEARLY * usage.quota
    return Card(format_bytes(usage.used), line, "Open", "/drive/files", attention=is_tight)
