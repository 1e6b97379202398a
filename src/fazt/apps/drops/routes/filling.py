"""Bytes of tus uploads: taken in, checked, and made a file when they are whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

from fazt.apps.drops import actions, store
from fazt.apps.drops.engine import get_desk
from fazt.apps.drops.model import Policy, Upload
from fazt.apps.drops.routes.asked import Asked
from fazt.apps.drops.schema import FILLING
from fazt.apps.drops.wire import tus
from fazt.core.errors import NotFound
from fazt.core.http.messages import stream_body

if TYPE_CHECKING:
    from fazt.core import Core

PIECE_BYTES = 1 << 18


async def policy_of(core: Core, found: Upload) -> Policy:
    """What whoever began this upload is allowed."""
    if found.drop_id:
        drop = await core.db.read(store.get_drop, found.drop_id, core.clock())
        return (await actions.admit_to(core, drop)).policy
    return actions.read_policy(core, is_stranger=not found.user_id)


async def offset_of(asked: Asked, found: Upload) -> int:
    """How many bytes are durable."""
    if found.state != FILLING:
        return found.length or 0
    return await asked.core.blobs.offset(found.blob_upload)


async def fill(asked: Asked, found: Upload, offset: int) -> bool:
    """Take the body in; False where its checksum is not the announced one, and then nothing of it is kept.

    What came before a cut is kept, unless there was a checksum to hold it to.
    """
    core = asked.core
    limit = (await policy_of(core, found)).max_bytes if found.length is None else found.length
    body = stream_body(asked.scope, asked.receive, limit - offset)
    checksum = asked.headers.get("upload-checksum")
    async with get_desk(core).filling(found.id):
        try:
            if checksum is None:
                await core.blobs.append(found.blob_upload, offset, body, max_bytes=limit)
            elif not await append_checked(core, found, offset, body, tus.parse_checksum(checksum)):
                return False
        finally:
            with suppress(NotFound):
                here = await core.blobs.offset(found.blob_upload)
                await core.db.write(store.note_offset, found.id, here, core.clock() + actions.upload_ms(core))
        await finish_if_whole(asked, found)
    return True


async def append_checked(
    core: Core, found: Upload, offset: int, body: AsyncIterator[bytes], checksum: tus.Checksum
) -> bool:
    """Keep the body in a temporary file until its checksum is known."""
    hasher = tus.new_hasher(checksum.algorithm)
    file: BinaryIO = await asyncio.to_thread(TemporaryFile, prefix="fazt-")
    try:
        async for piece in body:
            hasher.update(piece)
            await asyncio.to_thread(file.write, piece)
        if hasher.digest() != checksum.digest:
            return False
        await asyncio.to_thread(file.seek, 0)
        limit = 1 << 62 if found.length is None else found.length
        await core.blobs.append(found.blob_upload, offset, read_back(file), max_bytes=limit)
        return True
    finally:
        await asyncio.to_thread(file.close)


async def read_back(file: BinaryIO) -> AsyncIterator[bytes]:
    """The bytes of a file."""
    while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
        yield piece


async def finish_if_whole(asked: Asked, found: Upload) -> Upload:
    """Make the upload what it was to become, once all bytes are here; also after a crash between the two."""
    core = asked.core
    if found.state != FILLING or found.length is None:
        return found
    if await core.blobs.offset(found.blob_upload) < found.length:
        return found
    policy = await policy_of(core, found)
    blob = await core.blobs.finish(found.blob_upload)
    keep_ms = actions.upload_ms(core)
    return await core.db.write(store.finish_upload, found.id, blob, policy, core.clock(), keep_ms)
