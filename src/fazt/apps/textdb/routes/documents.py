"""One document: GET, PUT, PATCH, DELETE, its history, and POST to a collection."""

from __future__ import annotations

import json
from functools import lru_cache
from urllib.parse import quote

from fazt.apps.textdb import actions
from fazt.apps.textdb.engine import textdb_of
from fazt.apps.textdb.model.collection import MAX_BYTES
from fazt.apps.textdb.model.document import Body, Document, Written
from fazt.apps.textdb.model.jsontext import parse, read
from fazt.apps.textdb.model.moments import moment
from fazt.apps.textdb.model.naming import check_id, id_in
from fazt.apps.textdb.routes.call import Call, ttl_of
from fazt.apps.textdb.store.history import get_version, list_versions
from fazt.apps.textdb.wire.patch import MERGE, PATCH, UPDATE
from fazt.apps.textdb.wire.query import flag, last, number
from fazt.core.clock import SECOND, to_iso
from fazt.core.errors import Invalid
from fazt.core.http.conditional import format_date, matches_weakly, parse_etags
from fazt.core.http.messages import Header

PATCHES = frozenset({"", "application/json", MERGE, PATCH, UPDATE, "text/plain", "application/x-www-form-urlencoded"})


async def read_document(call: Call, name: str) -> Body:
    """The body of a request as a document. Raises Invalid, TooLarge."""
    collection = await textdb_of(call.core).find(name)
    data = await call.body(MAX_BYTES if collection is None else collection.settings.max_bytes)
    text, value = read(data)
    return Body(text, value, id_in(value))


async def create(call: Call, name: str) -> None:
    """POST /db/{collection}."""
    ttl = ttl_of(call.parameters("_ttl")) if call.query else None
    access = await call.access(name, "create")
    await actions.check_may(call.core, name, access, "create")
    written = await actions.create(call.core, name, await read_document(call, name), access, ttl)
    await answer_written(call, name, written)


async def put(call: Call, name: str, id_: str) -> None:
    """PUT /db/{collection}/{id}."""
    ttl = ttl_of(call.parameters("_ttl")) if call.query else None
    access = await call.access(name, "update")
    await actions.check_may(call.core, name, access, "update", "create")
    body = await read_document(call, name)
    written = await actions.put(call.core, name, check_id(id_), body, access, call.conditions(), ttl)
    await answer_written(call, name, written)


async def change(call: Call, name: str, id_: str) -> None:
    """PATCH /db/{collection}/{id}: the content type says which kind of patch the body is."""
    kind = call.media_type()
    if kind not in PATCHES:
        raise Invalid(f"A patch is {MERGE}, {PATCH} or {UPDATE}, not {kind[:80]!r}.")
    asked = call.parameters("_ttl", "_upsert") if call.query else {}
    access = await call.access(name, "update")
    await actions.check_may(call.core, name, access, "update", "create")
    body = await read_patch(call, name)
    written = await actions.edit(
        call.core,
        name,
        check_id(id_),
        kind,
        body,
        access,
        call.conditions(),
        ttl=ttl_of(asked),
        upsert=flag(asked, "_upsert", default=False),
    )
    await answer_written(call, name, written)


async def read_patch(call: Call, name: str) -> object:
    """The value of a patch's body."""
    collection = await textdb_of(call.core).find(name)
    value: object = read(await call.body(MAX_BYTES if collection is None else collection.settings.max_bytes))[1]
    return value


async def delete(call: Call, name: str, id_: str) -> None:
    """DELETE /db/{collection}/{id}."""
    call.parameters()
    access = await call.access(name, "delete")
    await actions.delete(call.core, name, check_id(id_), access, call.conditions())
    await call.answer_json(200, "{}")


async def answer_written(call: Call, name: str, written: Written) -> None:
    """What a write leaves: the document as it is now, 201 where it is new."""
    if written.change != "created":
        await call.answer_json(200, written.text, (b"etag", written.etag.encode()))
        return
    location = f"/db/{quote(name, safe='')}/{quote(written.id, safe='')}"
    await call.answer_json(201, written.text, (b"etag", written.etag.encode()), (b"location", location.encode()))


