"""The doors of listeners: a stream is taken over from the server, and belongs to the hub from then on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from fazt.apps.pubsub.engine import Hub, hub_of
from fazt.apps.pubsub.engine.lines import Line, OnText, Socket
from fazt.apps.pubsub.engine.reader import POLICIES, Policy, Reader
from fazt.apps.pubsub.model.access import refused
from fazt.apps.pubsub.model.filter import Filter
from fazt.apps.pubsub.model.index import Patterns
from fazt.apps.pubsub.model.message import Message
from fazt.apps.pubsub.model.since import Since
from fazt.apps.pubsub.model.topic import is_pattern
from fazt.apps.pubsub.routes.call import Call
from fazt.apps.pubsub.store import pages
from fazt.apps.pubsub.wire.formats import Format
from fazt.core.auth import Caller
from fazt.core.errors import Invalid
from fazt.core.http.messages import Header, respond_stream
from fazt.core.http.takeover import take_over

MAX_COMMAND_BYTES = 1_048_576
STREAM: list[Header] = [(b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
TYPES = {
    "sse": b"text/event-stream",
    "json": b"application/x-ndjson; charset=utf-8",
    "raw": b"text/plain; charset=utf-8",
}


def check_patterns(hub: Hub, call: Call, caller: Caller | None, patterns: list[str]) -> None:
    """Raises unless every single topic that is named may be heard. Wildcards bring what may be heard."""
    for pattern in patterns:
        if not is_pattern(pattern) and pattern not in call.granted:
            hub.rules.check(caller, pattern, "read")
    if caller is None and not call.granted and all(map(is_pattern, patterns)) and not public_patterns(hub):
        raise refused(caller, patterns[0], "read")


def public_patterns(hub: Hub) -> bool:
    """Whether there is anything that strangers may hear."""
    return any(rule.who == "everyone" and rule.may in {"read", "rw"} for rule in hub.rules.all)


def parse_policy(text: str) -> Policy:
    """What is to happen when the listener is slow. Raises Invalid."""
    if text not in POLICIES:
        raise Invalid(f"slow is one of {', '.join(POLICIES)}.")
    return cast("Policy", text)


def make_reader(
    call: Call, caller: Caller | None, form: Format, door: str, wanted: Filter | None, label: str = ""
) -> Reader:
    """A listener that is counted and not yet connected. Raises Unavailable where there are too many."""
    hub = hub_of(call.core)
    reader = Reader(
        hub,
        caller,
        form,
        door=door,
        policy=parse_policy(call.query.get("slow", "replay")),
        filter=wanted,
        granted=call.granted,
        visitor=call.visitor if caller is None else "",
        label=label,
        check=call.checker(caller),
    )
    hub.admit(reader)
    return reader


async def open_stream(call: Call, reader: Reader, door: str, first: bytes) -> None:
    """Answer with an endless body, whose connection becomes the reader's."""
    hub = hub_of(call.core)
    try:
        headers = [(b"content-type", TYPES[door]), *STREAM, *call.cors]
        await call.send({"type": "http.response.start", "status": 200, "headers": headers})
        reader.line = Line(reader)
        take_over(call.scope, reader.line)
    except BaseException:
        hub.forget(reader)
        raise
    if first:
        reader.write(first)


def open_socket(call: Call, reader: Reader, on_text: OnText | None) -> None:
    """Accept the WebSocket, whose connection becomes the reader's."""
    hub = hub_of(call.core)
    try:
        reader.line = Socket(reader, MAX_COMMAND_BYTES, on_text)
        take_over(call.scope, reader.line)
    except BaseException:
        hub.forget(reader)
        raise


async def read_all(
    call: Call, caller: Caller | None, patterns: list[str], since: Since, wanted: Filter | None
) -> AsyncIterator[list[Message]]:
    """What there is in the log, page by page, for who does not stay."""
    hub = hub_of(call.core)
    asked, granted, rules = Patterns(patterns), call.granted, hub.rules

    def may(topic: str) -> bool:
        return topic in asked and (topic in granted or rules.may(caller, topic, "read"))

    await hub.newest()
    start = await hub.db.read(pages.find_start, patterns, may, since, now=hub.clock())
    yield [one for one in start.first if wanted is None or wanted(one)]
    await hub.reach(start.position)
    position, upto = start.position, hub.last
    while position < upto:
        page = await hub.db.read(pages.read_page, patterns, may, after=position, upto=upto, now=hub.clock())
        position = page.position
        yield [one for one in page.messages if wanted is None or wanted(one)]


async def answer_poll(
    call: Call, door: str, found: AsyncIterator[list[Message]], make: Callable[[Message], bytes]
) -> None:
    """What there is, and the end. A WebSocket is opened, told, and closed."""
    if call.is_socket:
        await call.send({"type": "websocket.accept"})
        async for messages in found:
            for one in messages:
                await call.send({"type": "websocket.send", "text": make(one).decode()})
        await call.send({"type": "websocket.close", "code": 1000})
        return

    async def pieces() -> AsyncIterator[bytes]:
        async for messages in found:
            if messages:
                yield b"".join(map(make, messages))

    headers: list[Any] = [(b"content-type", TYPES[door]), *STREAM, *call.cors]
    await respond_stream(call.send, 200, headers, pieces())
