"""GET /mail/live: tells a page that its mailbox has changed."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from fazt.core.errors import Forbidden
from fazt.core.events import Event
from fazt.core.http.access import demand

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

HEARTBEAT_S = 25.0
MAX_WAITING = 100
TOLD = frozenset({"mail.received", "mail.bounced"})
HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]


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

    stop = core.events.listen(hear)
    gone = asyncio.create_task(until_gone(receive))
    telling = asyncio.create_task(tell(send, waiting))
    try:
        await asyncio.wait({gone, telling}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop()
        for task in (gone, telling):
            task.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await task


async def until_gone(receive: Receive) -> None:
    """Return when the page is left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def tell(send: Send, waiting: asyncio.Queue[Event]) -> None:
    """Send what is heard, and a sign of life now and then."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"retry: 3000\n\n", "more_body": True})
    while True:
        try:
            fact = await asyncio.wait_for(waiting.get(), HEARTBEAT_S)
            body = f"event: {fact.name}\ndata: {json.dumps(fact.data)}\n\n".encode()
        except TimeoutError:
            body = b": still here\n\n"
        await send({"type": "http.response.body", "body": body, "more_body": True})
