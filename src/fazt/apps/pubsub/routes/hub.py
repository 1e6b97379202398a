"""/hub: which request goes where. Plain ASGI, since every message passes here."""

from __future__ import annotations

import msgspec

from fazt.apps.pubsub import actions
from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.model.filter import Wanted, parse_filter
from fazt.apps.pubsub.model.message import Message
from fazt.apps.pubsub.model.since import NOW, Since, parse_last, parse_since
from fazt.apps.pubsub.model.topic import check_topic
from fazt.apps.pubsub.routes import listening
from fazt.apps.pubsub.routes.call import Call, needs_login, preflight_headers
from fazt.apps.pubsub.routes.presence import describe_listeners
from fazt.apps.pubsub.routes.talking import Talk
from fazt.apps.pubsub.store.topics import find_topic
from fazt.apps.pubsub.wire import formats
from fazt.apps.pubsub.wire.asking import (
    is_yes,
    item_to_publication,
    parse_items,
    parse_patterns,
    split_door,
    to_body,
    to_publication,
)
from fazt.core import Core
from fazt.core.app import Mount, Receive, Scope, Send
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Invalid, NotFound
from fazt.core.http.conditional import format_date
from fazt.core.http.errors import Problem, encode_problem
from fazt.core.http.messages import ClientGone, Header
from fazt.core.http.root import wants_page

MAX_MANY_BYTES = 4_000_000
JSON: Header = (b"content-type", b"application/json")
FRESH: Header = (b"cache-control", b"no-store")
FIRST_SSE = formats.chunk(b"retry: 1000\n\n")
POLLS = {
    "ws": formats.to_json,
    "sse": lambda one: formats.to_sse(one, formats.to_json(one)),
    "json": lambda one: formats.to_json(one) + b"\n",
    "raw": formats.to_line,
}


