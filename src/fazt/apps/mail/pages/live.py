"""GET /mail/live: tells a page that its mailbox has changed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from fazt.core.errors import Forbidden
from fazt.core.events import Event
from fazt.core.http.access import demand
from fazt.core.http.sse import send_events, to_event

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

MAX_WAITING = 100
TOLD = frozenset({"mail.received", "mail.bounced"})


async def live(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """Events of one's own mailbox, until the page is left."""
    caller = await demand(core, scope)
    if not caller.is_unlimited:
        raise Forbidden("A token with scopes may not do this.")
    waiting: asyncio.Queue[Event] = asyncio.Queue(MAX_WAITING)

    def hear(fact: Event) -> None:
        if fact.name in TOLD and fact.data.get("user_id") == caller.user_id:
            with suppress(asyncio.QueueFull):  # a page that does not read asks for the list again anyway
                waiting.put_nowait(fact)

    async def get_event() -> bytes:
        fact = await waiting.get()
        return to_event(fact.data, fact.name)

    stop = core.events.listen(hear)
    try:
        await send_events(core, scope, receive, send, get_event)
    finally:
        stop()
