"""Rules and SQL of the index: FTS5 on SQLite, tsvector on PostgreSQL, side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from fazt.core.auth.schema import user
from fazt.core.db import Prepared
from fazt.core.search.model import (
    TEXT_CHARS,
    TITLE_CHARS,
    Found,
    Group,
    Phrase,
    highlight,
    parse_query,
    rank_title,
    tidy,
    words_of,
)
from fazt.core.search.schema import core_search

MAX_POSITION = 16_383
"""PostgreSQL counts words up to here."""

MERGED_PAGES = 200

s = core_search.c
_COLUMNS = ("kind", "ref", "user_id", "path", "at", "title", "text")
_FIND = Prepared(select(s.id, s.title, s.text, s.user_id).where(s.kind == bindparam("k"), s.ref == bindparam("r")))
_INSERT = {
    dialect: Prepared(build(core_search).on_conflict_do_nothing().returning(s.id), _COLUMNS)
    for dialect, build in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_UPDATE = update(core_search).where(s.id == bindparam("of"))
_DELETE = delete(core_search).where(s.id == bindparam("of"))
_ADD_WORDS = Prepared(
    text("INSERT INTO core_search_words (rowid, title, text, seen) VALUES (:id, :title, :text, :seen)")
)
_REMOVE_WORDS = Prepared(text("DELETE FROM core_search_words WHERE rowid = :id"))

_ROWS = select(s.id, s.kind, s.ref, s.path, s.at, s.title).where(s.id.in_(bindparam("ids", expanding=True)))
_TEXTS = select(s.id, s.text).where(s.id.in_(bindparam("ids", expanding=True)))
_NEXT_KIND = select(func.min(s.kind)).where(s.kind > bindparam("after"))

# Only so many are looked at, newest first: a word that stands in every mail costs no more than a rare one. What has
# the words in its title is looked for apart, so that it is found however old it is.
NEWEST, WITH_TITLE, OF_KIND = 250, 100, 20
_NEWEST_SQLITE = """
SELECT rowid FROM core_search_words WHERE core_search_words MATCH :asked ORDER BY rowid DESC LIMIT :limit
"""
_NEWEST_POSTGRESQL = """
SELECT id FROM core_search
WHERE words @@ CAST(:asked AS tsquery) AND (user_id IS NULL OR user_id = :user_id) {kinds} ORDER BY id DESC LIMIT :limit
"""


def index(
    conn: Connection, kind: str, id: str, title: str, text: str, *, user_id: str | None, path: str, now: int
) -> None:
    """Make a thing findable, or what it says now; by its owner alone, or with `user_id` None by everybody.

    Only the first 100,000 characters of `text` are looked at.
    """
    title, text = tidy(title, TITLE_CHARS), tidy(text, TEXT_CHARS)
    facts = {"user_id": user_id, "path": path, "at": now, "title": title, "text": text}
    row = add_row(conn, kind, id, facts)
    if row is None:
        old = _FIND.first(conn, {"k": kind, "r": id})
        assert old is not None, "it is there, else it had been added"
        if (old.title, old.text, old.user_id) == (title, text, user_id):
            conn.execute(_UPDATE, {"of": old.id, "path": path, "at": now})
            return
        remove_row(conn, old.id)  # what says something new gets a new number: numbers are how the newest is found
        row = add_row(conn, kind, id, facts)
    assert row is not None, "what was in its way is gone"
    put_words(conn, row[0], title, text, seen_by(user_id, kind))


def add_row(conn: Connection, kind: str, id: str, facts: dict[str, Any]) -> Sequence[Any] | None:
    """A row of its own, with its number first; None where there is one for this thing: most are new."""
    return _INSERT[conn.dialect.name].row(conn, {"kind": kind, "ref": id, **facts})


def remove(conn: Connection, kind: str, id: str) -> None:
    """Make a thing unfindable; nothing happens where it was not findable."""
    old = _FIND.first(conn, {"k": kind, "r": id})
    if old is not None:
        remove_row(conn, old.id)


def remove_some(conn: Connection, kind: str, prefix: str, limit: int) -> int:
    """Make up to `limit` things of a kind unfindable of which the id begins with `prefix`; how many."""
    if conn.dialect.name == "sqlite":  # by code point, so that it is a range of the index
        begins = and_(s.ref >= prefix, s.ref < f"{prefix}\U0010ffff")
    else:
        begins = s.ref.startswith(prefix, autoescape=True)
    ids = list(conn.scalars(select(s.id).where(s.kind == kind, begins).limit(limit)))
    for row_id in ids:
        remove_row(conn, row_id)
    return len(ids)


def remove_row(conn: Connection, row_id: int) -> None:
    """Take a row out with its words."""
    remove_words(conn, row_id)
    conn.execute(_DELETE, {"of": row_id})


def search(
    conn: Connection,
    query: str,
    *,
    user_id: str | None,
    kinds: Sequence[str] = (),
    app: str = "",
    limit: int = 20,
    offset: int = 0,
) -> list[Found]:
    """What has all words of `query`, the best first: things of this user and of everybody, of one app or of all.

    Best is what has the words in its title, then what has them whole, then what is newest. Words may be begun
    (`rep` finds `report`), "words in quotes" are exact. Any text may be asked; without a word in it, nothing is
    found. However much there is, only some hundred things are looked at.
    """
    phrases = parse_query(query)
    if app:
        kinds = [kind for kind in kinds or list_kinds(conn) if kind.partition(".")[0] == app]
    if not phrases or (app and not kinds):
        return []
    candidates = find_candidates(conn, phrases, user_id, kinds)
    return show(conn, rank(conn, candidates, phrases)[offset : offset + limit], phrases)


def search_by_app(conn: Connection, query: str, *, user_id: str | None, limit: int = 5) -> list[Group]:
    """As `search`, the best of each app, the best app first: however much mail there is, the one note is found."""
    phrases = parse_query(query)
    if not phrases:
        return []
    candidates = find_candidates(conn, phrases, user_id, ())
    is_full = len(candidates) >= NEWEST
    if is_full:
        there = set(conn.scalars(select(s.kind).where(s.id.in_(candidates))))
        for kind in [kind for kind in list_kinds(conn) if kind not in there]:
            candidates.update(dict.fromkeys(newest(conn, phrases, user_id, (kind,), OF_KIND), False))
    by_app: dict[str, list[Row[Any]]] = {}
    for row in rank(conn, candidates, phrases):
        by_app.setdefault(row.kind.partition(".")[0], []).append(row)
    shown = iter(show(conn, [row for rows in by_app.values() for row in rows[:limit]], phrases))
    return [Group(app, list(islice(shown, min(limit, len(rows)))), len(rows), is_full) for app, rows in by_app.items()]


def find_candidates(
    conn: Connection, phrases: list[Phrase], user_id: str | None, kinds: Sequence[str]
) -> dict[int, bool]:
    """The rows that are looked at, and whether each has all words whole."""
    found: dict[int, bool] = {}
    whole = [Phrase(phrase.words, is_open=False) for phrase in phrases]
    for asked in [whole, phrases] if any(phrase.may_go_on for phrase in phrases) else [whole]:
        ids = newest(conn, asked, user_id, kinds, NEWEST)
        if len(ids) == NEWEST:
            ids += newest(conn, asked, user_id, kinds, WITH_TITLE, in_title=True)
        for row_id in ids:
            found.setdefault(row_id, asked is whole)
        if len(found) >= NEWEST:
            break
    return found


def newest(
    conn: Connection,
    phrases: list[Phrase],
    user_id: str | None,
    kinds: Sequence[str],
    limit: int,
    *,
    in_title: bool = False,
) -> list[int]:
    """The newest rows that have all words, in the title where that is asked for."""
    if conn.dialect.name == "sqlite":
        seen = " OR ".join(seen_by(who, kind)[-1] for who in {user_id, None} for kind in kinds or ("",))
        words = " AND ".join(ask_sqlite(phrase) for phrase in phrases)
        asked = f"{{title{'' if in_title else ' text'}}} : ({words}) AND seen : ({seen})"
        return list(conn.scalars(text(_NEWEST_SQLITE), {"asked": asked, "limit": limit}))
    statement = text(_NEWEST_POSTGRESQL.format(kinds="AND kind IN :kinds" if kinds else ""))
    if kinds:
        statement = statement.bindparams(bindparam("kinds", list(kinds), expanding=True))
    asked = " & ".join(ask_postgresql(phrase, "A" if in_title else "") for phrase in phrases)
    return list(conn.scalars(statement, {"asked": asked, "user_id": user_id, "limit": limit}))


def rank(conn: Connection, candidates: dict[int, bool], phrases: list[Phrase]) -> list[Row[Any]]:
    """The rows in their order, without their texts."""
    rows: list[Row[Any]] = [*conn.execute(_ROWS, {"ids": list(candidates)})]
    keys = {row.id: (-rank_title(row.title, phrases), not candidates[row.id], -row.at, row.id) for row in rows}
    return sorted(rows, key=lambda row: keys[row.id])


def show(conn: Connection, rows: list[Row[Any]], phrases: list[Phrase]) -> list[Found]:
    """Rows as answers, with what was searched for marked."""
    texts = {row.id: row.text for row in conn.execute(_TEXTS, {"ids": [row.id for row in rows]})}
    return [
        Found(
            row.kind,
            row.ref,
            highlight(row.title, phrases, TITLE_CHARS),
            highlight(texts[row.id], phrases),
            row.path,
            row.at,
        )
        for row in rows
    ]


def list_kinds(conn: Connection) -> list[str]:
    """The kinds of things there are; a look-up each, however many things."""
    kinds: list[str] = []
    while (kind := conn.scalar(_NEXT_KIND, {"after": kinds[-1] if kinds else ""})) is not None:
        kinds.append(kind)
    return kinds


def seen_by(user_id: str | None, kind: str) -> list[str]:
    """The words by which FTS5 finds what somebody may see: all of it, and that of one kind; the narrowest last."""
    who = "everybody" if user_id is None else f"user {user_id}"
    return [
        f"seen{blake2b(text.encode(), digest_size=8).hexdigest()}"
        for text in ((who, f"{who} {kind}") if kind else (who,))
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


def list_gone_users(conn: Connection) -> list[str]:
    """Whose things are in the index though they are no longer here."""
    gone = select(s.user_id).where(s.user_id.is_not(None), s.user_id.not_in(select(user.c.id)))
    return list(conn.scalars(gone.distinct()))


def remove_user(conn: Connection, user_id: str, limit: int) -> int:
    """Make up to `limit` things of a user unfindable; how many."""
    ids = list(conn.scalars(select(s.id).where(s.user_id == user_id).limit(limit)))
    for row_id in ids:
        remove_row(conn, row_id)
    return len(ids)


def put_words(conn: Connection, row_id: int, title: str, body: str, seen: Sequence[str]) -> None:
    """Add the words of a row that has none."""
    titles, words = words_of(title), words_of(body)
    if conn.dialect.name == "sqlite":
        row = {"id": row_id, "title": " ".join(titles), "text": " ".join(words), "seen": " ".join(seen)}
        _ADD_WORDS.run(conn, row)
    else:
        set_ = "UPDATE core_search SET words = CAST(:words AS tsvector) WHERE id = :id"
        conn.execute(text(set_), {"id": row_id, "words": as_tsvector(titles, words)})


def remove_words(conn: Connection, row_id: int) -> None:
    """Forget the words of a row; on PostgreSQL they are a column of it."""
    if conn.dialect.name == "sqlite":
        _REMOVE_WORDS.run(conn, {"id": row_id})


def as_tsvector(titles: list[str], words: list[str]) -> str:
    """`'word':1A,7B …` with places; the parsers and dictionaries of PostgreSQL are not asked."""
    places: dict[str, list[str]] = defaultdict(list)
    for at, word in enumerate(titles, 1):
        places[word].append(f"{at}A")
    for at, word in enumerate(words, len(titles) + 2):  # a gap, so that no phrase goes from title to text
        if at <= MAX_POSITION or word not in places:
            places[word].append(f"{min(at, MAX_POSITION)}B")
    return " ".join(f"'{word}':{','.join(ats)}" for word, ats in places.items())


def ask_sqlite(phrase: Phrase) -> str:
    """In FTS5's language. Words hold letters and digits only, so quotes need no care."""
    return f'"{" ".join(phrase.words)}"{" *" if phrase.may_go_on else ""}'


def ask_postgresql(phrase: Phrase, weight: str) -> str:
    """As a tsquery; with the weight `A` only in titles."""
    marks = [weight] * (len(phrase.words) - 1) + [("*" if phrase.may_go_on else "") + weight]
    words = (f"'{word}'{':' if mark else ''}{mark}" for word, mark in zip(phrase.words, marks, strict=True))
    return f"({' <-> '.join(words)})"
