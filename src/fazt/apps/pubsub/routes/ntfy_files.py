"""Attachments on their way out: bytes of strangers, which no browser may take for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from fazt.apps.pubsub.store.files import get_file
from fazt.core.http.conditional import evaluate, find_ranges
from fazt.core.http.messages import Header, respond, respond_stream

if TYPE_CHECKING:
    from fazt.apps.pubsub.routes.ntfy import NtfyCall

SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"})
"""What a browser may show by itself; everything else is saved."""


async def send_file(call: NtfyCall, name: str) -> None:
    """The bytes, or the asked part of them. Who has the address may have them, as with ntfy. Raises NotFound."""
    found = await call.core.db.read(get_file, name.partition(".")[0], now=call.core.clock())
    etag = f'"{found.hash}"'
    place = b"inline" if found.type in SHOWN else b"attachment"
    headers: list[Header] = [
        (b"content-type", found.type.encode() + (b"; charset=utf-8" if found.type == "text/plain" else b"")),
        (b"content-disposition", place + b"; filename*=UTF-8''" + quote(found.name, safe="").encode()),
        (b"content-security-policy", b"sandbox; default-src 'none'"),
        (b"x-content-type-options", b"nosniff"),
        (b"accept-ranges", b"bytes"),
        (b"etag", etag.encode()),
        (b"cache-control", b"private, max-age=3600"),
        *call.cors,
    ]
    status = evaluate(call.method, call.scope["headers"], etag)
    if status != 200:
        await respond(call.send, status, headers)
        return
    ranges = find_ranges(call.method, call.scope["headers"], etag, found.size)
    if ranges == []:
        await respond(call.send, 416, [*headers, (b"content-range", f"bytes */{found.size}".encode())])
        return
    start, end = (ranges[0].start, ranges[0].end) if ranges else (0, found.size)
    if ranges:
        headers.append((b"content-range", ranges[0].content_range(found.size).encode()))
    headers.append((b"content-length", b"%d" % (end - start)))
    if call.method == "HEAD":
        await respond(call.send, 200, headers)
        return
    await respond_stream(call.send, 206 if ranges else 200, headers, call.core.blobs.open(found.hash, start, end))
