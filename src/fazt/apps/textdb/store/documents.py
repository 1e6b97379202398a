"""Single documents: create, read, replace, change, delete. Every write takes the collection's next number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row

from fazt.apps.textdb.model.collection import Access, Action, Collection, MatchRequired, Stale
from fazt.apps.textdb.model.document import Body, Change, Conditions, Document, Written
from fazt.apps.textdb.model.expression import EVERYTHING, Expression
from fazt.apps.textdb.model.jsontext import dump, parse, tidy, with_member
from fazt.apps.textdb.model.naming import check_id, id_in, id_of, key_of
from fazt.apps.textdb.model.schema_check import check_value
from fazt.apps.textdb.store.collections import lock
from fazt.apps.textdb.store.history import archive, get_version
from fazt.apps.textdb.store.rules import permitted, satisfies
from fazt.apps.textdb.store.sql import dialect_of
from fazt.apps.textdb.store.statements import Statement, run
from fazt.apps.textdb.store.words import remove_words, set_words, value_at
from fazt.core.clock import SECOND
from fazt.core.db import wake
from fazt.core.errors import Conflict, Forbidden, Invalid, NotFound, OverQuota, PreconditionFailed, TooLarge
from fazt.core.events import Event, emit
from fazt.core.ids import new_id

SIGNAL = "textdb"
CHANGED = "textdb.changed"

BUMP = Statement(
    "UPDATE textdb_collection SET seq = seq + 1, told = told + 1, documents = documents + ?,"
    " tombstones = tombstones + ?, is_expiring = (is_expiring OR ?), revision = revision + ?"
    " WHERE id = ? AND revision = ? RETURNING seq, documents, tombstones, told"
)
COLUMNS = "rid, key, seq, created_at, updated_at, expires_at, user_id, body"
INSERT = Statement(
    "INSERT INTO textdb_document (rid, collection_id, key, seq, created_at, updated_at, expires_at, user_id, body, doc)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (collection_id, key) DO NOTHING",
    "INSERT INTO textdb_document (rid, collection_id, key, seq, created_at, updated_at, expires_at, user_id, body, doc)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb) ON CONFLICT (collection_id, key) DO NOTHING",
)
FIND = Statement(f"SELECT {COLUMNS} FROM textdb_document WHERE collection_id = ? AND key = ?")  # noqa: S608 - a constant
REPLACE = Statement(
    "UPDATE textdb_document SET seq = ?, updated_at = ?, expires_at = ?, body = ?, doc = ? WHERE rid = ?",
    "UPDATE textdb_document SET seq = ?, updated_at = ?, expires_at = ?, body = ?, doc = ?::jsonb WHERE rid = ?",
)
DELETE = Statement("DELETE FROM textdb_document WHERE rid = ?")
BURY = Statement("INSERT INTO textdb_tombstone (collection_id, key, seq, deleted_at) VALUES (?, ?, ?, ?)")
UNBURY = Statement("DELETE FROM textdb_tombstone WHERE collection_id = ? AND key = ?")
LESS_TOMBSTONES = Statement("UPDATE textdb_collection SET tombstones = tombstones - 1 WHERE id = ?")

Edit = Callable[[Any], Any]
"""A document's value in, its new value out."""


def get_document(conn: Connection, collection: Collection, id_: str, access: Access, *, now: int) -> Document:
    """One document. Raises NotFound, also for what the rules hide; Unauthorized or Forbidden where they hide all."""
    where = permitted(collection, "read", access, now)
    row = find_row(conn, collection, key_of(id_), now=now)
    if row is None or not satisfies(conn, collection, row.rid, where):
        raise missing(id_)
    return to_document(row)


def find_row(conn: Connection, collection: Collection, key: str, *, now: int) -> Row[Any] | None:
    """The row of a document that has not expired, or None."""
    row = run(conn, FIND, collection.id, key).one_or_none()
    return None if row is None or (row.expires_at is not None and row.expires_at <= now) else row


def missing(id_: str) -> NotFound:
    """There is no such document."""
    return NotFound(f"There is no document {id_!r} in this collection.")


def to_document(row: Row[Any]) -> Document:
    """A row as it is known outside."""
    return Document(row.key, row.body, row.seq, row.created_at, row.updated_at, row.expires_at, row.user_id)


def create_document(
    conn: Connection, collection: Collection, body: Body, access: Access, *, now: int, ttl: int | None = None
) -> Written:
    """Save a document under its own id or a new one. `ttl` is in seconds. Raises Conflict where the id is taken."""
    lock(conn)
    where = permitted(collection, "create", access, now)
    if body.id is not None and collection.is_expiring:
        find_living(conn, collection, body.id, now=now)  # what has expired there makes room
    return insert(conn, collection, body, body.id or new_id(now), access, where, now, ttl)


