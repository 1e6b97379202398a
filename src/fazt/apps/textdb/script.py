"""What JavaScript may call: `fazt.textdb.*`, with the rights of whom the function acts for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fazt.apps.textdb import actions
from fazt.apps.textdb.model.document import Body, Conditions
from fazt.apps.textdb.model.jsontext import dump, parse, plain, tidy
from fazt.apps.textdb.model.naming import check_id, id_in
from fazt.apps.textdb.store.batch import Operation, to_tags
from fazt.apps.textdb.store.rules import macros_of
from fazt.apps.textdb.wire.patch import MERGE, UPDATE
from fazt.apps.textdb.wire.query import parse as parse_query
from fazt.core.app import ScriptFunction
from fazt.core.errors import Invalid, NotFound

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller


def to_body(doc: Any) -> Body:
    """A value of JavaScript as a document."""
    return Body(tidy(dump(doc)), doc, id_in(doc))


async def get(core: Core, caller: Caller, collection: str, id: str) -> Any:
    """The document, or null."""
    try:
        found = await actions.get(core, collection, check_id(str(id)), actions.access_of(caller, collection))
    except NotFound:
        return None
    return plain(parse(found.text))


async def list_some(core: Core, caller: Caller, collection: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
    """`{documents, total}`; `query` holds the parameters of `GET /db/{collection}`."""
    access = actions.access_of(caller, collection)
    pairs = [(name, item) for name, value in (query or {}).items() for item in _items(value)]
    limits = core.settings.get("textdb.default_limit"), core.settings.get("textdb.max_limit")
    macros = macros_of(access, core.clock())
    asked = parse_query(urlencode(pairs), macros, default_limit=limits[0], max_limit=limits[1])
    try:
        page = await actions.list_page(core, collection, asked, access)
    except NotFound:
        return {"documents": [], "total": 0}
    return {"documents": [plain(parse(found.text)) for found in page.documents], "total": page.total}


def _items(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in items]


async def create(core: Core, caller: Caller, collection: str, doc: Any, ttl: int | None = None) -> Any:
    """The document as it was saved, with its id."""
    access = actions.access_of(caller, collection)
    return plain(parse((await actions.create(core, collection, to_body(doc), access, ttl)).text))


async def put(
    core: Core, caller: Caller, collection: str, id: str, doc: Any, if_match: str | None = None, ttl: int | None = None
) -> Any:
    """The document as it is now."""
    conditions = Conditions(to_tags(if_match))
    access = actions.access_of(caller, collection)
    written = await actions.put(core, collection, check_id(str(id)), to_body(doc), access, conditions, ttl)
    return plain(parse(written.text))


async def patch(core: Core, caller: Caller, collection: str, id: str, change: dict[str, Any]) -> Any:
    """The document as it is now. A `change` of `$inc`, `$push` and so on is an update, any other a merge patch."""
    kind = UPDATE if change and all(name.startswith("$") for name in change) else MERGE
    access = actions.access_of(caller, collection)
    written = await actions.edit(core, collection, check_id(str(id)), kind, change, access, Conditions(), upsert=False)
    return plain(parse(written.text))


async def delete(core: Core, caller: Caller, collection: str, id: str) -> bool:
    """Whether there was one."""
    try:
        access = actions.access_of(caller, collection)
        await actions.delete(core, collection, check_id(str(id)), access, Conditions())
    except NotFound:
        return False
    return True


async def changes(core: Core, caller: Caller, collection: str, since: int = 0, limit: int = 100) -> dict[str, Any]:
    """`{changes: [{seq, id, doc | deleted}], lastSeq, more, reset}`."""
    access = actions.access_of(caller, collection)
    found = await actions.read_changes(core, collection, int(since), access, limit=max(1, min(int(limit), 1_000)))
    told = [
        {
            "seq": entry.seq,
            "id": entry.id,
            **({"deleted": True} if entry.text is None else {"doc": plain(parse(entry.text))}),
        }
        for entry in found.entries
    ]
    return {"changes": told, "lastSeq": found.last_seq, "more": found.has_more, "reset": found.is_reset}


async def batch(core: Core, caller: Caller, operations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`[{id, seq, change}]`: all operations, or none."""
    try:
        listed = [Operation(**{_snake(name): value for name, value in item.items()}) for item in operations]
    except TypeError as error:
        raise Invalid(f"An operation of the batch is wrong: {error}.") from error
    done = await actions.run_batch(core, listed, caller)
    return [{"id": written.id, "seq": written.seq, "change": written.change} for written in done]


def _snake(name: str) -> str:
    return {"ifMatch": "if_match", "ifNoneMatch": "if_none_match"}.get(name, name)


SCRIPT = (
    ScriptFunction(
        "textdb.get",
        "textdb:read",
        get,
        "One document, or null.",
        'await fazt.textdb.get({collection: "notes", id})',
        by_resource=True,
    ),
    ScriptFunction(
        "textdb.list",
        "textdb:read",
        list_some,
        "Documents and their total; the query is that of GET /db/{collection}.",
        'const {documents, total} = await fazt.textdb.list({collection: "notes", query: {_sort: "title"}})',
        by_resource=True,
    ),
    ScriptFunction(
        "textdb.create",
        "textdb:write",
        create,
        "Save a document; it comes back with its id.",
        'const note = await fazt.textdb.create({collection: "notes", doc: {title: "Milk"}})',
        by_resource=True,
    ),
    ScriptFunction(
        "textdb.put",
        "textdb:write",
        put,
        "Create or replace a document.",
        'await fazt.textdb.put({collection: "notes", id: "today", doc: {title: "Milk"}})',
        by_resource=True,
    ),
    ScriptFunction(
        "textdb.patch",
        "textdb:write",
        patch,
        "Change a document by a merge patch, or by $inc, $push and the like.",
        'await fazt.textdb.patch({collection: "hits", id: "home", change: {$inc: {count: 1}}})',
        by_resource=True,
    ),
    ScriptFunction(
        "textdb.delete",
        "textdb:write",
        delete,
        "Delete a document; whether there was one.",
        'await fazt.textdb.delete({collection: "notes", id})',
        by_resource=True,
    ),
    ScriptFunction(
        "textdb.changes",
        "textdb:read",
        changes,
        "What changed behind a number.",
        'const {changes, lastSeq} = await fazt.textdb.changes({collection: "notes", since: 17})',
        by_resource=True,
    ),
    ScriptFunction(
        "textdb.batch",
        "textdb:write",
        batch,
        "Many writes over several collections, all or none.",
        'await fazt.textdb.batch({operations: [{op: "create", collection: "notes", body: {title: "Milk"}}]})',
        by_resource=True,
    ),
)
