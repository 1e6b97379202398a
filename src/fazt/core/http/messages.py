"""Reading requests and writing answers in plain ASGI, for protocol endpoints."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from fazt.core.app import Receive, Scope, Send
from fazt.core.errors import FaztError, Invalid, TooLarge
from fazt.core.http.hosts import find_header

Header = tuple[bytes, bytes]


class Answer(NamedTuple):
    """A whole answer, decided and not yet sent: `await respond(send, *answer)`, or `reply.answer(answer)`."""

    status: int
    headers: Sequence[Header]
    body: bytes = b""


class ClientGone(FaztError):
    """The client went away in mid-request; nothing of it may be kept."""

    kind = "invalid"


def content_length(scope: Scope) -> int | None:
    """The announced size of the body in bytes, or None. Raises Invalid for nonsense."""
    value = find_header(scope["headers"], b"content-length")
    if value is None:
        return None
    if not value.isdigit() or len(value) > 18:
        raise Invalid("Content-Length is not a number.")
    return int(value)


async def stream_body(scope: Scope, receive: Receive, max_bytes: int) -> AsyncIterator[bytes]:
    """The body, piece by piece. Raises TooLarge (before reading, where the size is announced) and ClientGone."""
    announced = content_length(scope)
    if announced is not None and announced > max_bytes:
        raise TooLarge(f"The body has {announced} bytes; {max_bytes} are allowed.", max_bytes=max_bytes)
    seen = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone("The connection was cut before the whole body had come.")
        body: bytes = message.get("body", b"")
        seen += len(body)
        if seen > max_bytes:
            raise TooLarge(f"The body has more than {max_bytes} bytes.", max_bytes=max_bytes)
        if body:
            yield body
        if not message.get("more_body", False):
            break
    if announced is not None and seen != announced:
        raise ClientGone("The connection was cut before the whole body had come.")


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """The whole body; see stream_body."""
    return b"".join([piece async for piece in stream_body(scope, receive, max_bytes)])


def measure(status: int, headers: Sequence[Header], body: bytes) -> Sequence[Header]:
    """The headers with the body's length. A 204 or 304 has neither body nor length (RFC 9110, 8.6)."""
    if status in {204, 304}:
        return headers
    for name, _ in headers:
        if name == b"content-length":
            return headers
    return [*headers, (b"content-length", b"%d" % len(body))]


async def respond(send: Send, status: int, headers: Sequence[Header] | None = None, body: bytes = b"") -> None:
    """A whole answer with its length."""
    await send({"type": "http.response.start", "status": status, "headers": measure(status, headers or [], body)})
    await send({"type": "http.response.body", "body": body})


async def respond_json(send: Send, status: int, value: Any, headers: list[Header] | None = None) -> None:
    """An answer in JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    await respond(send, status, [(b"content-type", b"application/json"), *(headers or ())], body)


async def respond_text(send: Send, status: int, text: str, headers: list[Header] | None = None) -> None:
    """An answer in plain text."""
    await respond(send, status, [(b"content-type", b"text/plain; charset=utf-8"), *(headers or ())], text.encode())


async def respond_stream(send: Send, status: int, headers: list[Header], pieces: AsyncIterator[bytes]) -> None:
    """A streamed answer; put Content-Length into `headers` where it is known."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    async for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
