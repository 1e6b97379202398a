"""The steps of a write: the next number, what is kept of a body, new rows, rows that go, and who is told."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from fazt.apps.textdb.model.collection import Access, Collection, Stale
from fazt.apps.textdb.model.document import Body, Written
from fazt.apps.textdb.model.expression import EVERYTHING, Expression
from fazt.apps.textdb.model.jsontext import dump, parse, with_member
from fazt.apps.textdb.model.naming import id_of, key_of
from fazt.apps.textdb.model.schema_check import check_value
from fazt.apps.textdb.store.collections import SIGNAL
from fazt.apps.textdb.store.history import archive
from fazt.apps.textdb.store.rules import satisfies
from fazt.apps.textdb.store.sql import dialect_of
from fazt.apps.textdb.store.statements import Statement, run
from fazt.apps.textdb.store.words import remove_words, set_words, value_at
from fazt.core.clock import SECOND
from fazt.core.db import wake
from fazt.core.errors import Conflict, Forbidden, OverQuota, TooLarge
from fazt.core.events import Event, emit

CHANGED = "textdb.changed"
ROWS_AT_ONCE = 32

BUMP = Statement(
    "UPDATE textdb_collection SET seq = seq + ?, told = told + 1, documents = documents + ?,"
    " tombstones = tombstones + ?, is_expiring = (is_expiring OR ?), revision = revision + ?"
    " WHERE id = ? AND revision = ? RETURNING seq, documents, tombstones, told"
)
COLUMNS = "rid, key, seq, created_at, updated_at, expires_at, user_id, body"
FIND = Statement(f"SELECT {COLUMNS} FROM textdb_document WHERE collection_id = ? AND key = ?")  # noqa: S608 - a constant
DELETE = Statement("DELETE FROM textdb_document WHERE rid = ?")
BURY = Statement("INSERT INTO textdb_tombstone (collection_id, key, seq, deleted_at) VALUES (?, ?, ?, ?)")
UNBURY = Statement("DELETE FROM textdb_tombstone WHERE collection_id = ? AND key = ?")
LESS_TOMBSTONES = Statement("UPDATE textdb_collection SET tombstones = tombstones - 1 WHERE id = ?")


@lru_cache(2 * ROWS_AT_ONCE)
def insert_of(rows: int) -> Statement:
    """The statement that adds so many documents; it gives the interpreter's lock back once for all of them."""
    text = (
        "INSERT INTO textdb_document (rid, collection_id, key, seq, created_at, updated_at, expires_at, user_id, body,"
        " doc) VALUES {} ON CONFLICT (collection_id, key) DO NOTHING"
    )
    values = "?, ?, ?, ?, ?, ?, ?, ?, ?"
    return Statement(
        text.format(", ".join([f"({values}, ?)"] * rows)), text.format(", ".join([f"({values}, ?::jsonb)"] * rows))
    )


class Draft(msgspec.Struct, frozen=True):
    """A new document as it will be kept. `where` is what the rules want of it; times in ms."""

    id: str
    text: str
    value: Any
    user_id: str
    where: Expression
    now: int
    expires_at: int | None


def to_draft(
    collection: Collection, body: Body, id_: str, access: Access, where: Expression, now: int, ttl: int | None
) -> Draft:
    """A body as a new document. Raises what `complete` raises."""
    text, value = complete(collection, body, id_, access)
    return Draft(id_, text, value, access.user_id, where, now, end_of(collection, now, ttl))


def insert(conn: Connection, collection: Collection, drafts: Sequence[Draft]) -> list[Written]:
    """New documents, numbered in their order.

    Raises Conflict where an id is taken, OverQuota where the collection is full, Forbidden by its rules; for several,
    that is of one of them, and nothing of all may be kept.
    """
    count = len(drafts)
    state = bump(conn, collection, count, documents=count, expires=any(draft.expires_at for draft in drafts))
    if 0 < collection.settings.max_documents < state.documents:
        raise OverQuota(f"This collection holds at most {collection.settings.max_documents} documents.")
    first = state.seq - count + 1
    insert_rows(conn, collection, first, drafts)
    for seq, draft in enumerate(drafts, first):
        finish(conn, collection, collection.first + seq, draft, was_deleted=bool(state.tombstones))
    written = [Written(draft.id, seq, "created", draft.text) for seq, draft in enumerate(drafts, first)]
    tell(conn, collection, state.told, written, drafts[0].now)
    return written


def insert_rows(conn: Connection, collection: Collection, first: int, drafts: Sequence[Draft]) -> None:
    """The rows themselves, with the numbers from `first` on."""
    to_doc = dialect_of(conn).to_doc
    rows = [
        (
            collection.first + seq,
            collection.id,
            key_of(draft.id),
            seq,
            draft.now,
            draft.now,
            draft.expires_at,
            draft.user_id,
            draft.text,
            to_doc(draft.text),
        )
        for seq, draft in enumerate(drafts, first)
    ]
    for begin in range(0, len(rows), ROWS_AT_ONCE):
        piece = rows[begin : begin + ROWS_AT_ONCE]
        if run(conn, insert_of(len(piece)), *chain.from_iterable(piece)).rowcount != len(piece):
            raise Conflict(f"There is a document {drafts[begin].id!r} already.", hint="PUT replaces it.")


