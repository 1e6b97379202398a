"""What the edges do with collections: who may, which collection, and again where it was changed in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from time import monotonic

from fazt.apps.textdb.engine import TotalKey, textdb_of
from fazt.apps.textdb.model.collection import Access, Action, Collection, Figures, Settings
from fazt.apps.textdb.model.document import Body, Changes, Conditions, Document, Page, Written
from fazt.apps.textdb.model.expression import EVERYTHING, Expression
from fazt.apps.textdb.model.naming import check_collection
from fazt.apps.textdb.model.query import Query
from fazt.apps.textdb.store import batch, changes, collections, documents, imports, lists, rules
from fazt.apps.textdb.wire import patch
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import Forbidden, Unauthorized

ANYBODY = Access()


def access_of(caller: Caller | None, collection: str) -> Access:
    """What rules need to know of a caller: the owner of the cloud needs none, unless a token is held to scopes."""
    if caller is None:
        return ANYBODY
    reads = caller.is_owner and caller.may(f"textdb:read:{collection}")
    writes = caller.is_owner and caller.may(f"textdb:write:{collection}")
    if caller.scopes is not None and not caller.may(f"textdb:read:{collection}"):
        return ANYBODY if not writes else Access(writes=True)
    return Access(caller.user_id, caller.role, reads=reads, writes=writes)


async def ensure(core: Core, name: str, access: Access) -> None:
    """Make a collection for its first document; only those who may write anyway can."""
    textdb = textdb_of(core)
    if await textdb.find(check_collection(name)) is None:
        if not access.writes:
            raise rules.refused(access, "create")
        await core.db.write(collections.ensure_collection, name, now=core.clock())


async def check_may(core: Core, name: str, access: Access, action: Action, *others: Action) -> None:
    """Before a body is asked for: raises Unauthorized or Forbidden where none of these is for anybody like this."""
    collection = await textdb_of(core).find(name)
    if collection is None:
        if not access.writes:
            raise rules.refused(access, "create")
        return
    for other in others:
        with suppress(Unauthorized, Forbidden):
            rules.permitted(collection, other, access, core.clock())
            return
    rules.permitted(collection, action, access, core.clock())


async def check_there(core: Core, name: str, access: Access) -> None:
    """Who has no right to everything is told of a missing collection what they are told of a private one."""
    if not access.reads and await textdb_of(core).find(name) is None:
        raise rules.refused(access, "read")


async def create(core: Core, name: str, body: Body, access: Access, ttl: int | None = None) -> Written:
    """Save a document under its own id, or a new one."""
    await ensure(core, name, access)
    textdb = textdb_of(core)

    async def run(collection: Collection) -> Written:
        return await textdb.create(documents.New(collection, body, access, core.clock(), ttl))

    return await textdb.use(name, run)


async def put(
    core: Core, name: str, id_: str, body: Body, access: Access, conditions: Conditions, ttl: int | None = None
) -> Written:
    """Create or replace."""
    await ensure(core, name, access)

    async def run(collection: Collection) -> Written:
        return await core.db.write(
            documents.put_document, collection, id_, body, access, conditions, now=core.clock(), ttl=ttl
        )

    return await textdb_of(core).use(name, run)


async def edit(
    core: Core,
    name: str,
    id_: str,
    kind: str,
    change: object,
    access: Access,
    conditions: Conditions,
    *,
    ttl: int | None = None,
    upsert: bool = False,
) -> Written:
    """Change a document by a patch of media type `kind`."""
    if upsert:
        await ensure(core, name, access)
    await check_there(core, name, access)

    async def run(collection: Collection) -> Written:
        return await core.db.write(
            documents.edit_document,
            collection,
            id_,
            lambda value: patch.apply(kind, value, change),
            access,
            conditions,
            now=core.clock(),
            ttl=ttl,
            upsert=upsert,
        )

    return await textdb_of(core).use(name, run)


async def delete(core: Core, name: str, id_: str, access: Access, conditions: Conditions) -> Written:
    """Delete a document."""
    await check_there(core, name, access)

    async def run(collection: Collection) -> Written:
        return await core.db.write(documents.delete_document, collection, id_, access, conditions, now=core.clock())

    return await textdb_of(core).use(name, run)


async def restore(
    core: Core, name: str, id_: str, access: Access, conditions: Conditions, *, seq: int | None, at: int | None
) -> Written:
    """Make an older version the newest, also of what was deleted."""
    await check_there(core, name, access)

    async def run(collection: Collection) -> Written:
        return await core.db.write(
            documents.restore_version, collection, id_, access, conditions, seq=seq, at=at, now=core.clock()
        )

    return await textdb_of(core).use(name, run)


async def get(core: Core, name: str, id_: str, access: Access) -> Document:
    """One document as it is now."""
    await check_there(core, name, access)

    async def run(collection: Collection) -> Document:
        return await core.db.point(documents.get_document, collection, id_, access, now=core.clock())

    return await textdb_of(core).use(name, run)


async def list_page(core: Core, name: str, query: Query, access: Access, asked: str = "") -> Page:
    """One piece of a list. `asked` is the query as text where its total may be remembered under that."""
    await check_there(core, name, access)
    textdb = textdb_of(core)

    async def run(collection: Collection) -> Page:
        key = total_key(collection, access, asked)
        known = textdb.known_total(key) if asked else None
        read = core.db.point if is_quick(collection, query) else core.db.read
        page = await read(lists.list_documents, collection, query, access, now=core.clock(), known=known)
        if asked and page.total is not None:
            textdb.keep_total(key, (page.seq, page.total))
        return page

    return await textdb.use(name, run)


def total_key(collection: Collection, access: Access, asked: str) -> TotalKey:
    """Under what a list's total is remembered: it is the same for all who may read everything."""
    who = "" if rules.sees_all(collection, access) else f"{access.user_id}/{access.role}"
    return (collection.id, collection.revision, who, asked)


