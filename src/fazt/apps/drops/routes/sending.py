"""Bytes on their way out: watched, so that nothing is read for somebody who has gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

from zipstream import ZipStream

from fazt.apps.drops.engine import Download, GrantKey, get_desk
from fazt.apps.drops.model import Drop, File
from fazt.apps.drops.routes.asked import Asked, Header
from fazt.core.http.messages import ClientGone

if TYPE_CHECKING:
    from fazt.core import Core


async def file_pieces(core: Core, file: File, start: int, end: int) -> AsyncGenerator[bytes, None]:
    """The bytes of a file from `start` up to `end` (exclusive), whichever of its parts they are in."""
    begins = 0
    for part in file.parts:
        first, last = max(start - begins, 0), min(end - begins, part.size)
        begins += part.size
        if first < last:
            opened: Any = core.blobs.open(part.hash, first, last)
            async with aclosing(opened) as pieces:
                async for piece in pieces:
                    yield piece


async def send_pieces(
    asked: Asked,
    status: int,
    headers: list[Header],
    pieces: AsyncGenerator[bytes, None],
    download: Download,
    key: GrantKey,
    start: int,
    size: int,
) -> None:
    """An answer, piece by piece, that others can see going on. Ends when the client does."""
    desk = get_desk(asked.core)
    watching = asyncio.create_task(wait_for_end(asked))
    try:
        async with aclosing(pieces):
            first = await anext(pieces, b"")
            await asked.send({"type": "http.response.start", "status": status, "headers": headers})
            await send_one(asked, first, download)
            async for piece in pieces:
                check_there(watching)
                await send_one(asked, piece, download)
                desk.note_reached(key, start + download.sent, size)
        check_there(watching)
        await asked.send({"type": "http.response.body", "body": b""})
        desk.note_reached(key, start + download.sent, size)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        desk.end(download)


def check_there(watching: asyncio.Task[None]) -> None:
    """Raises ClientGone where the client has gone."""
    if watching.done():
        raise ClientGone("The connection was cut in the middle of a download.")


async def send_one(asked: Asked, piece: bytes, download: Download) -> None:
    """One piece; the next is read when this one is on its way."""
    await asked.send({"type": "http.response.body", "body": piece, "more_body": True})
    download.sent += len(piece)


async def wait_for_end(asked: Asked) -> None:
    """Until the client has gone: uvicorn does not say so when sending."""
    while (await asked.receive())["type"] != "http.disconnect":
        pass


def zip_of(core: Core, drop: Drop) -> ZipStream:
    """A zip of all files of a drop, of which the size is known."""
    archive = ZipStream(sized=True)
    loop = asyncio.get_running_loop()
    for file in drop.files:
        archive.add(read_on_loop(core, file, loop), file.path, size=file.size)
    return archive


def read_on_loop(core: Core, file: File, loop: asyncio.AbstractEventLoop) -> Generator[bytes, None, None]:
    """A file's bytes for a thread: zipstream-ng asks for them there, the loop reads them."""
    pieces = file_pieces(core, file, 0, file.size)
    try:
        while piece := asyncio.run_coroutine_threadsafe(next_or_end(pieces), loop).result():
            yield piece
    finally:
        asyncio.run_coroutine_threadsafe(pieces.aclose(), loop)


async def next_or_end(pieces: AsyncGenerator[bytes, None]) -> bytes:
    """The next piece, or b""."""
    return await anext(pieces, b"")


async def zip_pieces(archive: ZipStream) -> AsyncGenerator[bytes, None]:
    """The zip as it is made, in pieces that are worth sending."""
    chunks: Any = iter(archive)
    try:
        while piece := await asyncio.to_thread(next_piece, chunks):
            yield piece
    finally:
        await asyncio.to_thread(chunks.close)


def next_piece(chunks: Generator[bytes, None, None]) -> bytes:
    """Some of the zip: headers of small files together, large ones as they come; b"" at its end."""
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) >= 1 << 16:
            break
    return bytes(found)