def finish(conn: Connection, collection: Collection, rid: int, draft: Draft, *, was_deleted: bool) -> None:
    """What else a new row means: it satisfies the rules, is no longer a deleted one, and its words are found."""
    if draft.where != EVERYTHING and not satisfies(conn, collection, rid, draft.where):
        raise Forbidden("The rules of this collection do not let you add such a document.")
    if was_deleted and run(conn, UNBURY, collection.id, key_of(draft.id)).rowcount:
        run(conn, LESS_TOMBSTONES, collection.id)
    set_words(conn, collection, rid, draft.value, is_new=True)


def bump(
    conn: Connection,
    collection: Collection,
    count: int = 1,
    *,
    documents: int = 0,
    tombstones: int = 0,
    expires: bool = False,
) -> Row[Any]:
    """Take the collection's next numbers; `seq` is the last. Raises Stale when its settings were changed meanwhile."""
    begins = expires and not collection.is_expiring
    values = (count, documents, tombstones, expires, int(begins), collection.id, collection.revision)
    row: Row[Any] | None = run(conn, BUMP, *values).one_or_none()
    if row is None:
        raise Stale("The collection was changed in the same moment.", hint="Try again.")
    return row


def tell(conn: Connection, collection: Collection, told: int, written: Sequence[Written], now: int) -> None:
    """Wake the live feeds, and tell an event: for each write, or for the first since the last one was heard."""
    wake(conn, f"{SIGNAL}/{collection.id}")
    mode = collection.settings.events
    for one in written if mode == "each" else written[:1] if mode == "batch" and told == 1 else ():
        data = {
            "collection": collection.name,
            "since": one.seq - 1,
            "seq": one.seq,
            "id": one.id,
            "change": one.change,
        }
        emit(conn, Event(CHANGED, data, key=collection.name), now=now)


def find_living(conn: Connection, collection: Collection, id_: str, *, now: int) -> Row[Any] | None:
    """The row of a document for a write: one that has expired is deleted first."""
    row = run(conn, FIND, collection.id, key_of(id_)).one_or_none()
    if row is not None and row.expires_at is not None and row.expires_at <= now:
        remove(conn, collection, row, now)
        return None
    return row


def remove(conn: Connection, collection: Collection, old: Row[Any], now: int) -> Written:
    """Delete the document in the row `old`."""
    id_ = id_of(old.key)
    state = bump(conn, collection, documents=-1, tombstones=1)
    archive(conn, collection, old, now, state.seq)
    run(conn, DELETE, old.rid)
    run(conn, BURY, collection.id, old.key, state.seq, now)
    remove_words(conn, collection, old.rid)
    written = Written(id_, state.seq, "deleted", "")
    tell(conn, collection, state.told, [written], now)
    return written


def complete(
    collection: Collection, body: Body, id_: str, access: Access, before: str | None = None
) -> tuple[str, Any]:
    """Text and value of a body with its id and its owner in it. Raises Invalid by the schema, TooLarge, Forbidden."""
    text, value = body.text, body.value
    if isinstance(value, dict) and value.get("id") is None:
        own: Any = id_
        if before is not None:
            there = parse(before)
            own = there.get("id", id_) if isinstance(there, dict) else id_
        value = {name: item for name, item in value.items() if name != "id"}
        text = with_member(dump(value) if "id" in body.value else text, value, "id", own)  # type: ignore[operator]
        value = {**value, "id": own}
    settings = collection.settings
    if settings.owner_field and not access.writes and before is None:
        text, value = with_owner(settings.owner_field, text, value, access)
    if len(text.encode()) > settings.max_bytes:
        raise TooLarge(f"A document of this collection has at most {settings.max_bytes} bytes.")
    if settings.schema is not None:
        check_value(settings.schema, value)
    return text, value


def with_owner(field: str, text: str, value: Any, access: Access) -> tuple[str, Any]:
    """The body with whose it is. Raises Forbidden where it claims to be somebody else's."""
    said = value_at(value, field)
    if said is not None:
        if said != access.user_id or not access.user_id:
            raise Forbidden(f"The field {field!r} says whose a document is; it cannot be somebody else's.")
        return text, value
    if not access.user_id or not isinstance(value, dict) or "." in field or field in value:
        raise Forbidden(f"The field {field!r} says whose a document is; it has to hold your id.")
    return with_member(text, value, field, access.user_id), {**value, field: access.user_id}


def end_of(collection: Collection, now: int, ttl: int | None) -> int | None:
    """When a document written now expires, or None. A `ttl` of 0 is for ever, None the collection's own."""
    seconds = collection.settings.ttl_seconds if ttl is None else ttl
    return now + seconds * SECOND if seconds else None
