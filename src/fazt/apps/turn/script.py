"""What functions may call: credentials for the relay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.turn.engine.desk import get_desk
from fazt.core.app import ScriptFunction

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller


async def give_credentials(core: Core, caller: Caller) -> dict[str, Any]:
    """Username, password, ttl in seconds and uris, for the page that a function serves."""
    answer: dict[str, Any] = msgspec.to_builtins(get_desk(core).issue(caller.user_id))
    return answer


SCRIPT = (
    ScriptFunction(
        "turn.credentials",
        "turn:use",
        give_credentials,
        "Credentials for the relay that last a few hours.",
        "const {username, password, uris} = await fazt.turn.credentials()",
    ),
)
