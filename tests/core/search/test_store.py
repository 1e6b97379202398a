"""The one index, on both engines."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from fazt.core.auth.store import create_user, delete_user
from fazt.core.db import Database
from fazt.core.search import Found, as_html, index, remove, remove_user, search, search_by_app
from fazt.core.search.jobs import run_forgetting
from fazt.core.search.model import parse_query, words_of
from fazt.core.search.store import _NEWEST_SQLITE, NEWEST, find_candidates, list_gone_users
from tests.conftest import NOW


def put(conn: Connection, id: str, title: str, body: str = "", **more: object) -> None:
    usual = {"user_id": "ann", "path": f"/notes/{id}", "now": NOW}
    index(conn, "note", id, title, body, **{**usual, **more})  # type: ignore[arg-type]


def ids(conn: Connection, query: str, user_id: str | None = "ann", **more: object) -> list[str]:
    return [found.id for found in search(conn, query, user_id=user_id, **more)]  # type: ignore[arg-type]


def plain(found: Found) -> str:
    return "".join(part.text for part in found.snippet)


def test_finds_by_title_text_and_beginnings(conn: Connection) -> None:
    put(conn, "1", "Quarterly report", "The numbers of autumn")
    put(conn, "2", "Shopping", "report cards, autumnal leaves")
    put(conn, "3", "Nothing")
    assert ids(conn, "report") == ["1", "2"]  # in the title it counts more
    assert ids(conn, "rep aut") == ["1", "2"]
    assert ids(conn, "REPORT numbers") == ["1"]
    assert ids(conn, '"autumn"') == ["1"]
    assert ids(conn, '"numbers of autumn"') == ["1"]
    assert ids(conn, '"autumn of numbers"') == []
    assert ids(conn, "report elephant") == []


def test_newest_of_equals_comes_first(conn: Connection) -> None:
    for n in range(3):
        put(conn, str(n), "same", now=NOW + n)
    assert ids(conn, "same") == ["2", "1", "0"]
    assert ids(conn, "same", limit=1, offset=1) == ["1"]


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("Émile Zola", "emile"),
        ("emile zola", "Émile"),
        ("Straße", "strasse"),
        ("ΑΘΗΝΑ", "αθήνα"),
        ("Ёлка и ель", "елка"),
        ("東京タワーに行く", "タワー"),
        ("東京タワーに行く", "京タ"),
        ("我喜欢北京烤鸭", "北京"),
        ("हिन्दी भाषा", "हिन्दी"),
        ("한국어 노트", "한국"),
        ("สวัสดีครับ", "ครับ"),
        ("שלום עולם", "עולם"),
        ("see foo_bar-baz.txt", "foo_bar"),
        ("see foo_bar-baz.txt", "baz.txt"),
        ("call 192.168.1.20 now", "192.168"),
        ("cafe\u0301 decomposed", "café"),
        ("ﬁne ligature", "fine"),
        ("I am ☃ snowman", "☃ snow"),
    ],
)
def test_any_script(conn: Connection, body: str, query: str) -> None:
    put(conn, "1", "a title", body)
    put(conn, "2", "another", "else")
    assert ids(conn, query) == ["1"]


def test_each_sees_their_own_and_what_is_shared(conn: Connection) -> None:
    put(conn, "ann's", "secret plan")
    put(conn, "bob's", "secret plan", user_id="bob")
    put(conn, "shared", "secret plan", user_id=None)
    assert set(ids(conn, "secret")) == {"ann's", "shared"}
    assert set(ids(conn, "secret", "bob")) == {"bob's", "shared"}
    assert ids(conn, "secret", None) == ["shared"]


def test_kinds_narrow_the_search(conn: Connection) -> None:
    put(conn, "1", "plan")
    index(conn, "file", "1", "plan", "", user_id="ann", path="/f", now=NOW)
    index(conn, "mail", "1", "plan", "", user_id="ann", path="/m", now=NOW)
    assert {found.kind for found in search(conn, "plan", user_id="ann", kinds=("file", "mail"))} == {"file", "mail"}
    assert len(ids(conn, "plan")) == 3


def test_indexed_again_is_what_it_says_now(conn: Connection) -> None:
    put(conn, "1", "old words", "old text")
    put(conn, "1", "new words", "new text", path="/moved", now=NOW + 1)
    assert ids(conn, "old") == []
    (found,) = search(conn, "new", user_id="ann")
    assert (found.path, found.at) == ("/moved", NOW + 1)
    put(conn, "1", "new words", "new text", user_id="bob")
    assert ids(conn, "new") == []
    assert ids(conn, "new", "bob") == ["1"]


def test_removed_is_not_found(conn: Connection) -> None:
    for id in ("1", "2"):
        put(conn, id, "words")
    put(conn, "3", "words", user_id="bob")
    remove(conn, "note", "1")
    remove(conn, "note", "1")
    assert ids(conn, "words") == ["2"]
    assert remove_user(conn, "ann", 10) == 1
    assert remove_user(conn, "ann", 10) == 0
    assert ids(conn, "words") == []
    assert ids(conn, "words", "bob") == ["3"]
    if conn.dialect.name == "sqlite":
        conn.execute(text("INSERT INTO core_search_words (core_search_words) VALUES ('integrity-check')"))
        assert conn.scalar(text("SELECT count(*) FROM core_search_words")) == 1


def test_what_deleted_people_left_is_found_out(conn: Connection) -> None:
    people = [
        create_user(conn, email=f"{name}@example.org", password_hash="hash", now=NOW).id for name in ("bea", "cem")
    ]
    for id, user_id in enumerate([*people, None]):
        put(conn, str(id), "words", user_id=user_id)
    assert list_gone_users(conn) == []
    delete_user(conn, people[0], NOW)
    assert list_gone_users(conn) == [people[0]]
    assert remove_user(conn, people[0], 10) == 1
    assert list_gone_users(conn) == []
    assert set(ids(conn, "words", people[1])) == {"1", "2"}


async def test_the_job_of_the_night_forgets_them(database: Database) -> None:
    class House:
        db = database

    await database.write(lambda conn: put(conn, "1", "words", user_id="gone"))
    await run_forgetting(House(), {})  # type: ignore[arg-type] # as much of Core as it looks at
    assert await database.read(lambda conn: ids(conn, "words", "gone")) == []


def test_snippets_show_hits_and_are_escaped(conn: Connection) -> None:
    body = "word " * 300 + "<script>alert('Café')</script> & more " + "tail " * 300
    put(conn, "1", "Coffee & cafés", body)
    (found,) = search(conn, "cafe", user_id="ann")
    assert as_html(found.title) == "Coffee &amp; <mark>café</mark>s"
    html = as_html(found.snippet)
    assert "&lt;script&gt;alert(&#x27;<mark>Café</mark>&#x27;)&lt;/script&gt; &amp; more" in html
    assert html.startswith("…")
    assert html.endswith("…")
    assert len(plain(found)) < 200


def test_snippet_without_a_hit_is_the_beginning(conn: Connection) -> None:
    put(conn, "1", "title", "beginning " + "x" * 1000)
    (found,) = search(conn, "title", user_id="ann")
    assert plain(found).startswith("beginning ")


def test_long_texts_are_bounded(conn: Connection) -> None:
    put(conn, "1", "t" * 10_000, " ".join(f"w{n}" for n in range(30_000)))
    put(conn, "2", "hieroglyphs", "".join(chr(0x4E00 + n % 20_000) for n in range(150_000)))
    assert ids(conn, "w5") == ["1"]
    assert ids(conn, "w29999") == []
    assert ids(conn, "一丁") == ["2"]


@pytest.mark.parametrize(
    "query",
    ["", " ", '"', '""', "*", "a*", "AND", "a OR", "NOT x", "NEAR(a b)", "title:x", "^a", "-a", "(", ")", "a & | !",
     ":*", "'", "\\", "%", "_", "\0", "\ud800", "{a b}", "a+b", '"a', "<->", "x" * 10_000, "a " * 5_000, ";--"],
)  # fmt: skip
def test_odd_questions_are_answered(conn: Connection, query: str) -> None:
    put(conn, "1", "a title: NOT x AND near", query)
    search(conn, query, user_id="ann")


def is_common(letter: str) -> bool:
    """SQLite's tables do not know the vowel signs of New Tai Lue and Vedic as letters, Python's do."""
    return not ("\u1980" <= letter <= "\u19df" or "\u1cd0" <= letter <= "\u1cff")


TEXTS = st.text(st.characters().filter(is_common))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(title=TEXTS, body=TEXTS, query=st.text())
def test_nothing_raises_and_every_word_finds_its_text(conn: Connection, title: str, body: str, query: str) -> None:
    put(conn, "1", title, body)
    search(conn, query, user_id="ann")
    for chunk in body[:60].split():
        found = search(conn, chunk, user_id="ann")
        assert [one.id for one in found] in (["1"], [])
        assert found or not words_of(chunk)
        for one in found:
            as_html(one.snippet).encode()


def test_however_much_there_is_little_is_looked_at(conn: Connection) -> None:
    index(conn, "note", "old", "the plan", "", user_id="ann", path="/n", now=NOW)
    index(conn, "pad", "1", "thoughts", "of a plan", user_id="ann", path="/p", now=NOW)
    for n in range(NEWEST + 50):
        index(conn, "mail.message", str(n), f"letter {n}", "a plan", user_id="ann", path="/m", now=NOW + n)
    for n in range(NEWEST):
        index(conn, "mail.message", f"bob{n}", "plan", "", user_id="bob", path="/m", now=NOW + n)
    assert len(find_candidates(conn, parse_query("plan"), "ann", ())) == NEWEST + 1
    assert ids(conn, "plan", limit=3) == ["old", str(NEWEST + 49), str(NEWEST + 48)]
    groups = {group.app: group for group in search_by_app(conn, "plan", user_id="ann", limit=2)}
    assert list(groups) == ["note", "mail", "pad"]
    assert [one.id for one in groups["pad"].found] == ["1"]
    assert (groups["mail"].count, groups["mail"].is_more) == (NEWEST, True)
    assert ids(conn, "plan", "bob", kinds=("pad",)) == []
    if conn.dialect.name == "sqlite":
        asked = {"asked": "seen : x", "limit": 9}
        plan = [row.detail for row in conn.execute(text(f"EXPLAIN QUERY PLAN {_NEWEST_SQLITE}"), asked)]
        assert len(plan) == 1
        assert "VIRTUAL TABLE" in plan[0]  # and no b-tree to sort in: the newest comes first by itself


def test_apps_answer_apart_with_all_they_have(conn: Connection) -> None:
    put(conn, "1", "plan of the house")
    index(conn, "mail.message", "2", "re: house", "the plan", user_id=None, path="/m", now=NOW)
    found = [
        (group.app, [one.id for one in group.found], group.is_more)
        for group in search_by_app(conn, "pla", user_id="ann")
    ]
    assert found == [("note", ["1"], False), ("mail", ["2"], False)]
    assert search_by_app(conn, "", user_id="ann") == []


def test_a_single_letter_is_no_beginning(conn: Connection) -> None:
    put(conn, "1", "vitamin c")
    put(conn, "2", "vitamin cure")
    assert ids(conn, "vitamin c") == ["1"]
    assert set(ids(conn, "vitamin cu")) == {"2"}


def test_what_is_given_to_somebody_else_is_theirs(conn: Connection) -> None:
    put(conn, "1", "words")
    put(conn, "1", "words", user_id=None)
    assert ids(conn, "words", "bob") == ["1"]
    put(conn, "1", "words", user_id="bob")
    assert ids(conn, "words") == []


def test_a_title_that_is_all_of_it_comes_first(conn: Connection) -> None:
    put(conn, "begun", "planning", now=NOW + 3)
    put(conn, "more", "a plan for spring", now=NOW + 2)
    put(conn, "all", "Plan", now=NOW)
    put(conn, "text", "x", "plan", now=NOW + 4)
    assert ids(conn, "plan") == ["all", "more", "begun", "text"]