def put_document(
    conn: Connection,
    collection: Collection,
    id_: str,
    body: Body,
    access: Access,
    conditions: Conditions,
    *,
    now: int,
    ttl: int | None = None,
) -> Written:
    """Create or replace. Raises PreconditionFailed, MatchRequired, and Invalid for another id in the body."""
    lock(conn)
    check_id(id_)
    if body.id is not None and body.id != id_:
        raise Invalid(f"The body has the id {body.id!r}, but the address says {id_!r}.")
    old = find_living(conn, collection, id_, now=now)
    if old is None:
        check_conditions(collection, conditions, None)
        return insert(conn, collection, body, id_, access, permitted(collection, "create", access, now), now, ttl)
    check_changeable(conn, collection, old, "update", access, conditions, now)
    return replace(conn, collection, old, body, access, now, ttl, keeps_end=False)


def edit_document(
    conn: Connection,
    collection: Collection,
    id_: str,
    edit: Edit,
    access: Access,
    conditions: Conditions,
    *,
    now: int,
    ttl: int | None = None,
    upsert: bool = False,
) -> Written:
    """Change a document by `edit`. With `upsert`, a missing one is made from an empty object. Raises NotFound."""
    lock(conn)
    old = find_living(conn, collection, id_, now=now)
    if old is None:
        if not upsert:
            permitted(collection, "update", access, now)
            raise missing(id_)
        check_conditions(collection, conditions, None)
        body = to_body(edit({}))
        where = permitted(collection, "create", access, now)
        return insert(conn, collection, body, check_id(id_), access, where, now, ttl)
    check_changeable(conn, collection, old, "update", access, conditions, now)
    body = to_body(edit(parse(old.body)))
    if body.id is not None and body.id != id_:
        raise Invalid("A change cannot give a document another id.")
    return replace(conn, collection, old, body, access, now, ttl, keeps_end=True)


def delete_document(
    conn: Connection, collection: Collection, id_: str, access: Access, conditions: Conditions, *, now: int
) -> Written:
    """Delete a document; the feed tells it, and the history keeps it. Raises NotFound."""
    lock(conn)
    old = find_living(conn, collection, id_, now=now)
    if old is None:
        permitted(collection, "delete", access, now)
        raise missing(id_)
    check_changeable(conn, collection, old, "delete", access, conditions, now)
    return remove(conn, collection, old, now)


def restore_version(
    conn: Connection,
    collection: Collection,
    id_: str,
    access: Access,
    conditions: Conditions,
    *,
    seq: int | None,
    at: int | None,
    now: int,
) -> Written:
    """Write an older version again, by its number or its time, also of what was deleted. Raises NotFound."""
    lock(conn)
    version = get_version(conn, collection, id_, access, now=now, seq=seq, at=at)
    value = parse(version.text)
    body = Body(version.text, value, id_in(value))
    return put_document(conn, collection, id_, body, access, conditions, now=now)


def to_body(value: Any) -> Body:
    """A value that was worked out here, as text to keep."""
    return Body(tidy(dump(value)), value, id_in(value))


def find_living(conn: Connection, collection: Collection, id_: str, *, now: int) -> Row[Any] | None:
    """The row of a document for a write: one that has expired is deleted first."""
    row = run(conn, FIND, collection.id, key_of(id_)).one_or_none()
    if row is not None and row.expires_at is not None and row.expires_at <= now:
        remove(conn, collection, row, now)
        return None
    return row


def check_conditions(collection: Collection, conditions: Conditions, etag: str | None) -> None:
    """If-Match and If-None-Match against what is there (None: nothing). Raises PreconditionFailed, MatchRequired."""
    if conditions.match is not None:
        if etag is None or (conditions.match != ("*",) and etag not in conditions.match):
            raise PreconditionFailed("The document was changed since you read it.", hint="Read it again.")
    elif etag is not None and collection.settings.require_match:
        raise MatchRequired(
            "This collection wants If-Match with every change.", hint="Send the ETag that you got with the document."
        )
    if conditions.none_match is not None and etag is not None:
        tags = [tag.removeprefix("W/") for tag in conditions.none_match]
        if tags == ["*"] or etag in tags:
            raise PreconditionFailed("There is such a document already.")


