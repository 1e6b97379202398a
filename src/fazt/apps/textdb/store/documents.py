"""Single documents: create, read, replace, change, delete. Every write takes the collection's next number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from fazt.apps.textdb.model.collection import Access, Action, Collection, MatchRequired
from fazt.apps.textdb.model.document import Body, Conditions, Document, Written
from fazt.apps.textdb.model.jsontext import dump, parse, tidy
from fazt.apps.textdb.model.naming import check_id, id_in, id_of, key_of
from fazt.apps.textdb.store.collections import lock
from fazt.apps.textdb.store.history import archive, get_version
from fazt.apps.textdb.store.rules import permitted, satisfies
from fazt.apps.textdb.store.sql import dialect_of
from fazt.apps.textdb.store.statements import Statement, run
from fazt.apps.textdb.store.words import set_words
from fazt.apps.textdb.store.writing import (
    FIND,
    Draft,
    bump,
    complete,
    end_of,
    find_living,
    insert,
    remove,
    tell,
    to_draft,
)
from fazt.core.db import attempt
from fazt.core.errors import FaztError, Forbidden, Invalid, NotFound, PreconditionFailed
from fazt.core.ids import new_id

REPLACE = Statement(
    "UPDATE textdb_document SET seq = ?, updated_at = ?, expires_at = ?, body = ?, doc = ? WHERE rid = ?",
    "UPDATE textdb_document SET seq = ?, updated_at = ?, expires_at = ?, body = ?, doc = ?::jsonb WHERE rid = ?",
)

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


class New(msgspec.Struct, frozen=True):
    """A document that somebody wants to save, under its own id or a new one. `ttl` is in seconds."""

    collection: Collection
    body: Body
    access: Access
    now: int
    ttl: int | None = None


def create_document(
    conn: Connection, collection: Collection, body: Body, access: Access, *, now: int, ttl: int | None = None
) -> Written:
    """Save a document under its own id or a new one. `ttl` is in seconds. Raises Conflict where the id is taken."""
    lock(conn)
    return insert(conn, collection, [draft_of(conn, New(collection, body, access, now, ttl))])[0]


def draft_of(conn: Connection, new: New) -> Draft:
    """What is to be kept, if it is allowed and fits."""
    where = permitted(new.collection, "create", new.access, new.now)
    if new.body.id is not None and new.collection.is_expiring:
        find_living(conn, new.collection, new.body.id, now=new.now)  # what has expired there makes room
    id_ = new.body.id or new_id(new.now)
    return to_draft(new.collection, new.body, id_, new.access, where, new.now, new.ttl)


def create_documents(conn: Connection, news: Sequence[New]) -> list[Written | FaztError]:
    """Save documents of many people; each fails by itself, with the error that create_document would raise."""
    lock(conn)
    answers: dict[int, Written | FaztError] = {}
    collections: dict[tuple[int, int], list[int]] = {}
    for place, new in enumerate(news):
        collections.setdefault((new.collection.id, new.collection.revision), []).append(place)
    for places in collections.values():
        answers.update(zip(places, create_together(conn, [news[place] for place in places]), strict=True))
    return [answers[place] for place in range(len(news))]


def create_together(conn: Connection, news: Sequence[New]) -> list[Written | FaztError]:
    """Documents of one collection, in one statement where none of them is in the way."""
    prepared = [draft_or_error(conn, new) for new in news]
    drafts = [draft for draft in prepared if isinstance(draft, Draft)]
    if not drafts:
        return [error for error in prepared if isinstance(error, FaztError)]
    try:
        with attempt(conn):
            written = iter(insert(conn, news[0].collection, drafts))
    except FaztError as error:
        if len(news) == 1:
            return [error]
        return [create_together(conn, [new])[0] for new in news]
    return [one if isinstance(one, FaztError) else next(written) for one in prepared]


def draft_or_error(conn: Connection, new: New) -> Draft | FaztError:
    """What is to be kept, or why not."""
    try:
        return draft_of(conn, new)
    except FaztError as error:
        return error


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
        where = permitted(collection, "create", access, now)
        return insert(conn, collection, [to_draft(collection, body, id_, access, where, now, ttl)])[0]
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
        return insert(conn, collection, [to_draft(collection, body, check_id(id_), access, where, now, ttl)])[0]
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
    written = Written(id_, state.seq, "updated", text)
    tell(conn, collection, state.told, [written], now)
    return written