async def get(call: Call, name: str, id_: str) -> None:
    """GET /db/{collection}/{id}, now or `?at=` a time, with `_meta=true` in an envelope."""
    access = await call.access(name, "read")
    if not call.query:
        document = await actions.get(call.core, name, check_id(id_), access)
        await answer_document(call, document)
        return
    asked = call.parameters("at", "_seq", "_meta")
    seq, at = number(asked, "_seq"), last(asked, "at")
    if seq is None and not at:
        document = await actions.get(call.core, name, check_id(id_), access)
    else:
        await actions.check_there(call.core, name, access)
        document = await textdb_of(call.core).use(
            name,
            lambda collection: call.core.db.read(
                get_version,
                collection,
                check_id(id_),
                access,
                now=call.core.clock(),
                seq=seq,
                at=moment(at) if at else None,
            ),
        )
    await answer_document(call, document, with_meta=flag(asked, "_meta", default=False))


@lru_cache(maxsize=4_096)
def cached_date(seconds: int) -> bytes:
    """A second as an HTTP date."""
    return format_date(seconds * SECOND).encode()


async def answer_document(call: Call, document: Document, *, with_meta: bool = False) -> None:
    """A document with its times and tag in the headers, or 304 where the reader has it."""
    etag = document.etag
    headers: list[Header] = [
        (b"etag", etag.encode()),
        (b"last-modified", cached_date(document.updated_at // SECOND)),
        (b"x-created-at", b"%d" % document.created_at),
        (b"x-updated-at", b"%d" % document.updated_at),
    ]
    known = call.header(b"if-none-match")
    if known is not None and matches_weakly(parse_etags(known), etag):
        await call.answer(304, headers)
        return
    await call.answer_json(200, envelope(document) if with_meta else document.text, *headers)


def envelope(document: Document) -> str:
    """A document with its metadata around it."""
    meta = {
        "id": document.id,
        "seq": document.seq,
        "createdAt": to_iso(document.created_at),
        "updatedAt": to_iso(document.updated_at),
        "expiresAt": None if document.expires_at is None else to_iso(document.expires_at),
        "userId": document.user_id,
    }
    return f'{json.dumps(meta, ensure_ascii=False)[:-1]}, "body": {document.text}}}'


async def history(call: Call, name: str, id_: str) -> None:
    """GET /db/{collection}/{id}/_history."""
    call.parameters()
    access = await call.access(name, "read")
    await actions.check_there(call.core, name, access)
    versions = await textdb_of(call.core).use(
        name,
        lambda collection: call.core.db.read(list_versions, collection, check_id(id_), access, now=call.core.clock()),
    )
    listed = [
        f'{envelope(document)[:-1]}, "replacedAt": {json.dumps(None if ended is None else to_iso(ended))}}}'
        for document, ended in versions
    ]
    await call.answer_json(200, f"[{','.join(listed)}]")


async def restore(call: Call, name: str, id_: str) -> None:
    """POST /db/{collection}/{id}/_restore with `{"seq": n}` or `{"at": time}`."""
    call.parameters()
    access = await call.access(name, "update")
    wanted = parse((await call.body(10_000)).decode("utf-8", "replace"))
    if not isinstance(wanted, dict) or not ({"seq", "at"} & wanted.keys()):
        raise Invalid('Say which version: {"seq": 12} or {"at": "2026-11-23T10:00:00Z"}.')
    seq, at = wanted.get("seq"), wanted.get("at")
    if seq is not None and (isinstance(seq, bool) or not isinstance(seq, int) or not 0 < seq < 2**63):
        raise Invalid("seq is a whole number.")
    written = await actions.restore(
        call.core,
        name,
        check_id(id_),
        access,
        call.conditions(),
        seq=seq,
        at=moment(str(at)) if at is not None else None,
    )
    await answer_written(call, name, written)
