"""Rules and SQL of the index: FTS5 on SQLite, tsvector on PostgreSQL, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, text, update

from fazt.core.search.model import (
    TEXT_CHARS,
    TITLE_CHARS,
    Found,
    Phrase,
    highlight,
    parse_query,
    tidy,
    words_of,
)
from fazt.core.search.schema import core_search

MAX_POSITION = 16_383
"""PostgreSQL counts words up to here."""

MERGED_PAGES = 200

s = core_search.c
_FIND = select(s.id, s.title, s.text).where(s.kind == bindparam("k"), s.ref == bindparam("r"))
_INSERT = insert(core_search).returning(s.id)
_UPDATE = update(core_search).where(s.id == bindparam("of"))
_DELETE = delete(core_search).where(s.id == bindparam("of"))

# `user_id` NULL is for everybody. Titles count ten times; among equals the newest comes first.
_SEARCH_SQLITE = """
SELECT s.kind, s.ref, s.title, s.text, s.path, s.at
FROM core_search_words JOIN core_search AS s ON s.id = core_search_words.rowid
WHERE core_search_words MATCH :asked AND (s.user_id IS NULL OR s.user_id = :user_id) {kinds}
ORDER BY bm25(core_search_words, 10.0, 1.0), s.at DESC, s.id LIMIT :limit OFFSET :offset
"""
_SEARCH_POSTGRESQL = """
SELECT s.kind, s.ref, s.title, s.text, s.path, s.at
FROM core_search AS s
WHERE s.words @@ CAST(:asked AS tsquery) AND (s.user_id IS NULL OR s.user_id = :user_id) {kinds}
ORDER BY ts_rank('{{0.1, 0.1, 0.1, 1.0}}', s.words, CAST(:asked AS tsquery), 1) DESC, s.at DESC, s.id
LIMIT :limit OFFSET :offset
"""
KINDS = "AND s.kind IN :kinds"


def index(
    conn: Connection, kind: str, id: str, title: str, text: str, *, user_id: str | None, path: str, now: int
) -> None:
    """Make a thing findable, or what it says now; by its owner alone, or with `user_id` None by everybody.

    Only the first 100,000 characters of `text` are looked at.
    """
    title, text = tidy(title, TITLE_CHARS), tidy(text, TEXT_CHARS)
    facts = {"user_id": user_id, "path": path, "at": now, "title": title, "text": text}
    old = conn.execute(_FIND, {"k": kind, "r": id}).first()
    if old is None:
        row_id = conn.execute(_INSERT, {"kind": kind, "ref": id, **facts}).scalar_one()
        put_words(conn, row_id, title, text)
        return
    conn.execute(_UPDATE, {"of": old.id, **facts})
    if (old.title, old.text) != (title, text):
        remove_words(conn, old.id)
        put_words(conn, old.id, title, text)


def remove(conn: Connection, kind: str, id: str) -> None:
    """Make a thing unfindable; nothing happens where it was not findable."""
    old = conn.execute(_FIND, {"k": kind, "r": id}).first()
    if old is not None:
        remove_words(conn, old.id)
        conn.execute(_DELETE, {"of": old.id})


def search(
    conn: Connection,
    query: str,
    *,
    user_id: str | None,
    kinds: Sequence[str] = (),
    limit: int = 20,
    offset: int = 0,
) -> list[Found]:
    """What has all words of `query`, the best first: things of this user and of everybody.

    Words may be begun (`rep` finds `report`), "words in quotes" are exact. Any text may be asked; without a word
    in it, nothing is found.
    """
    phrases = parse_query(query)
    if not phrases:
        return []
    on_sqlite = conn.dialect.name == "sqlite"
    sql = (_SEARCH_SQLITE if on_sqlite else _SEARCH_POSTGRESQL).format(kinds=KINDS if kinds else "")
    statement = text(sql)
    asked: dict[str, Any] = {"user_id": user_id, "limit": limit, "offset": offset}
    asked["asked"] = ask_sqlite(phrases) if on_sqlite else ask_postgresql(phrases)
    if kinds:
        statement = statement.bindparams(bindparam("kinds", expanding=True))
        asked["kinds"] = list(kinds)
    return [
        Found(
            row.kind,
            row.ref,
            highlight(row.title, phrases, TITLE_CHARS),
            highlight(row.text, phrases),
            row.path,
            row.at,
        )
        for row in conn.execute(statement, asked)
    ]


def tidy_up(conn: Connection, *, begins: bool) -> bool:
    """Take words that were removed out of the file, a piece at a time: `begins` the first time, until it is False.

    FTS5 only notes that a word is gone, until it merges its parts. On PostgreSQL words are a column of their row.
    """
    if conn.dialect.name != "sqlite":
        return False
    before = conn.exec_driver_sql("SELECT total_changes()").scalar_one()
    merge = "INSERT INTO core_search_words (core_search_words, rank) VALUES ('merge', :pages)"
    conn.execute(text(merge), {"pages": -MERGED_PAGES if begins else MERGED_PAGES})
    return bool(conn.exec_driver_sql("SELECT total_changes()").scalar_one() - before >= 2)


def remove_user(conn: Connection, user_id: str) -> None:
    """Make everything of a user unfindable."""
    for row_id in conn.scalars(select(s.id).where(s.user_id == user_id)).all():
        remove_words(conn, row_id)
        conn.execute(_DELETE, {"of": row_id})


def put_words(conn: Connection, row_id: int, title: str, body: str) -> None:
    """Add the words of a row that has none."""
    titles, words = words_of(title), words_of(body)
    if conn.dialect.name == "sqlite":
        add = "INSERT INTO core_search_words (rowid, title, text) VALUES (:id, :title, :text)"
        conn.execute(text(add), {"id": row_id, "title": " ".join(titles), "text": " ".join(words)})
    else:
        set_ = "UPDATE core_search SET words = CAST(:words AS tsvector) WHERE id = :id"
        conn.execute(text(set_), {"id": row_id, "words": as_tsvector(titles, words)})


def remove_words(conn: Connection, row_id: int) -> None:
    """Forget the words of a row; on PostgreSQL they are a column of it."""
    if conn.dialect.name == "sqlite":
        conn.execute(text("DELETE FROM core_search_words WHERE rowid = :id"), {"id": row_id})


def as_tsvector(titles: list[str], words: list[str]) -> str:
    """`'word':1A,7B …` with places; the parsers and dictionaries of PostgreSQL are not asked."""
    places: dict[str, list[str]] = defaultdict(list)
    for at, word in enumerate(titles, 1):
        places[word].append(f"{at}A")
    for at, word in enumerate(words, len(titles) + 2):  # a gap, so that no phrase goes from title to text
        if at <= MAX_POSITION or word not in places:
            places[word].append(f"{min(at, MAX_POSITION)}B")
    return " ".join(f"'{word}':{','.join(ats)}" for word, ats in places.items())


def ask_sqlite(phrases: list[Phrase]) -> str:
    """In FTS5's language. Words hold letters and digits only, so quotes need no care."""
    return " AND ".join(f'"{" ".join(phrase.words)}"{" *" if phrase.is_open else ""}' for phrase in phrases)


def ask_postgresql(phrases: list[Phrase]) -> str:
    """As a tsquery."""
    return " & ".join(
        "(" + " <-> ".join(f"'{word}'" for word in phrase.words) + (":*" if phrase.is_open else "") + ")"
        for phrase in phrases
    )
