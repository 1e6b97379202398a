"""Notes as people read them: clean HTML with their attachments, and attachments that harm nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from markupsafe import Markup

from fazt.apps.joplin.model.items import LINK, Item
from fazt.core import Core
from fazt.core.app import Scope, Send
from fazt.core.http.conditional import evaluate, find_ranges, quote_etag
from fazt.core.http.messages import respond, respond_stream

Address = Callable[[str], str]
"""Where the note or attachment with an id is shown; "" where it is not."""

SHOWN = re.compile(r"image/(?:png|jpeg|gif|webp|avif|bmp|x-icon|svg\+xml)|audio/[\w.+-]+|video/[\w.+-]+")
IMAGE = re.compile(r'<img\b[^>]*?\bsrc="([^"]*)"[^>]*>')
BOX = re.compile(r"<input\b[^>]*>")
MEDIA = re.compile(r"(audio|video)/")
HARMLESS = b"default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


def render_note(note: Item, address: Address, types: Mapping[str, str]) -> Markup:
    """The body as HTML. `types` are the media types of attachments by their address."""
    from fazt.ui.prose import clean_html, render_markdown  # noqa: PLC0415 - pygments and nh3 are large, and only this needs them

    def put_address(found: re.Match[str]) -> str:
        where = address(found[1].lower()) or "#"
        return found[0][: found.start(1) - found.start(0) - 2] + where

    body = LINK.sub(put_address, note.body)
    html = clean_html(body) if note.fields.get("markup_language") == "2" else render_markdown(body)
    html = Markup(IMAGE.sub(lambda found: show_media(found, types), html))  # noqa: S704 - cleaned, then only src moved
    return Markup(BOX.sub(name_box, html))  # noqa: S704 - as above


def name_box(found: re.Match[str]) -> str:
    """A box of a list of tasks, with a name that is read out."""
    return found[0].replace("<input", f'<input aria-label="{"done" if " checked" in found[0] else "to do"}"', 1)


def show_media(found: re.Match[str], types: Mapping[str, str]) -> str:
    """A film or a recording as a player, a picture as it is, all else as a link.

    Pictures from elsewhere are links, too: loading them would tell their server who reads this, and when.
    """
    source = found[1]
    if source.startswith(("http://", "https://", "//")):
        return f'<a href="{source}" rel="noopener noreferrer nofollow">A picture from elsewhere</a>'
    type_ = types.get(source.replace("&amp;", "&"))
    if type_ is None:
        return found[0] if source.startswith("data:") else ""
    if kind := MEDIA.match(type_):
        return f'<{kind[1]} controls preload="metadata" src="{source}"></{kind[1]}>'
    if type_ and not type_.startswith("image/"):
        return f'<a href="{source}">Attachment</a>'
    alt = "" if " alt=" in found[0] else ' alt=""'
    return found[0].replace("<img", f'<img loading="lazy"{alt}', 1)


def mime_of(facts: str) -> str:
    """The media type in the facts of an attachment."""
    found: dict[str, Any] = msgspec.json.decode(facts)
    return str(found.get("mime", "")).lower()


def file_name_of(title: str, facts: str) -> str:
    """What an attachment is called when it is saved."""
    found: dict[str, Any] = msgspec.json.decode(facts)
    name = str(found.get("filename") or title or "attachment")
    extension = str(found.get("file_extension", ""))
    if extension and "." not in name:
        name = f"{name}.{extension}"
    return "".join(c for c in name if c.isprintable() and c not in '/\\"')[:200] or "attachment"


async def send_attachment(core: Core, scope: Scope, send: Send, facts: Any, data: Any, inline_data: bytes) -> None:
    """The bytes of an attachment. What a browser would run or nobody knows is only saved, never shown."""
    mime = mime_of(facts.facts)
    is_shown = SHOWN.fullmatch(mime) is not None
    name = file_name_of(facts.title, facts.facts)
    etag = quote_etag(f"{data.id}-{data.updated_at}")
    headers = [
        (b"content-type", mime.encode() if is_shown else b"application/octet-stream"),
        (b"content-disposition", disposition(name, is_shown=is_shown)),
        (b"content-security-policy", HARMLESS),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"private, max-age=0, must-revalidate"),
        (b"accept-ranges", b"bytes"),
        (b"etag", etag.encode()),
    ]
    if evaluate(scope["method"], scope["headers"], etag) == 304:
        await respond(send, 304, headers)
        return
    await send_bytes(core, scope, send, headers, data, inline_data, etag)


async def send_bytes(
    core: Core, scope: Scope, send: Send, headers: list[tuple[bytes, bytes]], data: Any, inline_data: bytes, etag: str
) -> None:
    """All of it, or the range that a player asks for."""
    ranges = find_ranges(scope["method"], scope["headers"], etag, data.size)
    start, end, status = 0, data.size, 200
    if ranges is not None and len(ranges) == 1:
        start, end, status = ranges[0].start, ranges[0].end, 206
        headers.append((b"content-range", ranges[0].content_range(data.size).encode()))
    elif ranges == []:
        await respond(send, 416, [*headers, (b"content-range", b"bytes */%d" % data.size)])
        return
    headers.append((b"content-length", b"%d" % (end - start)))
    if data.hash is None or scope["method"] == "HEAD":
        await respond(send, status, headers, b"" if scope["method"] == "HEAD" else inline_data[start:end])
    else:
        await respond_stream(send, status, headers, core.blobs.open(data.hash, start, end))


def disposition(name: str, *, is_shown: bool) -> bytes:
    """Content-Disposition (RFC 6266)."""
    how = "inline" if is_shown else "attachment"
    plain = "".join(c if c.isascii() else "_" for c in name)
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}".encode()
