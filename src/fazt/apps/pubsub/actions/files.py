"""Attachments on their way into the cloud."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fazt.apps.pubsub.store.files import File, put_file
from fazt.core.clock import HOUR

if TYPE_CHECKING:
    from fazt.core import Core

MB = 1024 * 1024
SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)
SUFFIXES = {"text/plain": ".txt", "image/jpeg": ".jpg"}


def guess_type(name: str, head: bytes) -> str:
    """What a file is, by its name, else by how it begins."""
    by_name = mimetypes.guess_type(name)[0]
    if by_name is not None:
        return by_name
    found = next((kind for sign, kind in SIGNATURES if head.startswith(sign)), None)
    if found is not None:
        return found
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return "application/octet-stream" if error.start < len(head) - 4 else "text/plain"
    return "text/plain"


def suffix_of(kind: str) -> str:
    """The ending of names of this type, with its dot."""
    return SUFFIXES.get(kind) or mimetypes.guess_extension(kind) or ".bin"


def clean_name(name: str) -> str:
    """A file name without a path and without what a header or a disk could not carry."""
    bare = re.sub(r"[\x00-\x1f\x7f\"\\]", "", name.replace("\\", "/").rpartition("/")[2]).strip()
    return bare[:200] or "attachment"


async def receive_file(
    core: Core, message_id: str, topic: str, name: str, head: bytes, rest: AsyncIterator[bytes], expires_after: int
) -> File:
    """Keep the bytes as the attachment of a message. Raises TooLarge, OverQuota."""

    async def everything() -> AsyncIterator[bytes]:
        yield head
        async for piece in rest:
            yield piece

    blob = await core.blobs.receive(everything(), max_bytes=core.settings.get("pubsub.attachment_mb") * MB)
    kind = guess_type(name, head)
    new = File(
        message_id=message_id,
        topic=topic,
        hash=blob.hash,
        name=clean_name(name) if name else "attachment" + suffix_of(kind),
        type=kind,
        size=blob.size,
        expires_at=max(core.clock(), expires_after) + core.settings.get("pubsub.attachment_hours") * HOUR,
    )
    await core.db.write(put_file, new, blob, max_total_bytes=core.settings.get("pubsub.attachments_mb") * MB)
    return new
