"""Changes of a pad as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fazt.apps.pads import actions
from fazt.apps.pads.actions import Access
from fazt.apps.pads.engine import Room, get_pads
from fazt.apps.pads.model import Pad, tag_of
from fazt.apps.pads.routes.asked import Asked
from fazt.apps.pads.routes.socket import checker
from fazt.core.auth.store.changes import CHANGED
from fazt.core.errors import TooMany
from fazt.core.shares import SIGNAL as SHARES_SIGNAL

KEEP_ALIVE_S = 20.0
HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


async def stream_changes(asked: Asked) -> None:
    """One event at the beginning and one after each change; who is slow hears of several at once.

    `?text=1` brings the text along.
    """
    access = await asked.admit()
    pad = await actions.open_pad(asked.core, access)
    pads = get_pads(asked.core)
    async with pads.using(pad.id) as room:
        if len(room.watchers) + len(room.lines) >= pads.limits().max_clients:
            raise TooMany("Too many follow this pad at once.", hint="Try again in a moment.")
        woken = asyncio.Event()
        room.watchers.add(woken.set)
        gone = asyncio.create_task(wait_for_end(asked))
        try:
            with doubting(asked, access, woken) as doubt:
                await asked.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
                await follow(asked, pad, room, woken, gone, doubt)
        finally:
            room.watchers.discard(woken.set)
            gone.cancel()


@contextmanager
def doubting(asked: Asked, access: Access, woken: asyncio.Event) -> Iterator[asyncio.Event]:
    """An Event that is set, and `woken` with it, when whoever listens may perhaps do so no longer."""
    core, doubt = asked.core, asyncio.Event()

    def note() -> None:
        doubt.set()
        woken.set()

    stops = []
    if access.caller is not None:
        stops.append(core.auth.follow(access.caller, note))
    if access.share is not None:
        stops += [core.db.watch(signal, note) for signal in (SHARES_SIGNAL, CHANGED)]
    try:
        yield doubt
    finally:
        for stop in stops:
            stop()


async def wait_for_end(asked: Asked) -> None:
    """Until the client has gone."""
    while (await asked.receive())["type"] != "http.disconnect":
        pass


async def follow(
    asked: Asked, pad: Pad, room: Room, woken: asyncio.Event, gone: asyncio.Task[None], doubt: asyncio.Event
) -> None:
    """Until the client, the pad, or the right to read it has gone."""
    may_still = checker(asked, await asked.admit())
    life, told, is_new = await get_pads(asked.core).life_of(pad.id), -1, True
    while not gone.done():
        is_doubtful = doubt.is_set() or (not is_new and not woken.is_set())
        doubt.clear()
        if room.error is not None or (is_doubtful and not await may_still()):
            await asked.send({"type": "http.response.body", "body": b"event: end\ndata: {}\n\n"})
            return
        woken.clear()
        if room.kept_seq != told:
            told = room.kept_seq
            piece = await encode_change(asked, life, room, told)
        else:
            piece = b": \n\n"
        await asked.send({"type": "http.response.body", "body": piece, "more_body": True})
        is_new = False
        waiting = asyncio.create_task(woken.wait())
        await asyncio.wait({waiting, gone}, timeout=KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting


async def encode_change(asked: Asked, life: str, room: Room, seq: int) -> bytes:
    """One event."""
    facts: dict[str, object] = {
        "pad": asked.name,
        "seq": seq,
        "etag": f'"{tag_of(life, seq)}"',
        "bytes": room.document.size,
    }
    if asked.query.get("text") == "1":
        seq, facts["text"] = await room.read()
        facts |= {"seq": seq, "etag": f'"{tag_of(life, seq)}"'}
    return f"event: change\nid: {seq}\ndata: {json.dumps(facts, ensure_ascii=False)}\n\n".encode()