def check_changeable(
    conn: Connection,
    collection: Collection,
    old: Row[Any],
    action: Action,
    access: Access,
    conditions: Conditions,
    now: int,
) -> None:
    """Raise NotFound for what the rules hide, Forbidden for what they protect, PreconditionFailed by `conditions`."""
    if not satisfies(conn, collection, old.rid, permitted(collection, action, access, now)):
        if satisfies(conn, collection, old.rid, permitted(collection, "read", access, now)):
            raise Forbidden(f"You may not {action} this document.")
        raise missing(id_of(old.key))
    check_conditions(collection, conditions, f'"{old.seq}"')


def bump(
    conn: Connection, collection: Collection, *, documents: int = 0, tombstones: int = 0, expires: bool = False
) -> Row[Any]:
    """Take the collection's next number. Raises Stale when its settings were changed since it was looked up."""
    begins = expires and not collection.is_expiring
    values = (documents, tombstones, expires, int(begins), collection.id, collection.revision)
    row: Row[Any] | None = run(conn, BUMP, *values).one_or_none()
    if row is None:
        raise Stale("The collection was changed in the same moment.", hint="Try again.")
    return row


def tell(conn: Connection, collection: Collection, state: Row[Any], id_: str, change: Change, now: int) -> None:
    """Wake the live feeds, and tell an event: for each write, or for the first since the last one was heard."""
    wake(conn, f"{SIGNAL}/{collection.id}")
    mode = collection.settings.events
    if mode == "each" or (mode == "batch" and state.told == 1):
        data = {"collection": collection.name, "since": state.seq - 1, "seq": state.seq, "id": id_, "change": change}
        emit(conn, Event(CHANGED, data, key=collection.name), now=now)


def insert(
    conn: Connection,
    collection: Collection,
    body: Body,
    id_: str,
    access: Access,
    where: Expression,
    now: int,
    ttl: int | None,
) -> Written:
    """A new document. Raises Conflict where the id is taken, OverQuota where the collection is full."""
    text, value = complete(collection, body, id_, access)
    key, end = key_of(id_), end_of(collection, now, ttl)
    state = bump(conn, collection, documents=1, expires=end is not None)
    if 0 < collection.settings.max_documents < state.documents:
        raise OverQuota(f"This collection holds at most {collection.settings.max_documents} documents.")
    rid, doc = collection.first + state.seq, dialect_of(conn).to_doc(text)
    row = (rid, collection.id, key, state.seq, now, now, end, access.user_id, text, doc)
    if run(conn, INSERT, *row).rowcount == 0:
        raise Conflict(f"There is a document {id_!r} already.", hint="PUT replaces it.")
    if where != EVERYTHING and not satisfies(conn, collection, rid, where):
        raise Forbidden("The rules of this collection do not let you add such a document.")
    if state.tombstones and run(conn, UNBURY, collection.id, key).rowcount:
        run(conn, LESS_TOMBSTONES, collection.id)
    set_words(conn, collection, rid, value, is_new=True)
    tell(conn, collection, state, id_, "created", now)
    return Written(id_, state.seq, "created", text)


def replace(
    conn: Connection,
    collection: Collection,
    old: Row[Any],
    body: Body,
    access: Access,
    now: int,
    ttl: int | None,
    *,
    keeps_end: bool,
) -> Written:
    """A new version of the document in the row `old`."""
    id_ = id_of(old.key)
    text, value = complete(collection, body, id_, access, before=old.body)
    end = old.expires_at if keeps_end and ttl is None else end_of(collection, now, ttl)
    state = bump(conn, collection, expires=end is not None)
    archive(conn, collection, old, now, state.seq)
    run(conn, REPLACE, state.seq, max(now, old.updated_at), end, text, dialect_of(conn).to_doc(text), old.rid)
    if not satisfies(conn, collection, old.rid, permitted(collection, "update", access, now)):
        raise Forbidden("The rules of this collection do not let you change the document like this.")
    set_words(conn, collection, old.rid, value, is_new=False)
    tell(conn, collection, state, id_, "updated", now)
    return Written(id_, state.seq, "updated", text)


def remove(conn: Connection, collection: Collection, old: Row[Any], now: int) -> Written:
    """Delete the document in the row `old`."""
    id_ = id_of(old.key)
    state = bump(conn, collection, documents=-1, tombstones=1)
    archive(conn, collection, old, now, state.seq)
    run(conn, DELETE, old.rid)
    run(conn, BURY, collection.id, old.key, state.seq, now)
    remove_words(conn, collection, old.rid)
    tell(conn, collection, state, id_, "deleted", now)
    return Written(id_, state.seq, "deleted", "")


def end_of(collection: Collection, now: int, ttl: int | None) -> int | None:
    """When a document written now expires, or None. A `ttl` of 0 is for ever, None the collection's own."""
    seconds = collection.settings.ttl_seconds if ttl is None else ttl
    return now + seconds * SECOND if seconds else None


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