def is_quick(collection: Collection, query: Query) -> bool:
    """Whether a list is a short walk along the documents in their own order, without a filter."""
    plain = query.where == EVERYTHING and not query.order and query.at is None and query.cursor is None
    return plain and query.limit <= 100 and query.offset <= 1_000 and not collection.is_expiring


async def read_changes(
    core: Core, name: str, since: int, access: Access, *, limit: int, where: Expression = EVERYTHING
) -> Changes:
    """The next piece of the feed, at once."""
    await check_there(core, name, access)

    async def run(collection: Collection) -> Changes:
        return await core.db.read(
            changes.list_changes, collection, since, access, limit=limit, now=core.clock(), where=where
        )

    return await textdb_of(core).use(name, run)


async def wait_for_changes(
    core: Core, name: str, since: int, access: Access, *, limit: int, timeout_s: float, where: Expression = EVERYTHING
) -> Changes:
    """The next piece of the feed, as soon as it is not empty; an empty one after `timeout_s`."""
    end = monotonic() + timeout_s
    await check_there(core, name, access)
    textdb = textdb_of(core)

    async def run(collection: Collection) -> Changes:
        async with textdb.watching(collection) as woken:
            position = since
            while True:
                woken.clear()
                found = await read_changes(core, name, position, access, limit=limit, where=where)
                left = end - monotonic()
                if found.entries or found.is_reset or left <= 0:
                    return found
                position = found.last_seq
                if not found.has_more:
                    try:
                        async with asyncio.timeout(left):
                            await woken.wait()
                    except TimeoutError:
                        return found

    return await textdb.use(name, run)


async def run_batch(core: Core, operations: list[batch.Operation], caller: Caller | None) -> list[Written]:
    """All of them, or none."""
    textdb = textdb_of(core)
    access = {name: access_of(caller, name) for name in {operation.collection for operation in operations}}
    try:
        return await core.db.write(batch.run_batch, operations, access, now=core.clock())
    finally:
        for name in access:
            textdb.forget(name)


async def configure(core: Core, name: str, settings: Settings) -> Figures:
    """Set what a collection is like, making it where it is missing."""
    try:
        return await core.db.write(collections.configure, check_collection(name), settings, now=core.clock())
    finally:
        textdb_of(core).forget(name)


async def drop(core: Core, name: str) -> None:
    """Delete a collection with all that was ever in it."""
    try:
        await core.db.write(collections.drop_collection, name)
    finally:
        textdb_of(core).forget(name)


async def import_records(
    core: Core, name: str, records: Iterable[imports.Entry], access: Access, *, replaces: bool
) -> imports.Report:
    """Write some records of an import in one transaction; what is wrong with single ones is in the report."""
    listed = list(records)

    async def run(collection: Collection) -> imports.Report:
        return await core.db.write(
            imports.import_records, collection, listed, access, replaces=replaces, now=core.clock()
        )

    return await textdb_of(core).use(name, run)


async def walk(core: Core, name: str, query: Query, access: Access) -> AsyncIterator[tuple[Document, ...]]:
    """A whole list, piece by piece in the order of its making; documents written meanwhile may or may not be in it."""
    cursor: str | None = ""
    while cursor is not None:
        piece = Query(query.where, query.order, limit=500, cursor=cursor, count=False, at=query.at)
        page = await list_page(core, name, piece, access)
        yield page.documents
        cursor = page.cursor
