"""A message as ntfy's clients read it, at each of its four doors."""

from __future__ import annotations

import base64
import time
from typing import Any

import msgspec

from fazt.apps.pubsub.model.message import Message, new_message_id
from fazt.apps.pubsub.model.options import FOREVER
from fazt.apps.pubsub.wire.formats import Format, chunk, to_line
from fazt.core import frames

encode = msgspec.json.Encoder().encode


def to_event(message: Message) -> dict[str, Any]:
    """Ntfy's form of a message. Bytes that are no text are base64, and say so."""
    said: dict[str, Any] = {"id": message.id, "time": message.at // 1_000}
    if message.expires_at is not None and message.expires_at < FOREVER:
        said["expires"] = message.expires_at // 1_000
    said |= {"event": message.kind, "topic": message.topic}
    if message.kind == "message":
        try:
            said["message"] = message.data.decode()
        except UnicodeDecodeError:
            said |= {"message": base64.b64encode(message.data).decode(), "encoding": "base64"}
    if message.content_type == "text/markdown":
        said["content_type"] = message.content_type
    return said | message.extra


def to_json(message: Message) -> bytes:
    """One line of JSON."""
    return message.frame("ntfy", lambda it: encode(to_event(it)))


def to_sse(message: Message) -> bytes:
    """A server-sent event; its id lets a browser go on from it."""
    name = b"" if message.kind == "message" else b"event: %b\n" % message.kind.encode()
    return b"id: %b\n%bdata: %b\n\n" % (message.id.encode(), name, to_json(message))


def notice(event: str, label: str) -> bytes:
    """`open` or `keepalive` in JSON."""
    return encode({"id": new_message_id(), "time": int(time.time()), "event": event, "topic": label})


def sse_notice(event: str, label: str) -> bytes:
    """`open` or `keepalive` as a server-sent event."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), notice(event, label))


def only_open(make: Any) -> Any:
    """Of what is no message, ntfy's clients know that the stream is open."""

    def say(event: str, facts: dict[str, Any]) -> bytes:
        said: bytes = make("open", facts["topic"]) if event == "open" else b""
        return said

    return say


def ws(event: str, label: str) -> bytes:
    """A WebSocket frame."""
    return frames.build(frames.TEXT, notice(event, label))


def sse(event: str, label: str) -> bytes:
    """A piece of a stream of events."""
    return chunk(sse_notice(event, label))


def line(event: str, label: str) -> bytes:
    """A piece of a stream of lines."""
    return chunk(notice(event, label) + b"\n")


def empty(_event: str, _label: str) -> bytes:
    """An empty line, which is all that `raw` has to say."""
    return chunk(b"\n")


FORMATS = {
    "ws": Format(
        "ntfy-ws",
        lambda it: frames.build(frames.TEXT, to_json(it)),
        only_open(ws),
        lambda label: ws("keepalive", label) + frames.build(frames.PING, b""),
        is_answered=True,
    ),
    "sse": Format("ntfy-sse", lambda it: chunk(to_sse(it)), only_open(sse), lambda label: sse("keepalive", label)),
    "json": Format(
        "ntfy-json", lambda it: chunk(to_json(it) + b"\n"), only_open(line), lambda label: line("keepalive", label)
    ),
    "raw": Format("ntfy-raw", lambda it: chunk(to_line(it)), only_open(empty), lambda label: empty("", label)),
}
POLLS = {"ws": to_json, "sse": to_sse, "json": lambda it: to_json(it) + b"\n", "raw": to_line}
