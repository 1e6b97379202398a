"""What the cloud's search knows of documents, on both engines."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from fazt.apps.textdb.model.collection import OWNER, Collection
from fazt.apps.textdb.model.document import Conditions
from fazt.apps.textdb.store import collections, finding
from fazt.apps.textdb.store.documents import delete_document, put_document, to_body
from fazt.core.auth.store import create_owner
from fazt.core.search import search
from tests.conftest import NOW

MAX = 40


@pytest.fixture
def owner_id(conn: Connection) -> str:
    return create_owner(conn, email="ann@example.org", password_hash="-", now=NOW).id


def put(conn: Connection, to: Collection, id_: str, **fields: Any) -> None:
    put_document(conn, to, id_, to_body({"id": id_, **fields}), OWNER, Conditions(), now=NOW)


def follow(conn: Connection) -> None:
    for collection_id in finding.list_behind(conn, MAX):
        while finding.index_some(conn, collection_id, MAX):
            pass
    assert finding.list_behind(conn, MAX) == []


def test_documents_are_found_as_they_are_now(conn: Connection, owner_id: str) -> None:
    orders = collections.ensure_collection(conn, "orders", now=NOW)
    put(conn, orders, "a&b", title="Tea order", lines=[{"what": "Darjeeling", "n": 3}], done=True)
    put(conn, orders, "2", what="Coffee")
    follow(conn)
    (found,) = search(conn, "darjee", user_id=owner_id)
    assert (found.kind, found.path, found.at) == (finding.KIND, "/textdb/orders/document?id=a%26b", NOW)
    assert "".join(part.text for part in found.title) == "Tea order"
    assert search(conn, "darjeeling", user_id="somebody else") == []
    put(conn, orders, "a&b", title="Milk")
    delete_document(conn, orders, "2", OWNER, Conditions(), now=NOW)
    follow(conn)
    assert [search(conn, word, user_id=owner_id) for word in ("darjeeling", "coffee")] == [[], []]
    assert len(search(conn, "milk", user_id=owner_id)) == 1
    collections.drop_collection(conn, "orders")
    follow(conn)
    assert search(conn, "milk", user_id=owner_id) == []


def test_documents_of_any_json_are_found(conn: Connection, owner_id: str) -> None:
    odd = collections.ensure_collection(conn, "odd", now=NOW)
    for id_, body in (("1", None), ("2", ["Assam", 3]), ("3", "Ceylon"), ("4", 17), ("5", True), ("6", {})):
        put_document(conn, odd, id_, to_body(body), OWNER, Conditions(), now=NOW)
    follow(conn)
    for word, id_ in (("assam", "2"), ("ceylon", "3"), ("17", "4")):
        assert [found.id for found in search(conn, word, user_id=owner_id)] == [f"{odd.id}/{id_}"]


def test_large_collections_are_not_in_the_search_until_they_are_small(conn: Connection, owner_id: str) -> None:
    logs = collections.ensure_collection(conn, "logs", now=NOW)
    for n in range(MAX):
        put(conn, logs, str(n), text="measured")
    follow(conn)
    assert len(search(conn, "measured", user_id=owner_id, limit=100)) == MAX
    put(conn, logs, "more", text="measured")
    follow(conn)
    assert search(conn, "measured", user_id=owner_id) == []
    delete_document(conn, logs, "more", OWNER, Conditions(), now=NOW)
    follow(conn)
    assert len(search(conn, "measured", user_id=owner_id, limit=100)) == MAX


def test_a_collection_is_calm_when_nobody_writes(conn: Connection, owner_id: str) -> None:
    notes = collections.ensure_collection(conn, "notes", now=NOW)
    assert owner_id
    assert finding.is_calm(conn, notes.id, NOW)
    put(conn, notes, "1", text="x")
    assert not finding.is_calm(conn, notes.id, NOW + 1_000)
    assert finding.is_calm(conn, notes.id, NOW + finding.CALM_MS + 1)
