"""What a message looks like at each door. A frame holds no listener's name, so that one serves all."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import msgspec

from fazt.apps.pubsub.model.message import JSON, Message
from fazt.core import frames
from fazt.core.clock import to_iso

Encoder = Callable[[Message], bytes]
encode = msgspec.json.Encoder().encode


def chunk(body: bytes) -> bytes:
    """A piece of an answer whose length is not known (RFC 9112, 7.1)."""
    return b"%x\r\n%b\r\n" % (len(body), body)


def to_dict(message: Message) -> dict[str, Any]:
    """The hub's form of a message. A JSON body is itself, text is a string, anything else is base64."""
    said: dict[str, Any] = {"event": message.kind}
    if message.seq:
        said |= {"seq": message.seq, "n": message.n}
    said |= {"id": message.id, "topic": message.topic, "at": to_iso(message.at)}
    if message.content_type == JSON:
        said["data"] = msgspec.Raw(message.data)
        return said | message.extra
    try:
        said["data"] = message.data.decode()
    except UnicodeDecodeError:
        said |= {"data": base64.b64encode(message.data).decode(), "encoding": "base64"}
    if not message.content_type.startswith("text/plain"):
        said["type"] = message.content_type
    return said | message.extra


def to_json(message: Message) -> bytes:
    """The hub's form as one line of JSON."""
    return message.frame("text", lambda it: encode(to_dict(it)))


def to_line(message: Message) -> bytes:
    """The body as one line of text."""
    return b" ".join(message.data.splitlines()) + b"\n"


def to_sse(message: Message, body: bytes) -> bytes:
    """A server-sent event; its id is what a browser goes on from."""
    head = b"id: %d\n" % message.seq if message.seq else b""
    name = b"" if message.kind == "message" else b"event: %b\n" % message.kind.encode()
    return head + name + b"".join(b"data: %b\n" % line for line in body.splitlines() or [b""]) + b"\n"


def ws_json(message: Message) -> bytes:
    """A WebSocket frame of JSON."""
    return frames.build(frames.TEXT, to_json(message))


def ws_body(message: Message) -> bytes:
    """A WebSocket frame of nothing but the body."""
    try:
        message.data.decode()
    except UnicodeDecodeError:
        return frames.build(frames.BINARY, message.data)
    return frames.build(frames.TEXT, message.data)


def sse_json(message: Message) -> bytes:
    """A server-sent event of JSON."""
    return chunk(to_sse(message, to_json(message)))


def sse_body(message: Message) -> bytes:
    """A server-sent event of nothing but the body."""
    return chunk(to_sse(message, message.text().encode()))


def json_line(message: Message) -> bytes:
    """A line of NDJSON."""
    return chunk(to_json(message) + b"\n")


def raw_line(message: Message) -> bytes:
    """A line of text."""
    return chunk(to_line(message))


def sse_event(name: str, value: dict[str, Any]) -> bytes:
    """An event that is no message: `open`, `slow`, `gap`."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), encode(value))


class Format:
    """A door's way of saying things. `message` makes frames that are shared, so its `name` is where they are kept.

    `notice(event, facts)` says what is no message, b"" where the door has no words for it; `keepalive(label)` is sent
    when nothing else is, and `is_answered` where a client that is there answers it.
    """

    __slots__ = ("is_answered", "keepalive", "make", "name", "notice")

    def __init__(
        self,
        name: str,
        make: Encoder,
        notice: Callable[[str, dict[str, Any]], bytes],
        keepalive: Callable[[str], bytes],
        *,
        is_answered: bool = False,
    ) -> None:
        self.name = name
        self.make = make
        self.notice = notice
        self.keepalive = keepalive
        self.is_answered = is_answered

    def message(self, message: Message) -> bytes:
        """The frame of a message."""
        found = message.frames.get(self.name)
        if found is None:
            found = message.frames[self.name] = self.make(message)
        return found


def ws_notice(event: str, facts: dict[str, Any]) -> bytes:
    """A notice as a WebSocket frame."""
    return frames.build(frames.TEXT, encode({"event": event, **facts}))


def sse_notice(event: str, facts: dict[str, Any]) -> bytes:
    """A notice as a server-sent event."""
    return chunk(sse_event(event, facts))


def line_notice(event: str, facts: dict[str, Any]) -> bytes:
    """A notice as a line of NDJSON."""
    return chunk(encode({"event": event, **facts}) + b"\n")


def no_notice(_event: str, _facts: dict[str, Any]) -> bytes:
    """Nothing, where only bodies are sent."""
    return b""


def ping(_label: str) -> bytes:
    """A WebSocket's own sign of life."""
    return frames.build(frames.PING, b"")


def comment(_label: str) -> bytes:
    """A server-sent event that is none."""
    return chunk(b": still here\n\n")


def alive_line(_label: str) -> bytes:
    """A line that says that there is nothing."""
    return chunk(encode({"event": "keepalive"}) + b"\n")


def empty_line(_label: str) -> bytes:
    """A line without anything."""
    return chunk(b"\n")


FORMATS = {
    "ws": Format("ws", ws_json, ws_notice, ping, is_answered=True),
    "ws-body": Format("ws-body", ws_body, no_notice, ping, is_answered=True),
    "sse": Format("sse", sse_json, sse_notice, comment),
    "sse-body": Format("sse-body", sse_body, sse_notice, comment),
    "json": Format("json", json_line, line_notice, alive_line),
    "raw": Format("raw", raw_line, no_notice, empty_line),
}
