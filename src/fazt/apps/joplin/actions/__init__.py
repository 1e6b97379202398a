"""What takes several steps: bytes that come in, and the rules for them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fazt.apps.joplin.model.items import parse_item
from fazt.apps.joplin.model.names import is_scratch, kind_of
from fazt.apps.joplin.model.uploads import INLINE_BYTES, Keeping, Stat, Upload, is_refusal, read_upload
from fazt.apps.joplin.store import items
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, TooLarge

MEBIBYTE = 1024 * 1024


def keeping_of(core: Core) -> Keeping:
    """What the owner wants kept."""
    get = core.settings.get
    return Keeping(
        history=get("joplin.history_days") > 0,
        trash=get("joplin.trash_days") > 0,
        quota_bytes=get("joplin.quota_mb") * MEBIBYTE,
    )


def max_bytes_of(core: Core, name: str) -> int:
    """How large what is stored under this name may be."""
    setting = "joplin.max_note_mb" if kind_of(name) == "item" else "joplin.max_item_mb"
    return int(core.settings.get(setting)) * MEBIBYTE


async def check_room(core: Core, caller: Caller, name: str, announced: int | None) -> None:
    """Raises TooLarge where it is known before the first byte that an upload does not fit."""
    if announced is None:
        return
    most = max_bytes_of(core, name)
    if announced > most:
        raise too_large(most)
    quota = keeping_of(core).quota_bytes
    if quota and not is_scratch(name):
        old = await core.db.read(items.size_of, caller.user_id, name)
        if announced > old and await core.db.read(items.used_bytes, caller.user_id) + announced - old > quota:
            raise TooLarge("There is no room for this: your notes fill the room that you have here.")


def too_large(most: int) -> TooLarge:
    """The refusal of what is over the limit, in words for the list of an app."""
    return TooLarge(f"This is larger than the {most // MEBIBYTE} MiB that this server takes.")


async def put_stream(
    core: Core, caller: Caller, name: str, share_id: str, stream: AsyncIterator[bytes], announced: int | None
) -> Stat:
    """Store what comes in under `name`. Raises ReadOnly, TooLarge, Invalid; a refusal is written down."""
    user_id, now = caller.user_id, core.clock()
    try:
        await check_room(core, caller, name, announced)
        if share_id:
            await core.db.read(items.find_writable, user_id, share_id)
        upload = await receive(core, name, share_id, stream)
        return await core.db.write(items.put, user_id, upload, keeping_of(core), now)
    except FaztError as error:
        if is_refusal(error):
            await core.db.write(items.note_refusal, user_id, name, announced or 0, error.message, now)
        raise


async def receive(core: Core, name: str, share_id: str, stream: AsyncIterator[bytes]) -> Upload:
    """The bytes as an upload: small ones in memory, large ones as a blob that is not kept yet."""
    most = max_bytes_of(core, name)
    is_item = kind_of(name) == "item"
    stream = aiter(stream)
    head = bytearray()
    async for piece in stream:
        head += piece
        if len(head) > (most if is_item else INLINE_BYTES):
            break
    if len(head) > most:
        raise too_large(most)
    data = bytes(head)
    if len(data) <= INLINE_BYTES:
        return read_upload(name, data, share_id)
    item = parse_item(data) if is_item else None
    blob = await core.blobs.receive(chain(data, stream), max_bytes=most)
    return Upload(name, blob.size, hash=blob.hash, item=item, share_id=share_id or (item.share_id if item else ""))


async def chain(head: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The bytes that were read already, and those that follow."""
    yield head
    async for piece in rest:
        yield piece


async def put_text(core: Core, caller: Caller, name: str, data: bytes) -> Stat:
    """Store an item that was made here. Raises as `put_stream`."""

    async def stream() -> AsyncIterator[bytes]:
        yield data

    upload = await receive(core, name, "", stream())
    return await core.db.write(items.put, caller.user_id, upload, keeping_of(core), core.clock())


async def read_content(core: Core, user_id: str, name: str) -> bytes:
    """All bytes of an item of at most 64 MiB. Raises NotFound."""
    found, data = await core.db.read(items.get_content, user_id, name)
    return data if data is not None else await core.blobs.read(found.hash)
