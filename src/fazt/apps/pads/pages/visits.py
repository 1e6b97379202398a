"""What the page Analytics is told of pads."""

from __future__ import annotations

from fazt.apps.pads import store
from fazt.apps.pads.model import VISIT_KIND
from fazt.core import Core
from fazt.core.app import Visited
from fazt.core.auth import Caller


async def list_targets(core: Core, caller: Caller) -> list[str] | None:
    """A person's own pads; all of them for the owner."""
    if caller.is_owner:
        return None
    found = await core.db.read(store.list_pads, caller.user_id, core.clock(), shared=False)
    return [pad.id for pad in found if pad.user_id == caller.user_id]


async def name_targets(core: Core, targets: list[str]) -> dict[str, tuple[str, str]]:
    """Pads are counted by their ids, so that another one of the same name begins at nothing."""
    names = await core.db.read(store.list_names_of, targets)
    return {pad_id: (name, f"/pads/{name}") for pad_id, name in names.items()}


VISITED = Visited(VISIT_KIND, "Pads", list_targets, name_targets)
