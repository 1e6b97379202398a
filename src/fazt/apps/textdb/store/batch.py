"""Batches: many writes over several collections, all or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from fazt.apps.textdb.model.collection import Access
from fazt.apps.textdb.model.document import Body, Conditions, Written
from fazt.apps.textdb.model.jsontext import dump, read, tidy
from fazt.apps.textdb.model.naming import id_in
from fazt.apps.textdb.store.collections import ensure_collection, get_collection, lock
from fazt.apps.textdb.store.documents import create_document, delete_document, edit_document, put_document
from fazt.apps.textdb.wire import patch
from fazt.core.errors import FaztError, Invalid

MAX_OPERATIONS = 1_000
KINDS = {"merge": patch.MERGE, "patch": patch.PATCH, "update": patch.UPDATE}


class Operation(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """One write. `if_match`/`if_none_match` are entity tags as in the headers; `ttl` is in seconds.

    `create`, `put`, `delete`; `merge` (RFC 7396), `patch` (RFC 6902) and `update` (modifiers) take a body of that
    kind; with `upsert` they make what is missing.
    """

    op: Literal["create", "put", "merge", "patch", "update", "delete"]
    collection: str
    id: str | int | None = None
    body: Any = msgspec.UNSET
    if_match: str | None = None
    if_none_match: str | None = None
    ttl: int | None = None
    upsert: bool = False


def read_operations(data: bytes) -> list[Operation]:
    """The body of a batch: `{"operations": […]}` or the list itself. Raises Invalid."""
    _, value = read(data)
    listed = value.get("operations") if isinstance(value, dict) else value
    if not isinstance(listed, list) or not 1 <= len(listed) <= MAX_OPERATIONS:
        raise Invalid(f"A batch is a list of 1 to {MAX_OPERATIONS} operations.")
    try:
        return msgspec.convert(listed, list[Operation])
    except msgspec.ValidationError as error:
        raise Invalid(f"The batch is wrong: {error}.") from error


def run_batch(
    conn: Connection, operations: list[Operation], access: Mapping[str, Access], *, now: int
) -> list[Written]:
    """Do all of them in their order, or none; `access` is by collection.

    What one raises says in its details which (`operation`, from 0).
    """
    lock(conn)
    done = []
    for number, operation in enumerate(operations):
        try:
            done.append(run_operation(conn, operation, access[operation.collection], now))
        except FaztError as error:
            error.details["operation"] = number
            error.message = f"Operation {number}: {error.message}"
            raise
    return done


def run_operation(conn: Connection, operation: Operation, access: Access, now: int) -> Written:
    """One write of a batch."""
    makes = operation.op in {"create", "put"} or operation.upsert
    open_collection = ensure_collection if makes and access.writes else _get_collection
    collection = open_collection(conn, operation.collection, now=now)
    conditions = Conditions(to_tags(operation.if_match), to_tags(operation.if_none_match))
    if operation.op != "delete" and operation.body is msgspec.UNSET:
        raise Invalid("it has no body.")
    if operation.op == "create":
        body = to_body(operation)
        return create_document(conn, collection, body, access, now=now, ttl=operation.ttl)
    if operation.id is None:
        raise Invalid("it names no id.")
    id_ = str(operation.id)
    if operation.op == "put":
        body = to_body(operation)
        return put_document(conn, collection, id_, body, access, conditions, now=now, ttl=operation.ttl)
    if operation.op == "delete":
        return delete_document(conn, collection, id_, access, conditions, now=now)
    kind = KINDS[operation.op]
    return edit_document(
        conn,
        collection,
        id_,
        lambda value: patch.apply(kind, value, operation.body),
        access,
        conditions,
        now=now,
        ttl=operation.ttl,
        upsert=operation.upsert,
    )


def _get_collection(conn: Connection, name: str, *, now: int) -> Any:  # noqa: ARG001 - called like ensure_collection
    return get_collection(conn, name)


def to_body(operation: Operation) -> Body:
    """The body of a create or put; its id may stand beside it."""
    value = operation.body
    if operation.op == "create" and operation.id is not None and isinstance(value, dict) and value.get("id") is None:
        value = {**{name: item for name, item in value.items() if name != "id"}, "id": operation.id}
    return Body(tidy(dump(value)), value, id_in(value))


def to_tags(header: str | None) -> tuple[str, ...] | None:
    """Entity tags as they stand in a header, or bare."""
    if header is None:
        return None
    return tuple(tag if tag.startswith(('"', "W/", "*")) else f'"{tag}"' for tag in header.replace(" ", "").split(","))
