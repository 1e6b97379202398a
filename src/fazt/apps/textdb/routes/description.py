"""The OpenAPI description of /db, at /db/_openapi.json."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from fazt import __version__
from fazt.apps.textdb.model.collection import MAX_BYTES
from fazt.apps.textdb.model.naming import COLLECTION, MAX_ID
from fazt.apps.textdb.routes.call import MAX_TTL, Call
from fazt.apps.textdb.wire.lines import CSV, NDJSON
from fazt.apps.textdb.wire.patch import MERGE, PATCH, UPDATE
from fazt.apps.textdb.wire.query import FIGURES

Json = dict[str, Any]

PROBLEMS = {
    400: "The request makes no sense; the detail says what and where.",
    401: "Log in, or send a token.",
    403: "The rules of the collection, or the scopes of the token, do not allow it.",
    404: "No such collection or document, or none that you may see.",
    405: "This method does nothing here; Allow names those that do.",
    409: "The id is taken, or the change does not fit what is there.",
    412: "It changed since you looked (If-Match, If-None-Match).",
    413: "The document or the body is larger than this collection allows.",
    428: "This collection wants If-Match with every change.",
    429: "Too often; Retry-After says when to try again.",
    503: "Not now; try again.",
    507: "The collection or the disk is full.",
}
ANY_JSON: Json = {"description": "Any JSON value."}
WHOLE: Json = {"type": "integer", "minimum": 0, "maximum": 2**53}
TEXT: Json = {"type": "string"}


def answers(status: int, what: str, content: Json | None = None, **headers: str) -> Json:
    """The answers of an operation: the one that is hoped for, 304 where it has a tag, and every problem."""
    good: Json = {"description": what}
    if content is not None:
        good["content"] = content
    if headers:
        good["headers"] = {
            name.replace("_", "-"): {"description": text, "schema": TEXT} for name, text in headers.items()
        }
    found: Json = {str(status): good}
    found |= {str(code): {"$ref": f"#/components/responses/{code}"} for code in PROBLEMS}
    return found


def as_json(schema: Json) -> Json:
    """A body in JSON."""
    return {"application/json": {"schema": schema}}


def query(name: str, schema: Json, what: str) -> Json:
    """A parameter of the query."""
    return {"name": name, "in": "query", "description": what, "schema": schema}


def header(name: str, what: str) -> Json:
    """A header of the request."""
    return {"name": name, "in": "header", "description": what, "schema": TEXT}


COLLECTION_NAME: Json = {
    "name": "collection",
    "in": "path",
    "required": True,
    "description": "It appears with its first document.",
    "schema": {"type": "string", "pattern": f"^{COLLECTION.pattern}$"},
}
DOCUMENT_ID: Json = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": r"^[^_/\x00-\x1f\x7f][^/\x00-\x1f\x7f]*$", "maxLength": MAX_ID},
}
IF_MATCH = header("If-Match", "Only if the document still has this tag.")
IF_NONE_MATCH = header("If-None-Match", "`*`: only if there is none yet. On reads: 304 where it has this tag.")
TTL = query("_ttl", {"type": "integer", "minimum": 0, "maximum": MAX_TTL}, "Seconds after which the document ends.")
WHERE = query("where", TEXT, 'A filter: `a.b >= 3 && tags ?= "x"`.')
WORDS = query("q", TEXT, "Documents with these words.")
LIST = (
    WHERE,
    WORDS,
    query("_sort", TEXT, "Fields, by commas; `-` before one turns it around."),
    query("_order", TEXT, "`asc` or `desc` for each field of _sort."),
    query("_page", {"type": "integer", "minimum": 1, "maximum": 10**6}, "A page by its number, from 1."),
    query("_limit", {"type": "integer", "minimum": 0, "maximum": 1_000}, "How many."),
    query("_start", WHOLE, "From this place on."),
    query("_end", WHOLE, "Up to this place."),
    query("_fields", TEXT, "Only these fields, by commas."),
    query("_cursor", TEXT, "The next piece: empty at first, then X-Next-Cursor."),
    query("_meta", {"type": "boolean"}, "Each document in an envelope with its metadata."),
    query("_count", {"type": "boolean"}, "Whether X-Total-Count is wanted."),
)


def body(content: Json) -> Json:
    """What a request has to bring."""
    return {"required": True, "content": content}


def operation(summary: str, responses: Json, parameters: tuple[Json, ...] = (), **more: Any) -> Json:
    """One method of one address."""
    return {"summary": summary, "parameters": list(parameters), "responses": responses, **more}


def of_all() -> Json:
    """Addresses above collections."""
    batch = {"type": "object", "required": ["operations"], "properties": {"operations": {"type": "array"}}}
    listed = {"type": "array", "items": {"type": "object"}}
    return {
        "/db": {"get": operation("The collections that you may read all of", answers(200, "Them.", as_json(listed)))},
        "/db/_batch": {
            "post": operation(
                "Several writes over several collections: all, or none",
                answers(200, "What each did.", as_json({"type": "object"})),
                requestBody=body(as_json(batch)),
            )
        },
    }


def of_collection() -> Json:
    """The addresses of a collection itself."""
    return {
        "/db/{collection}": {
            "get": operation(
                "A list; any other parameter is a filter: `status=open`, `views_gte=10`, `author.name_like=an`",
                answers(
                    200,
                    "The documents.",
                    as_json({"type": "array"}),
                    X_Total_Count="How many there are in all.",
                    Link="Other pages (RFC 8288).",
                    ETag="The list's tag.",
                ),
                LIST,
            ),
            "post": operation(
                "Save a document under its own id, or a new one that sorts by time",
                answers(201, "The document.", as_json(ANY_JSON), Location="Where it is.", ETag="Its tag."),
                (TTL,),
                requestBody=body(as_json(ANY_JSON)),
            ),
        },
    }


def of_questions() -> Json:
    """Other questions to a collection: the feed, the plan of a list, figures."""
    number = {"type": "integer", "minimum": 0, "maximum": 10**17}
    since = query("since", {"anyOf": [number, {"const": "now"}]}, "The number to go on from.")
    feed = query("feed", {"enum": ["normal", "longpoll"]}, "At once, or as soon as there is something.")
    wait = query("timeout", {"type": "integer", "minimum": 0, "maximum": 1_000}, "Milliseconds that a long poll waits.")
    few = query("limit", {"type": "integer", "minimum": 1, "maximum": 1_000}, "How many.")
    figures = tuple(query(f"_{name}", TEXT, f"Fields of which to tell the {name}.") for name in FIGURES)
    return {
        "/db/{collection}/_changes": {
            "get": operation(
                "What was written since",
                answers(200, "Changes, and where to go on.", as_json({"type": "object"})),
                (since, few, feed, wait, WHERE, WORDS),
            )
        },
        "/db/{collection}/_explain": {
            "get": operation("How a list is found", answers(200, "The plan.", as_json({"type": "object"})), LIST)
        },
        "/db/{collection}/_aggregate": {
            "get": operation(
                "Counts, sums and averages",
                answers(200, "A row for each group.", as_json({"type": "array"})),
                (*figures, query("_group", TEXT, "Fields that part the rows."), few | {"name": "_limit"}, WHERE, WORDS),
            )
        },
    }


def of_transfers() -> Json:
    """Many documents in and out."""
    lines: Json = {kind: {"schema": TEXT} for kind in (NDJSON, CSV)}
    return {
        "/db/{collection}/_export": {
            "get": operation(
                "Everything, as lines",
                answers(200, "One document a line.", lines),
                (query("format", {"enum": ["ndjson", "csv"]}, "Which lines."), WHERE, WORDS),
            )
        },
        "/db/{collection}/_import": {
            "post": operation(
                "Many documents, as lines",
                answers(200, "How many were taken, and what was wrong with the others.", as_json({"type": "object"})),
                (query("mode", {"enum": ["put", "create"]}, "Whether those with an id replace."),),
                requestBody=body(lines),
            )
        },
    }


def of_document() -> Json:
    """Addresses of a document."""
    written = answers(200, "The document as it is now.", as_json(ANY_JSON), ETag="Its tag.")
    created = answers(201, "It is new.", as_json(ANY_JSON), Location="Where it is.", ETag="Its tag.")
    patches: Json = {kind: {"schema": ANY_JSON} for kind in (MERGE, PATCH, UPDATE)}
    seen = answers(200, "The document.", as_json(ANY_JSON), ETag="Its tag.")
    version = {"type": "object", "properties": {"seq": {"type": "integer"}, "at": TEXT}}
    return {
        "/db/{collection}/{id}": {
            "get": operation(
                "A document, now or at another time",
                seen | {"304": {"description": "You have it."}},
                (query("at", {"type": "string", "format": "date-time"}, "As it was then."), LIST[10], IF_NONE_MATCH),
            ),
            "put": operation(
                "Create or replace",
                created | written,
                (TTL, IF_MATCH, IF_NONE_MATCH),
                requestBody=body(as_json(ANY_JSON)),
            ),
            "patch": operation(
                "Change: JSON Merge Patch (RFC 7396), JSON Patch (RFC 6902), or $inc and its kin",
                created | written,
                (TTL, query("_upsert", {"type": "boolean"}, "Whether it may be new."), IF_MATCH),
                requestBody=body(patches),
            ),
            "delete": operation("Delete", answers(200, "It is gone.", as_json({"type": "object"})), (IF_MATCH,)),
        },
        "/db/{collection}/{id}/_history": {
            "get": operation("Its versions that are kept", answers(200, "Newest first.", as_json({"type": "array"})))
        },
        "/db/{collection}/{id}/_restore": {
            "post": operation(
                "Make an older version the newest", created | written, (IF_MATCH,), requestBody=body(as_json(version))
            )
        },
    }


@lru_cache(maxsize=1)
def description() -> str:
    """The whole of it as JSON."""
    problem = {"type": "object", "properties": {"title": TEXT, "detail": TEXT, "status": {"type": "integer"}}}
    found = {**of_collection(), **of_questions(), **of_transfers()}
    collections = {path: item | {"parameters": [COLLECTION_NAME]} for path, item in found.items()}
    documents = {path: item | {"parameters": [COLLECTION_NAME, DOCUMENT_ID]} for path, item in of_document().items()}
    responses = {
        str(code): {"description": text, "content": {"application/problem+json": {"schema": problem}}}
        for code, text in PROBLEMS.items()
    }
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "fazt TextDB",
                "version": __version__,
                "description": f"JSON documents in collections. A document has at most {MAX_BYTES:,} bytes unless set.",
            },
            "paths": {**of_all(), **collections, **documents},
            "components": {
                "responses": responses,
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer"},
                    "password": {"type": "http", "scheme": "basic"},
                },
            },
            "security": [{"token": []}, {"password": []}, {}],
        }
    )


async def describe(call: Call) -> None:
    """GET /db/_openapi.json: public, since it tells nothing of what is kept."""
    call.parameters()
    await call.answer_json(200, description())
