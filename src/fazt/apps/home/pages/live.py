"""GET /home/live: tells the dashboard that something has happened, so that it looks again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fazt.core.errors import Forbidden
from fazt.core.events import Event
from fazt.core.http.access import demand
from fazt.core.http.sse import send_events

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

GATHER_S = 1.0
"""What happens within this time is told at once."""


async def live(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """A word after each event, at most one a second, until the page is left. It says nothing of what happened.

    The first comes of itself: something may have happened before the page listened.
    """
    caller = await demand(core, scope)
    if not caller.is_unlimited:
        raise Forbidden("A token with scopes may not do this.")
    woken = asyncio.Event()
    woken.set()

    def hear(_fact: Event) -> None:
        woken.set()

    async def get_event() -> bytes:
        await woken.wait()
        await asyncio.sleep(GATHER_S)
        woken.clear()
        return b"data: changed\n\n"

    stop = core.events.listen(hear)
    try:
        await send_events(core, scope, receive, send, get_event)
    finally:
        stop()
