"""Documents of many people in one statement: each is kept or refused by itself, on both engines."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from fazt.apps.textdb.model.collection import OWNER, Access, Collection, Rules, Settings, Stale
from fazt.apps.textdb.model.document import Conditions, Written
from fazt.apps.textdb.store import collections
from fazt.apps.textdb.store.changes import list_changes
from fazt.apps.textdb.store.documents import (
    New,
    create_document,
    create_documents,
    delete_document,
    get_document,
    to_body,
)
from fazt.apps.textdb.store.writing import ROWS_AT_ONCE
from fazt.core.errors import Conflict, FaztError, Forbidden, Invalid, OverQuota, Unauthorized
from tests.conftest import NOW

ANN = Access("ann", "member")


def make(conn: Connection, name: str, **settings: Any) -> Collection:
    collections.configure(conn, name, Settings(**settings), now=NOW)
    return collections.get_collection(conn, name)


def seen(conn: Connection, of: Collection) -> list[tuple[int, str]]:
    """The feed from its beginning."""
    return [(entry.seq, entry.id) for entry in list_changes(conn, of, 0, OWNER, limit=1_000, now=NOW).entries]


def test_many_documents_get_numbers_without_gaps(conn: Connection) -> None:
    notes, tasks = make(conn, "notes"), make(conn, "tasks")
    count = 2 * ROWS_AT_ONCE + 5
    news = [New((notes, tasks)[n % 2], to_body({"id": f"d{n}", "n": n}), OWNER, NOW + n) for n in range(2 * count)]
    answers = create_documents(conn, news)
    for place, of in enumerate((notes, tasks)):
        written = answers[place::2]
        assert [(one.seq, one.id) for one in written if isinstance(one, Written)] == seen(conn, of)
        assert [seq for seq, _ in seen(conn, of)] == list(range(1, count + 1))
        assert collections.get_figures(conn, of.name).documents == count
    found = get_document(conn, notes, "d4", OWNER, now=NOW)
    assert (found.text, found.created_at, found.updated_at) == ('{"id":"d4","n":4}', NOW + 4, NOW + 4)


def test_in_a_group_each_is_answered_as_it_is_alone(conn: Connection) -> None:
    rules = Rules(create="total <= 10", read="public")
    settings: dict[str, Any] = {"rules": rules, "max_documents": 4, "schema": {"not": {"required": ["bad"]}}}
    wishes: list[tuple[dict[str, Any], Access]] = [
        ({"id": "a", "total": 1}, OWNER),
        ({"id": "a", "total": 2}, OWNER),
        ({"id": "b", "total": 99}, ANN),
        ({"id": "c", "total": 3}, ANN),
        ({"id": "d", "bad": 1}, OWNER),
        ({"id": "gone"}, OWNER),
        ({"id": "e"}, OWNER),
        ({"id": "f"}, OWNER),
    ]
    answers: dict[str, list[tuple[object, ...]]] = {}
    for name in ("together", "alone"):
        of = make(conn, name, **settings)
        create_document(conn, of, to_body({"id": "gone"}), OWNER, now=NOW)
        delete_document(conn, of, "gone", OWNER, Conditions(), now=NOW)
        news = [New(of, to_body(body), access, NOW) for body, access in wishes]
        found = (
            create_documents(conn, news) if name == "together" else [create_documents(conn, [new])[0] for new in news]
        )
        answers[name] = [(str(one), one.kind) if isinstance(one, FaztError) else (one,) for one in found]
        answers[name].append((seen(conn, of), collections.get_figures(conn, name).documents))
        kinds = [type(one) for one in found]
        assert kinds == [Written, Conflict, Forbidden, Written, Invalid, Written, Written, OverQuota]
    assert answers["together"] == answers["alone"]


def test_who_may_not_create_does_not_hold_up_the_others(conn: Connection) -> None:
    notes = make(conn, "notes")
    news = [New(notes, to_body({"id": f"{n}"}), Access() if n % 2 else OWNER, NOW) for n in range(6)]
    kinds = [type(one) for one in create_documents(conn, news)]
    assert kinds == [Written, Unauthorized] * 3
    assert [type(one) for one in create_documents(conn, news[1::2])] == [Unauthorized] * 3


def test_a_group_that_knows_an_older_collection_writes_nothing(conn: Connection) -> None:
    old = make(conn, "notes")
    new = make(conn, "notes", history=3)
    answers = create_documents(
        conn, [New(of, to_body({"id": f"{n}"}), OWNER, NOW) for n, of in enumerate((old, new, old))]
    )
    assert [type(one) for one in answers] == [Stale, Written, Stale]
    assert seen(conn, new) == [(1, "1")]
