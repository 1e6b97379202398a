"""Listening as ntfy's clients do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.engine.reader import Reader
from fazt.apps.pubsub.model.filter import Wanted, parse_filter
from fazt.apps.pubsub.model.message import Message
from fazt.apps.pubsub.model.since import NOW, Since, parse_since
from fazt.apps.pubsub.routes import listening
from fazt.apps.pubsub.store.delayed import list_delayed
from fazt.apps.pubsub.wire.asking import is_yes
from fazt.apps.pubsub.wire.ntfy import events
from fazt.apps.pubsub.wire.ntfy import parameters as names
from fazt.apps.pubsub.wire.ntfy.errors import NtfyError
from fazt.core.auth import Caller
from fazt.core.errors import Invalid, Unavailable
from fazt.core.http.messages import respond

if TYPE_CHECKING:
    from fazt.apps.pubsub.routes.ntfy import NtfyCall

MAX_TOPICS = 1_000


async def listen(call: NtfyCall, topics: str, door: str) -> None:
    """A stream, or with `poll` what there is. Raises FaztError."""
    if call.is_socket != (door == "ws"):
        raise NtfyError(40016, "invalid request: client not using the websocket protocol")
    caller = await call.caller()
    listed = list(dict.fromkeys(topics.split(",")))
    if len(listed) > MAX_TOPICS:
        raise NtfyError(40009, f"invalid request: topic invalid, at most {MAX_TOPICS} at once")
    for topic in listed:
        names.check_topic_name(topic)
        if not hub_of(call.core).rules.may(caller, topic, "read"):
            raise NtfyError(40301, "forbidden")
    is_poll, is_scheduled = is_yes(call.read(names.POLL)), is_yes(call.read(names.SCHEDULED))
    since, wanted = parse_start(call, is_poll=is_poll), read_filter(call)
    late = await call.core.db.read(list_delayed, listed) if is_scheduled else []
    late = [one for one in late if wanted is None or wanted(one)]
    if call.method == "HEAD":
        await respond(call.send, 200, [(b"content-type", listening.TYPES[door])])
    elif is_poll:
        found = with_late(listening.read_all(call, caller, listed, since, wanted), late)
        await listening.answer_poll(call, door, found, events.POLLS[door])
    else:
        await stay(call, caller, door, listed, since, wanted, late)


async def stay(
    call: NtfyCall,
    caller: Caller | None,
    door: str,
    topics: list[str],
    since: Since,
    wanted: Wanted | None,
    late: list[Message],
) -> None:
    """Become a listener."""
    label = ",".join(topics)
    form = events.FORMATS[door]
    try:
        reader: Reader = listening.make_reader(call, caller, form, f"ntfy {door}", wanted, label)
    except Unavailable as error:
        raise NtfyError(42903, f"limit reached: too many active subscriptions, {error.message}") from error
    if door == "ws":
        listening.open_socket(call, reader, None)
    else:
        await listening.open_stream(call, reader, door, b"")
    reader.notice("open", {"topic": label})
    if late:
        reader.write(b"".join(map(form.message, late)))
    reader.join(topics, since)


async def with_late(found: AsyncIterator[list[Message]], late: list[Message]) -> AsyncIterator[list[Message]]:
    """What there is, then what is still to come."""
    async for messages in found:
        yield messages
    yield late


def parse_start(call: NtfyCall, *, is_poll: bool) -> Since:
    """Where to begin. Raises NtfyError."""
    text = call.read(names.SINCE) or call.header("last-event-id")
    if not text:
        return Since("all") if is_poll else NOW
    try:
        return parse_since(text, call.core.clock())
    except Invalid as error:
        raise NtfyError(40008, "invalid since parameter") from error


def read_filter(call: NtfyCall) -> Wanted | None:
    """Ntfy's filters. Raises NtfyError."""
    asked = {
        "id": call.read(names.FILTER_ID),
        "message": call.read(names.MESSAGE),
        "title": call.read(names.TITLE),
        "tags": call.read(names.TAGS),
        "priority": call.read(names.PRIORITY),
    }
    if asked["priority"].startswith("u="):  # a browser's own header (RFC 9218)
        asked["priority"] = ""
    try:
        return parse_filter(asked)
    except Invalid as error:
        raise NtfyError(40007, "invalid priority parameter") from error
