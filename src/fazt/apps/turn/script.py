"""What functions may call: credentials for the relay, and invitations for guests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.turn import store
from fazt.apps.turn.engine.desk import get_desk
from fazt.apps.turn.model import check_room
from fazt.core.app import ScriptFunction
from fazt.core.clock import HOUR
from fazt.core.ids import new_slug

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller


async def give_credentials(core: Core, caller: Caller) -> dict[str, Any]:
    """Username, password, ttl in seconds and uris, for the page that a function serves."""
    answer: dict[str, Any] = msgspec.to_builtins(get_desk(core).issue(caller.user_id))
    return answer


async def invite(core: Core, caller: Caller, *, room: str = "", hours: int = 1) -> dict[str, Any]:
    """A link by which anybody may enter a room, by default one that nobody guesses. Raises Invalid."""
    name = check_room(room or new_slug(10))
    lasts = int(hours) * HOUR
    made, key = await core.db.write(store.create_invitation, name, caller.user_id, lasts=lasts, now=core.clock())
    path = f"/call/{name}"
    base = f"https://{core.config.domain}"
    if core.config.is_local:
        base = f"http://localhost:{core.config.listen.port}"
    return {
        "room": name,
        "path": f"{path}?key={key}",
        "url": f"{base}{path}?key={key}",
        "own_url": base + path,
        "expires_at": made.expires_at,
    }


SCRIPT = (
    ScriptFunction(
        "turn.credentials",
        "turn:use",
        give_credentials,
        "Credentials for the relay that last a few hours.",
        "const {username, password, uris} = await fazt.turn.credentials()",
    ),
    ScriptFunction(
        "turn.invite",
        "turn:invite",
        invite,
        "A link by which a guest may enter a room of calls; own_url is for people with an account.",
        "const {url, own_url} = await fazt.turn.invite({hours: 2})",
    ),
)
