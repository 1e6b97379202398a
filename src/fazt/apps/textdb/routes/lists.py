"""Many documents: lists, what explains them, aggregates, batches, and the list of collections."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zlib import crc32

import msgspec

from fazt.apps.textdb import actions
from fazt.apps.textdb.engine import textdb_of
from fazt.apps.textdb.model.collection import Access, Collection
from fazt.apps.textdb.model.document import Document, Page
from fazt.apps.textdb.model.expression import Path
from fazt.apps.textdb.model.jsontext import dump, parse
from fazt.apps.textdb.model.query import Query
from fazt.apps.textdb.routes.call import Call
from fazt.apps.textdb.routes.documents import envelope
from fazt.apps.textdb.store.batch import read_operations
from fazt.apps.textdb.store.collections import list_figures, read_state
from fazt.apps.textdb.store.lists import aggregate, explain
from fazt.apps.textdb.store.rules import macros_of, sees_all
from fazt.apps.textdb.wire import query as dialect
from fazt.core.app import Scope
from fazt.core.errors import Forbidden, Unauthorized
from fazt.core.http.conditional import matches_weakly, parse_etags
from fazt.core.http.messages import Header

MAX_BATCH_BYTES = 16_000_000
MOST_KEPT = 1_024
"""Characters of a query that is remembered: strangers may ask as well, with 64 KiB of them."""


@lru_cache(maxsize=1_024)
def parse_plain(text: str, default_limit: int, max_limit: int) -> Query:
    """A list that means the same for everybody at any time."""
    return dialect.parse(text, {}, default_limit=default_limit, max_limit=max_limit)


def parse_query(call: Call, access: Access) -> Query:
    """The list that a request asks for. Raises Invalid."""
    text = call.query
    limits = call.core.settings.get("textdb.default_limit"), call.core.settings.get("textdb.max_limit")
    if is_plain(text) and len(text) <= MOST_KEPT:
        return parse_plain(text, *limits)
    macros = macros_of(access, call.core.clock())
    return dialect.parse(text, macros, default_limit=limits[0], max_limit=limits[1])


def is_plain(text: str) -> bool:
    """Whether a query cannot hold a macro such as @me."""
    return "@" not in text and "%40" not in text


async def list_documents(call: Call, name: str) -> None:
    """GET /db/{collection}."""
    access = await call.access(name, "read")
    query = parse_query(call, access)
    if await answer_unchanged(call, name, access):
        return
    asked = call.query if query.count and is_plain(call.query) and len(call.query) <= MOST_KEPT else ""
    page = await actions.list_page(call.core, name, query, access, asked)
    await call.answer_json(200, to_text(page.documents, query), *await page_headers(call, name, query, page, access))


def to_text(documents: tuple[Document, ...], query: Query) -> str:
    """A list as JSON."""
    if query.with_meta:
        return f"[{','.join(map(envelope, documents))}]"
    if query.fields:
        return f"[{','.join(dump(pick(parse(document.text), query.fields)) for document in documents)}]"
    return f"[{','.join([document.text for document in documents])}]"


def pick(value: Any, fields: tuple[Path, ...]) -> Any:
    """The fields of a document that were asked for, and its id."""
    if not isinstance(value, dict):
        return value
    picked: dict[str, Any] = {"id": value["id"]} if "id" in value else {}
    for field in fields:
        found: Any = value
        for step in field.steps:
            is_there = isinstance(found, dict if isinstance(step, str) else list)
            found = found.get(step) if is_there and isinstance(step, str) else at_index(found, step)
        if found is not None:
            holder = picked
            for step in field.steps[:-1]:
                holder = holder.setdefault(str(step), {})
            holder[str(field.steps[-1])] = found
    return picked


def at_index(value: Any, step: str | int) -> Any:
    """An element of a list, or None."""
    return value[step] if isinstance(value, list) and isinstance(step, int) and step < len(value) else None


def tag_of(call: Call, collection: Collection, access: Access, seq: int) -> str | None:
    """The weak tag of a list, or None where it changes by time alone."""
    if collection.is_expiring or not is_plain(call.query) or not sees_all(collection, access):
        return None
    return to_tag(call.query, collection, seq)


def to_tag(asked: str, collection: Collection, seq: int) -> str:
    """The weak tag of a list that depends on nothing but the collection."""
    return f'W/"{seq}-{collection.id}.{collection.revision}-{crc32(asked.encode("latin-1")):x}"'


async def answer_unchanged(call: Call, name: str, access: Access) -> bool:
    """304 for a list that the reader has; whether that was the answer."""
    known = call.header(b"if-none-match")
    if known is None or (collection := await textdb_of(call.core).find(name)) is None:
        return False
    seq, _ = await textdb_of(call.core).use(name, lambda found: call.core.db.point(read_state, found))
    tag = tag_of(call, collection, access, seq)
    if tag is None or not matches_weakly(parse_etags(known), tag):
        return False
    await call.answer(304, [(b"etag", tag.encode())])
    return True


async def page_headers(call: Call, name: str, query: Query, page: Page, access: Access) -> list[Header]:
    """Total, links to other pages, tag, and a word where the list was found the slow way."""
    headers: list[Header] = []
    if page.total is not None:
        headers.append((b"x-total-count", b"%d" % page.total))
    links = page_links(call.query, query, page)
    if links:
        headers.append((b"link", show_links(call.scope, links)))
    if page.cursor is not None:
        headers.append((b"x-next-cursor", page.cursor.encode()))
    if page.scanned > call.core.settings.get("textdb.scan_warning"):
        headers.append((b"x-scanned", b"%d" % page.scanned))
    collection = await textdb_of(call.core).find(name)
    tag = None if collection is None else tag_of(call, collection, access, page.seq)
    if tag is not None:
        headers.append((b"etag", tag.encode()))
    return headers


def show_links(scope: Scope, links: dict[str, str]) -> bytes:
    """The value of the header Link."""
    path = scope["raw_path"].partition(b"?")[0].decode("latin-1")
    return ", ".join(f'<{path}?{text}>; rel="{relation}"' for relation, text in links.items()).encode()


def page_links(text: str, query: Query, page: Page) -> dict[str, str]:
    """The query strings of other pages by their relation (RFC 8288)."""
    if page.cursor is not None:
        return {"next": with_parameter(text, "_cursor", page.cursor)}
    if query.page is None or page.total is None or not query.limit:
        return {}
    last = max(-(-page.total // query.limit), 1)
    pages = {"first": 1, "prev": query.page - 1, "next": query.page + 1, "last": last}
    return {
        relation: with_parameter(text, "_page", str(number))
        for relation, number in pages.items()
        if 1 <= number <= last
    }


def with_parameter(text: str, name: str, value: str) -> str:
    """A query string with one parameter set."""
    pairs = [pair for pair in parse_qsl(text, keep_blank_values=True) if pair[0] != name]
    return urlencode([*pairs, (name, value)])


async def explain_list(call: Call, name: str) -> None:
    """GET /db/{collection}/_explain: for those who may read everything, since it tells how the rest is stored."""
    access = access_to_all(await call.caller(), name)
    query = parse_query(call, access)
    plan = await textdb_of(call.core).use(
        name, lambda collection: call.core.db.read(explain, collection, query, access, now=call.core.clock())
    )
    await call.answer_json(200, msgspec.json.encode(plan).decode())


def access_to_all(caller: Any, name: str) -> Access:
    """The access of who may read all of a collection. Raises Unauthorized, Forbidden."""
    access = actions.access_of(caller, name)
    if not access.reads:
        if caller is None:
            raise Unauthorized("Log in, or send a token.")
        raise Forbidden("You may not see how this collection is stored.")
    return access


async def aggregate_list(call: Call, name: str) -> None:
    """GET /db/{collection}/_aggregate."""
    access = await call.access(name, "read")
    asked = dialect.parse_aggregate(call.query, macros_of(access, call.core.clock()))
    await actions.check_there(call.core, name, access)
    rows = await textdb_of(call.core).use(
        name, lambda collection: call.core.db.read(aggregate, collection, asked, access, now=call.core.clock())
    )
    await call.answer_json(200, dump(rows))


async def run_batch(call: Call) -> None:
    """POST /db/_batch."""
    call.parameters()
    operations = read_operations(await call.body(MAX_BATCH_BYTES))
    done = await actions.run_batch(call.core, operations, await call.caller())
    results = []
    for written in done:
        body = f',"body":{written.text}' if written.text else ""
        results.append(f'{{"id":{json.dumps(written.id)},"seq":{written.seq},"change":"{written.change}"{body}}}')
    await call.answer_json(200, f'{{"results":[{",".join(results)}]}}')


async def list_collections(call: Call) -> None:
    """GET /db: the collections that the caller may read all of."""
    call.parameters()
    caller = await call.caller()
    if caller is None:
        raise Unauthorized("Log in, or send a token.")
    found = await call.core.db.read(list_figures)
    seen = [figures for figures in found if actions.access_of(caller, figures.name).reads]
    listed = [{"name": figures.name, "documents": figures.documents, "seq": figures.seq} for figures in seen]
    await call.answer_json(200, json.dumps(listed))
