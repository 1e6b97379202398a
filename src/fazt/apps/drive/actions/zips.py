"""Zip archives on the fly: bytes are read while they are sent, and the length is known before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from zipstream import ZipStream

from fazt.apps.drive import store
from fazt.apps.drive.model.nodes import Node
from fazt.core.errors import TooLarge

if TYPE_CHECKING:
    from fazt.core import Core

MAX_FILES = 50_000
PIECES = 16


def list_all(conn: Connection, nodes: list[Node]) -> list[tuple[str, Node]]:
    """Nodes and all below them, by their paths in the archive; folders end with a slash. Raises TooLarge."""
    found: list[tuple[str, Node]] = []
    for top in nodes:
        found.append((top.name + "/" if top.is_folder else top.name, top))
        if top.is_folder:
            below = store.list_below(conn, top.id, MAX_FILES + 1)
            found += [("/".join((top.name, *path)) + ("/" if child.is_folder else ""), child) for path, child in below]
    if len(found) > MAX_FILES:
        raise TooLarge(f"An archive has at most {MAX_FILES:,} files.", hint="Download a part of it.")
    return found


async def open_zip(core: Core, nodes: list[Node]) -> tuple[int, AsyncIterator[bytes]]:
    """How long the archive of these is, and its bytes. Pictures and films are packed already, so nothing is."""
    entries = await core.db.read(list_all, nodes)
    loop = asyncio.get_running_loop()
    archive = ZipStream(sized=True)
    for name, found in entries:
        if found.is_folder:
            archive.mkdir(name)
        else:
            archive.add(pull(core, loop, found.hash), name, size=found.size)
    return len(archive), pour(iter(archive))


def pull(core: Core, loop: asyncio.AbstractEventLoop, hash: str) -> Iterator[bytes]:
    """The bytes of a blob, for a thread that is not the loop's."""
    stream: Any = core.blobs.open(hash)
    try:
        while piece := asyncio.run_coroutine_threadsafe(anext(stream, b""), loop).result():
            yield piece
    finally:  # not waited for: when a client goes away, it is the loop itself that ends this
        asyncio.run_coroutine_threadsafe(stream.aclose(), loop)


async def pour(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """What a thread takes from `pieces`."""
    while some := await asyncio.to_thread(lambda: list(islice(pieces, PIECES))):
        yield b"".join(some)