async def answer(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """One request to /hub. What it raises is answered here, so that other origins can read why."""
    call = Call(core, scope, receive, send, "/hub")
    try:
        await route(call)
    except ClientGone:
        raise
    except FaztError as error:
        if wants_page(scope) or getattr(send, "started", False):
            raise  # the root has a page for it, or cuts the connection in mid-answer
        await call.answer_problem(error)


async def route(call: Call) -> None:
    """By method, then by the last word of the path."""
    path, door = split_door(call.path) if call.method in {"GET", "HEAD"} else (call.path.rstrip("/"), "")
    match call.method:
        case "POST" | "PUT":
            await (publish(call, path) if path else publish_many(call))
        case "GET" | "HEAD" if door == "presence":
            await presence(call, path)
        case "GET" if door:
            await listen(call, path, door)
        case "GET" | "HEAD":
            await last_value(call, path)
        case "OPTIONS":
            await call.answer(204, [(b"allow", b"GET, HEAD, POST, PUT, OPTIONS"), *preflight_headers(call)])
        case _:
            problem = Problem(405, "Method not allowed", f"{call.method} does nothing at this address.")
            headers = [(b"allow", b"GET, HEAD, POST, PUT, OPTIONS"), (b"content-type", b"application/problem+json")]
            await call.answer(405, headers, encode_problem(problem))


async def publish(call: Call, topic: str) -> None:
    """The body is the message."""
    caller = await call.caller()
    hub_of(call.core).rules.check(caller, check_topic(topic), "write")
    most = actions.max_message_bytes(call.core)
    asked = dict(call.query)
    asked.setdefault("key", call.header("idempotency-key"))
    for name in ("title", "priority", "tags", "click", "icon"):
        asked.setdefault(name, call.header(f"x-{name}"))
    body = to_body(await call.body(most), call.header("content-type"), most)
    user_id = caller.user_id if caller is not None else ""
    publication = to_publication(topic, body, asked, user_id=user_id, now=call.core.clock())
    receipt = await actions.publish_one(call.core, caller, publication, visitor=call.visitor)
    await call.answer(200, [JSON, FRESH], msgspec.json.encode(actions.to_facts(receipt)))


async def publish_many(call: Call) -> None:
    """The body says which topics; one message or a list of them."""
    caller = await call.caller()
    most, now = actions.max_message_bytes(call.core), call.core.clock()
    items, is_list = parse_items(await call.body(MAX_MANY_BYTES))
    user_id = caller.user_id if caller is not None else ""
    publications = [item_to_publication(one, user_id=user_id, max_bytes=most, now=now) for one in items]
    if not is_list:
        receipt = await actions.publish_one(call.core, caller, publications[0], visitor=call.visitor)
        await call.answer(200, [JSON, FRESH], msgspec.json.encode(actions.to_facts(receipt)))
        return
    answers = await actions.publish(call.core, caller, publications, visitor=call.visitor)
    await call.answer(200, [JSON, FRESH], msgspec.json.encode([actions.to_facts(one) for one in answers]))


async def listen(call: Call, path: str, door: str) -> None:
    """A stream of what is published; with `poll`, what there is already."""
    if call.is_socket != (door == "ws"):
        raise Invalid("This door is for WebSockets." if door == "ws" else "WebSockets have the door /ws.")
    caller = await call.caller()
    named = path or call.query.get("topics", "")
    patterns = parse_patterns(named) if named or door != "ws" else []
    if not patterns:
        needs_login(call, caller)
    listening.check_patterns(hub_of(call.core), call, caller, patterns)
    wanted, is_poll = parse_filter(call.query), is_yes(call.query.get("poll"))
    since = parse_start(call, is_poll=is_poll)
    if is_poll:
        found = listening.read_all(call, caller, patterns, since, wanted)
        await listening.answer_poll(call, door, found, POLLS[door])
        return
    await stay(call, caller, door, patterns, since, wanted)


async def stay(
    call: Call, caller: Caller | None, door: str, patterns: list[str], since: Since, wanted: Wanted | None
) -> None:
    """Become a listener."""
    is_body = call.query.get("format") == "body" and door in {"ws", "sse"}
    form = formats.FORMATS[f"{door}-body" if is_body else door]
    reader = listening.make_reader(call, caller, form, door, wanted)
    if door != "ws":
        await listening.open_stream(call, reader, door, FIRST_SSE if door == "sse" else b"")
        reader.notice("ready", {"topics": patterns[:20]})
        reader.join(patterns, since)
        return
    talk = Talk(call, caller, reader)
    listening.open_socket(call, reader, None if is_body else talk.hear)
    reader.notice("ready", {"topics": patterns[:20]})
    if patterns:
        told = {"topics": patterns[:20]}
        reader.join(patterns, since, lambda seq: talk.say("subscribed", {**told, "seq": seq}, None))


def parse_start(call: Call, *, is_poll: bool) -> Since:
    """Where to begin: what a browser says by itself first, since it knows where it was cut off. Raises Invalid."""
    last = call.header("last-event-id") or call.query.get("last_event_id", "")
    if last:
        return parse_since(last, call.core.clock())
    if "last" in call.query:
        return parse_last(call.query["last"])
    if "since" in call.query:
        return parse_since(call.query["since"], call.core.clock())
    return Since("all") if is_poll else NOW


async def last_value(call: Call, path: str) -> None:
    """The body of a topic's newest message; a person's browser gets the page of the topic."""
    if not path:
        raise NotFound("There is nothing at this address.", hint="/hub/{topic}, or /hub/{topic}/sse to listen.")
    topic = check_topic(path.rstrip("/"))
    caller = await call.caller()
    if topic not in call.granted:
        hub_of(call.core).rules.check(caller, topic, "read")
    if wants_page(call.scope):
        await call.answer(303, [(b"location", f"/topics/t/{topic}".encode()), FRESH])
        return
    found = await call.core.db.read(find_topic, topic, now=call.core.clock())
    if found is None or found.last is None:
        raise NotFound(f"Nothing is kept of {topic}.")
    await call.answer(200, value_headers(found.last), b"" if call.method == "HEAD" else found.last.data)


def value_headers(message: Message) -> list[Header]:
    """What goes with a last value. It comes from anybody, so no browser may take it for a page."""
    is_text = message.content_type.startswith("text/")
    shown = "text/plain; charset=utf-8" if is_text else message.content_type
    return [
        (b"content-type", shown.encode("latin-1", "replace")),
        (b"content-length", b"%d" % len(message.data)),
        (b"content-security-policy", b"sandbox; default-src 'none'"),
        (b"etag", b'"%b"' % message.id.encode()),
        (b"last-modified", format_date(message.at).encode()),
        (b"x-id", message.id.encode()),
        (b"x-seq", b"%d" % message.seq),
        FRESH,
    ]


async def presence(call: Call, path: str) -> None:
    """Who listens."""
    topic = check_topic(path)
    hub_of(call.core).rules.check(await call.caller(), topic, "read")
    await call.answer(200, [JSON, FRESH], msgspec.json.encode(describe_listeners(call.core, topic)))


MOUNT = Mount(
    "/hub",
    answer,
    "own",
    "Topics: publish, and listen; rules, a login, or a token with pubsub scopes.",
    has_websockets=True,
)
