"""Items: stat, content, upload, delete, batches, and what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from fazt.apps.joplin import actions, wire
from fazt.apps.joplin.model.names import check_name, kind_of
from fazt.apps.joplin.model.uploads import INLINE_BYTES, ReadOnly, Refused, Stat, is_refusal, refusal_of
from fazt.apps.joplin.routes.call import Call, number
from fazt.apps.joplin.store import delta, shares
from fazt.apps.joplin.store import items as store
from fazt.core.errors import FaztError, Forbidden, Invalid, NotFound, TooLarge
from fazt.core.http.messages import content_length, read_body, respond, respond_stream, stream_body

MAX_BATCH_BYTES = 64 * 1024 * 1024
CHUNK = 25
"""Items of a batch in one transaction: others need not wait long for theirs."""

DRAIN_BYTES = 256 * 1024 * 1024
DRAIN_S = 20.0


async def answer(call: Call, method: str, rest: str) -> None:
    """A request to `items/root:/NAME:` or one of its links. Raises NotFound, Invalid, Forbidden."""
    name, link = wire.parse_item_path(rest)
    if not name or link == "delta":
        await answer_root(call, method, name, link)
        return
    if link == "children" and method == "GET":
        await list_children(call, name)
        return
    check_name(name)
    match method, link:
        case "GET", "":
            stat = await call.core.db.point(store.get_stat, call.caller.user_id, name)
            await call.answer(wire.stat_json(stat))
        case "GET", "content":
            await get_content(call, name)
        case "PUT", "content":
            await put_content(call, name)
        case "DELETE", "":
            await delete_one(call, name)
        case _:
            raise NotFound("This server has nothing at this address.")


async def answer_root(call: Call, method: str, name: str, link: str) -> None:
    """What can be asked of all items together."""
    if method == "GET" and link == "delta" and not name:
        limit = number(call.query("limit"), delta.LIMIT, delta.MOST)
        page = await call.core.db.read(delta.read_delta, call.caller.user_id, call.query("cursor"), limit)
        await call.answer(page)
    elif method == "GET" and link == "children":
        await list_children(call, "")
    elif method == "DELETE":
        raise Forbidden("Everything at once is not deleted here.", code="refused")
    else:
        raise NotFound("This server has nothing at this address.")


async def get_content(call: Call, name: str) -> None:
    """The bytes, as they came."""
    core = call.core
    found, data = await core.db.point(store.get_content, call.caller.user_id, name)
    type_ = b"text/markdown; charset=utf-8" if kind_of(name) == "item" else b"application/octet-stream"
    headers = [(b"content-type", type_), (b"cache-control", b"no-store"), *call.cors]
    headers.append((b"content-disposition", b"attachment"))
    if call.method == "HEAD":
        await respond(call.send, 200, [*headers, (b"content-length", b"%d" % found.size)])
    elif data is not None:
        await respond(call.send, 200, headers, data)
    else:
        headers.append((b"content-length", b"%d" % found.size))
        await respond_stream(call.send, 200, headers, core.blobs.open(found.hash))


async def put_content(call: Call, name: str) -> None:
    """Store the body under a name."""
    announced = content_length(call.scope)
    most = actions.max_bytes_of(call.core, name)
    share_id = call.query("share_id")[:64]
    stat = await actions.put_stream(call.core, call.caller, name, share_id, body_of(call, most), announced)
    await call.answer(wire.stat_json(stat))


async def body_of(call: Call, most: int) -> AsyncIterator[bytes]:
    """The body, piece by piece; what is too large is told in words for an app's list."""
    try:
        async for piece in stream_body(call.scope, call.receive, most):
            yield piece
    except TooLarge as error:
        raise actions.too_large(most) from error


async def delete_one(call: Call, name: str) -> None:
    """Delete an item; one that is not there is deleted already."""
    keeping = actions.keeping_of(call.core)
    await call.core.db.write(shares.delete_item, call.caller.user_id, name, keeping, call.core.clock())
    await call.answer()


async def put_batch(call: Call) -> None:
    """Store many small items; each is answered for itself."""
    body = await read_body(call.scope, call.receive, MAX_BATCH_BYTES)
    batch = await asyncio.to_thread(wire.parse_batch, body)
    done: dict[str, Stat | Refused] = {}
    small: list[tuple[str, bytes]] = []
    for name, data in batch:
        try:
            check_name(name)
            if len(data) > INLINE_BYTES:
                done[name] = await put_large(call, name, data)
            else:
                small.append((name, data))
        except Invalid as error:
            done[name] = refusal_of(error)
    keeping = actions.keeping_of(call.core)
    for start in range(0, len(small), CHUNK):
        part = small[start : start + CHUNK]
        done |= await call.core.db.write(store.put_batch, call.caller.user_id, part, keeping, call.core.clock())
    await call.answer(wire.batch_json(done))


async def put_large(call: Call, name: str, data: bytes) -> Stat | Refused:
    """An item of a batch that goes into a blob."""

    async def stream() -> AsyncIterator[bytes]:
        yield data

    try:
        return await actions.put_stream(call.core, call.caller, name, "", stream(), len(data))
    except FaztError as error:
        if not isinstance(error, ReadOnly) and not is_refusal(error):
            raise
        return refusal_of(error)


async def delete_batch(call: Call) -> None:
    """Delete many items; apps from 3.7 on send the names in the body of a DELETE."""
    given: wire.Names = await call.body(wire.Names)
    if len(given.items) > wire.MAX_BATCH:
        raise Invalid(f"A batch has at most {wire.MAX_BATCH} items.")
    keeping = actions.keeping_of(call.core)
    done: dict[str, Refused | None] = {}
    for start in range(0, len(given.items), CHUNK):
        part = given.items[start : start + CHUNK]
        done |= await call.core.db.write(shares.delete_items, call.caller.user_id, part, keeping, call.core.clock())
    await call.answer({"items": {name: told(one) for name, one in done.items()}, "has_more": False})


def told(one: Refused | None) -> dict[str, Any]:
    """How the delete of one item of a batch went."""
    return {} if one is None else {"error": wire.refused_json(one)}


async def list_children(call: Call, pattern: str) -> None:
    """Names, newest first; `PREFIX/*` for those that begin so."""
    limit = number(call.query("limit"), 100, 100)
    cursor = call.query("cursor")
    offset = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 10 else 0
    prefix = pattern.removesuffix("*")
    found, has_more = await call.core.db.read(delta.list_names, call.caller.user_id, prefix, limit=limit, offset=offset)
    items = [{"id": str(row.id), "name": row.name, "updated_time": row.updated_at} for row in found]
    await call.answer({"items": items, "has_more": has_more, "cursor": str(offset + limit) if has_more else None})


async def drain(call: Call) -> None:
    """Read what is left of a body that was refused, within reason."""
    seen = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            while not call.receive.has_ended and seen < DRAIN_BYTES:
                seen += len((await call.receive()).get("body", b""))
