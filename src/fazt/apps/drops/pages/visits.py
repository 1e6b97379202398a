"""What the page Analytics is told of drops."""

from __future__ import annotations

from fazt.apps.drops import actions, store
from fazt.apps.drops.model import VISIT_KIND
from fazt.core import Core
from fazt.core.app import Visited
from fazt.core.auth import Caller


async def list_targets(core: Core, caller: Caller) -> list[str] | None:
    """The drops that this person may know of; the owner all of them."""
    return None if caller.is_owner else [drop.id for drop in await actions.list_drops(core, caller)]


async def name_targets(core: Core, targets: list[str]) -> dict[str, tuple[str, str]]:
    """A drop is called by its first file, where that is known here."""
    titles = await core.db.read(store.list_titles, targets)
    return {drop_id: (title, f"/drops/{drop_id}") for drop_id, title in titles.items()}


VISITED = Visited(VISIT_KIND, "Drops", list_targets, name_targets)
