"""What both the page of a call and its signalling have to know: who may enter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fazt.apps.turn import store
from fazt.apps.turn.engine.calls import Seat

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller


async def find_seat(core: Core, caller: Caller | None, room: str, key: str) -> Seat | None:
    """Whether somebody may enter a room: people with an account, in person, or guests with an invitation."""
    if caller is not None and caller.scopes is None:
        return Seat(room, caller.user_id, caller.name)
    found = await core.db.read(store.find_invitation, key, core.clock()) if key else None
    if found is None or found.room != room:
        return None
    return Seat(room, f"guest-{found.id}", "")
