"""The index of words in documents: FTS5 on SQLite, tsvector on PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from fazt.apps.textdb.model.collection import Collection
from fazt.apps.textdb.model.jsontext import parse
from fazt.apps.textdb.store.statements import Statement, run
from fazt.core.jobs import enqueue

JOB = "textdb.words"
AT_ONCE = 2_000
CHUNK = 500
MAX_CHARACTERS = 100_000

ADD = Statement(
    "INSERT INTO textdb_words (rowid, words) VALUES (?, ?)",
    "INSERT INTO textdb_word (rid, words) VALUES (?, to_tsvector('simple', ?))",
)
REMOVE = Statement("DELETE FROM textdb_words WHERE rowid = ?", "DELETE FROM textdb_word WHERE rid = ?")
FORGET = Statement(
    "DELETE FROM textdb_words WHERE rowid >= ? AND rowid < ?", "DELETE FROM textdb_word WHERE rid >= ? AND rid < ?"
)
NEXT = Statement("SELECT rid, body FROM textdb_document WHERE rid > ? AND rid < ? ORDER BY rid LIMIT ?")
COUNT = Statement("SELECT documents FROM textdb_collection WHERE id = ?")
NOT_A_WORD = re.compile(r"[^\w\s]+")


def words_in(value: Any, fields: tuple[str, ...]) -> str:
    """The texts and numbers at `fields` ("*" is everywhere), for the index."""
    if "*" in fields:
        found = list(scalars(value))
    else:
        found = [text for field in fields for text in scalars(value_at(value, field))]
    return NOT_A_WORD.sub(" ", " ".join(found).replace("\x00", " "))[:MAX_CHARACTERS]


def scalars(value: Any) -> Iterator[str]:
    """Every text and number inside `value`."""
    match value:
        case dict():
            for item in value.values():
                yield from scalars(item)
        case list():
            for item in value:
                yield from scalars(item)
        case None | bool():
            return
        case _:
            yield str(value)


def value_at(value: Any, field: str) -> Any:
    """What is at a dotted path, or None."""
    for step in field.split("."):
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def set_words(conn: Connection, collection: Collection, rid: int, value: Any, *, is_new: bool) -> None:
    """Bring the index up to date for one document; nothing where the collection has none."""
    if collection.settings.search:
        if not is_new:
            run(conn, REMOVE, rid)
        run(conn, ADD, rid, words_in(value, collection.settings.search))


def remove_words(conn: Connection, collection: Collection, rid: int) -> None:
    """Forget the words of one document."""
    if collection.settings.search:
        run(conn, REMOVE, rid)


def forget_words(conn: Connection, first: int, end: int) -> None:
    """Forget the words of all documents with row ids from `first` up to `end`."""
    run(conn, FORGET, first, end)


def start_words(conn: Connection, collection: Collection, fields: tuple[str, ...], *, now: int) -> bool:
    """Build the index: at once (True) where the collection is small, else by a job."""
    documents: int = run(conn, COUNT, collection.id).scalar_one()
    if documents <= AT_ONCE:
        index_next(conn, collection, fields, after=collection.first - 1, limit=documents)
        return True
    enqueue(conn, JOB, {"collection": collection.name}, now=now, key=collection.name)
    return False


def index_next(conn: Connection, collection: Collection, fields: tuple[str, ...], *, after: int, limit: int) -> int:
    """Index the next `limit` documents behind row id `after`; the last row id, or 0 when there was none."""
    last = 0
    for row in run(conn, NEXT, after, collection.end, limit).all():
        run(conn, REMOVE, row.rid)
        run(conn, ADD, row.rid, words_in(parse(row.body), fields))
        last = row.rid
    return last
