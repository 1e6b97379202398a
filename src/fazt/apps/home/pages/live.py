"""GET /home/live: tells the dashboard that something has happened, so that it looks again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from fazt.core.errors import Forbidden
from fazt.core.events import Event
from fazt.core.http.access import demand

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

HEARTBEAT_S = 25.0
GATHER_S = 1.0
"""What happens within this time is told at once."""

HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]


async def live(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """A word after each event, at most one a second, until the page is left. It says nothing of what happened."""
    caller = await demand(core, scope)
    if not caller.is_unlimited:
        raise Forbidden("A token with scopes may not do this.")
    woken = asyncio.Event()

    def hear(_fact: Event) -> None:
        woken.set()

    stop = core.events.listen(hear)
    gone = asyncio.create_task(until_gone(receive))
    telling = asyncio.create_task(tell(send, woken))
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


async def tell(send: Send, woken: asyncio.Event) -> None:
    """Say that something has happened, and give a sign of life now and then."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"retry: 3000\n\n", "more_body": True})
    while True:
        try:
            await asyncio.wait_for(woken.wait(), HEARTBEAT_S)
            await asyncio.sleep(GATHER_S)
            woken.clear()
            body = b"data: changed\n\n"
        except TimeoutError:
            body = b": still here\n\n"
        await send({"type": "http.response.body", "body": body, "more_body": True})
