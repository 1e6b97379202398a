"""Reading from the mailbox: facts, parts and pages of a message that is kept."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING
from urllib.parse import quote as percent

from msgspec import Struct

from fazt.apps.mail.model.message import Facts, Message, Part
from fazt.apps.mail.model.outgoing import Attachment, Draft
from fazt.apps.mail.store.messages import get_message
from fazt.apps.mail.wire import html, mime
from fazt.apps.mail.wire.markup import text_of
from fazt.apps.mail.wire.mime import Digest
from fazt.core.clock import to_datetime
from fazt.core.errors import NotFound

if TYPE_CHECKING:
    from fazt.core import Core

WHOLE = 4 * 1024 * 1024
"""Up to this size a message is read whole to be shown; of a larger one, its readable copy."""


async def load_facts(core: Core, message: Message) -> Facts:
    """What a kept message says."""
    data = await load_head(core, message)
    return await asyncio.to_thread(mime.read, data, message.received_at)


async def load_head(core: Core, message: Message) -> bytes:
    """The message, or of a large one its readable copy."""
    if message.size <= WHOLE:
        return await core.blobs.read(message.blob)
    digest = Digest(message.size + 1)
    async for piece in core.blobs.open(message.blob):
        digest.push(piece)
    return digest.head()


async def load_part(core: Core, user_id: str, message_id: str, n: int) -> tuple[Part, bytes]:
    """One part with its bytes. Raises NotFound."""
    message = await core.db.read(get_message, user_id, message_id)
    data = await core.blobs.read(message.blob)
    found = await asyncio.to_thread(mime.find_part, data, n)
    if found is None:
        raise NotFound("There is no such part.")
    return found


async def load_document(
    core: Core, user_id: str, message_id: str, *, with_images: bool, as_text: bool
) -> tuple[str, str]:
    """The page for the frame, and its Content-Security-Policy."""
    message = await core.db.read(get_message, user_id, message_id)
    data = await load_head(core, message)
    page = await asyncio.to_thread(build, data, message.received_at, with_images, as_text)
    return page, html.policy(with_images=with_images)


def build(data: bytes, at: int, with_images: bool, as_text: bool) -> str:  # noqa: FBT001 - for another thread
    """The document, with the pictures that the message brings."""
    facts = mime.read(data, at)
    pictures: dict[str, str] = {}
    room = html.MAX_INLINE
    if facts.html and not as_text:
        for part in mime.leaves(mime.parse(data)):
            described = mime.describe(part, 0, 0)
            if described.content_id and described.content_type.startswith("image/"):
                found = html.as_data(described.content_type, mime.content(part))
                if found and len(found) <= room:
                    pictures[described.content_id] = found
                    room -= len(found)
    return html.document(facts, pictures, with_images=with_images, as_text=as_text)


def reply_subject(subject: str, prefix: str) -> str:
    """`Re: …`, once."""
    return subject if subject[:3].lower() == prefix.lower()[:3] else f"{prefix} {subject}".strip()


def quote(message: Message, facts: Facts) -> str:
    """The text that an answer quotes."""
    text = facts.text if facts.text.strip() else text_of(facts.html)
    lines = [f"> {line}" if not line.startswith(">") else f">{line}" for line in text[:50_000].strip().splitlines()]
    at = to_datetime(message.sent_at).strftime("%d %b %Y at %H:%M UTC")
    return f"\n\nOn {at}, {message.who} wrote:\n" + "\n".join(lines) + "\n"


def answer_to(message: Message, facts: Facts, own: list[str], *, to_all: bool) -> Draft:
    """A draft that answers a message, from the address that it came to."""
    mine = {address.lower() for address in own}
    to = (facts.reply_to or facts.from_address,) if message.folder != "sent" else facts.to
    others = (*facts.to, *facts.cc) if to_all and message.folder != "sent" else facts.cc if to_all else ()
    cc = tuple(one for one in others if bare(one) not in mine and bare(one) != bare(to[0] if to else ""))
    sender = next((address for address in own if address.lower() == message.recipient.lower()), own[0] if own else "")
    return Draft(
        sender=sender,
        to=tuple(one for one in to if one),
        cc=cc,
        subject=reply_subject(facts.subject, "Re:"),
        text=quote(message, facts),
        in_reply_to=facts.header_id,
        references=facts.references,
    )


def bare(text: str) -> str:
    """The address of `Name <a@b>`, in lower case."""
    return (text.rpartition("<")[2].partition(">")[0] if "<" in text else text).strip().lower()


def forward_of(message: Message, facts: Facts, own: list[str]) -> Draft:
    """A draft that passes a message on as text; its attachments are added when it is sent."""
    head = "\n".join(
        (
            "\n\n---------- Forwarded message ----------",
            f"From: {facts.from_name} <{facts.from_address}>",
            f"Date: {to_datetime(message.sent_at):%d %b %Y %H:%M} UTC",
            f"Subject: {facts.subject}",
            f"To: {', '.join(facts.to)}",
            "",
        )
    )
    text = facts.text if facts.text.strip() else text_of(facts.html)
    return Draft(
        sender=own[0] if own else "", subject=reply_subject(facts.subject, "Fwd:"), text=f"{head}\n{text[:200_000]}"
    )


async def files_of(core: Core, user_id: str, message_id: str) -> tuple[Attachment, ...]:
    """All attachments of a kept message, to go along with a forward."""
    message = await core.db.read(get_message, user_id, message_id)
    data = await core.blobs.read(message.blob)
    return await asyncio.to_thread(read_files, data)


def read_files(data: bytes) -> tuple[Attachment, ...]:
    """The files of a message."""
    found = []
    for n, part in enumerate(mime.leaves(mime.parse(data))):
        body = mime.content(part)
        described = mime.describe(part, n, len(body))
        if described.name and not described.is_inline:
            found.append(Attachment(described.name, described.content_type, body))
    return tuple(found)


class FileAnswer(Struct, frozen=True):
    """How a stranger's file is answered."""

    content_type: str
    headers: dict[str, str]


def as_file(part: Part, *, is_shown: bool = False) -> FileAnswer:
    """Never run on this origin, never guessed at; pictures and plain text may be looked at in a sandbox."""
    is_picture = re.fullmatch(r"image/(?:png|gif|jpe?g|webp|bmp|avif)", part.content_type) is not None
    is_text = part.content_type == "text/plain"
    is_media = part.content_type.startswith(("audio/", "video/"))
    kind = (
        part.content_type
        if is_picture or is_media or part.content_type == "application/pdf"
        else "application/octet-stream"
    )
    kind = "text/plain; charset=utf-8" if is_text else kind
    how = "inline" if is_shown and (is_picture or is_text) else "attachment"
    headers = {
        "content-disposition": f"{how}; filename*=UTF-8''{percent(part.name or f'part-{part.n}', safe='')}",
        "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self'",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }
    return FileAnswer(kind, headers)
