"""GET /db/{collection}/_changes: at once, by long poll, or as server-sent events."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

from fazt.apps.textdb import actions
from fazt.apps.textdb.engine import textdb_of
from fazt.apps.textdb.model.collection import Access, Collection
from fazt.apps.textdb.model.document import ChangeEntry, Changes
from fazt.apps.textdb.model.expression import Expression
from fazt.apps.textdb.routes.call import Call
from fazt.apps.textdb.store.collections import read_state
from fazt.apps.textdb.store.rules import macros_of
from fazt.apps.textdb.wire.query import Parameters, filters, last, number, split
from fazt.core.clock import to_iso
from fazt.core.errors import Forbidden, Invalid, NotFound, Unauthorized
from fazt.core.http.access import staying
from fazt.core.http.messages import Header

KNOWN = frozenset({"since", "limit", "feed", "timeout", "where", "q"})
MAX_LIMIT = 1_000
MAX_WAIT_S = 60.0
HEARTBEAT_S = 15.0
STREAM: list[Header] = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


async def changes(call: Call, name: str) -> None:
    """The feed behind `since`: a number, or `now`. Filters narrow it; what leaves them is told as deleted."""
    access = await call.access(name, "read")
    asked = split(call.query) if call.query else {}
    where = filters(asked, macros_of(access, call.core.clock()), KNOWN)
    await actions.check_there(call.core, name, access)
    since = await start_of(call, name, asked)
    limit = number(asked, "limit")
    limit = 100 if limit is None else min(max(limit, 1), MAX_LIMIT)
    feed = last(asked, "feed") or ("eventsource" if "text/event-stream" in (call.header(b"accept") or "") else "normal")
    if feed == "normal":
        found = await actions.read_changes(call.core, name, since, access, limit=limit, where=where)
    elif feed == "longpoll":
        timeout = number(asked, "timeout")
        timeout_s = 30.0 if timeout is None else min(timeout / 1_000, MAX_WAIT_S)
        waiting = actions.wait_for_changes(
            call.core, name, since, access, limit=limit, timeout_s=timeout_s, where=where
        )
        maybe = await while_connected(call, waiting)
        if maybe is None:
            return
        found = maybe
    elif feed == "eventsource":
        await stream(call, name, since, access, where, limit)
        return
    else:
        raise Invalid("feed is normal, longpoll or eventsource.")
    await call.answer_json(200, to_text(found))


async def start_of(call: Call, name: str, asked: Parameters) -> int:
    """Where to begin: Last-Event-ID, `since`, or the beginning. Raises Invalid."""
    given = call.header(b"last-event-id") or last(asked, "since") or "0"
    if given == "now":
        state = await textdb_of(call.core).use(name, lambda found: call.core.db.read(read_state, found))
        return state[0]
    if not given.isascii() or not given.isdecimal() or len(given) > 18:
        raise Invalid("since is a number that the feed has given, or now.")
    return int(given)


def to_json(entry: ChangeEntry) -> str:
    """One entry."""
    rest = '"deleted":true' if entry.text is None else f'"doc":{entry.text}'
    return f'{{"seq":{entry.seq},"id":{json.dumps(entry.id, ensure_ascii=False)},"at":"{to_iso(entry.at)}",{rest}}}'


def to_text(found: Changes) -> str:
    """A piece of the feed."""
    listed = ",".join(map(to_json, found.entries))
    more, reset = json.dumps(found.has_more), json.dumps(found.is_reset)
    return f'{{"changes":[{listed}],"lastSeq":{found.last_seq},"more":{more},"reset":{reset}}}'


async def while_connected(call: Call, waiting: object) -> Changes | None:
    """What `waiting` gives, or None where the client has gone in the meantime.

    Raises Unauthorized where the credentials have ended in the meantime.
    """
    with staying(call.core, call.scope) as ended:
        work = asyncio.ensure_future(waiting)  # type: ignore[call-overload]
        others = [asyncio.ensure_future(until_gone(call)), asyncio.ensure_future(ended.wait())]
        try:
            await asyncio.wait({work, *others}, return_when=asyncio.FIRST_COMPLETED)
            if ended.is_set():
                raise Unauthorized("These credentials have ended.", hint="Log in again, or send another token.")
            found: Changes | None = work.result() if work.done() else None
            return found
        finally:
            for task in (work, *others):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def until_gone(call: Call) -> None:
    """Return when the client has closed the connection."""
    while (await call.receive())["type"] != "http.disconnect":
        pass


async def stream(call: Call, name: str, since: int, access: Access, where: Expression, limit: int) -> None:
    """Server-sent events: each `change` has its number as id, so that a browser goes on where it was cut off."""

    async def run(collection: Collection) -> Changes | None:
        await call.send({"type": "http.response.start", "status": 200, "headers": [*STREAM, *call.cors]})
        await send(call, ": the feed of changes\nretry: 1000\n\n")
        following = follow(call, collection, since, access, where, limit)
        try:
            return await while_connected(call, following)
        except (Unauthorized, Forbidden, NotFound):  # no longer for this caller, or no longer there
            await call.send({"type": "http.response.body", "body": b""})
            return None

    await textdb_of(call.core).use(name, run)


async def follow(call: Call, collection: Collection, since: int, access: Access, where: Expression, limit: int) -> None:
    """Send what changes, for as long as the client listens."""
    position = since
    async with textdb_of(call.core).watching(collection) as woken:
        while True:
            woken.clear()
            found = await actions.read_changes(call.core, collection.name, position, access, limit=limit, where=where)
            text = "event: reset\ndata: {}\n\n" if found.is_reset else ""
            text += "".join(f"id: {entry.seq}\nevent: change\ndata: {to_json(entry)}\n\n" for entry in found.entries)
            if text:
                await send(call, text)
            position = found.last_seq
            if not found.has_more:
                try:
                    async with asyncio.timeout(HEARTBEAT_S):  # wait_for may swallow the end of this task (3.11)
                        await woken.wait()
                except TimeoutError:
                    await send(call, ": still here\n\n")


async def send(call: Call, text: str) -> None:
    """A piece of the stream."""
    await call.send({"type": "http.response.body", "body": text.encode(), "more_body": True})
