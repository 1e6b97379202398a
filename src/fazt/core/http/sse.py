"""Server-sent events (WHATWG HTML, 9.2) for pages that live."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fazt.core.http.access import staying

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

HEARTBEAT_S = 25.0
"""So that nothing between takes the silence for an end, and a client that is gone is noticed."""

HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
RETRY = b"retry: 3000\n\n"
STILL_HERE = b": still here\n\n"


def to_event(data: Any, name: str = "") -> bytes:
    """One event with JSON as its data."""
    kind = f"event: {name}\n" if name else ""
    return f"{kind}data: {json.dumps(data)}\n\n".encode()


async def send_events(
    core: Core, scope: Scope, receive: Receive, send: Send, get_event: Callable[[], Awaitable[bytes]]
) -> None:
    """Answer with each event that `get_event` brings, until the client is gone or may no longer hear them.

    `get_event` is cancelled when a sign of life is due, and then called anew: it may lose nothing by that.
    """
    with staying(core, scope) as ended:
        gone = asyncio.create_task(_until_gone(receive))
        telling = asyncio.create_task(_tell(send, get_event))
        ending = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait({gone, telling, ending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, telling, ending):
                task.cancel()
                with suppress(asyncio.CancelledError, OSError):
                    await task
    if ended.is_set():
        await send({"type": "http.response.body", "body": b""})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _tell(send: Send, get_event: Callable[[], Awaitable[bytes]]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": RETRY, "more_body": True})
    while True:
        try:
            async with asyncio.timeout(HEARTBEAT_S):  # wait_for may swallow the end of this task (Python 3.11)
                body = await get_event()
        except TimeoutError:
            body = STILL_HERE
        await send({"type": "http.response.body", "body": body, "more_body": True})
