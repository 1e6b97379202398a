"""Pads in the tables, on both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, func, select

from fazt.apps.pads import store
from fazt.apps.pads.model import Document, Edit, Row
from fazt.apps.pads.schema import pad, state
from fazt.apps.pads.schema import update as log
from fazt.core.clock import DAY, HOUR
from fazt.core.errors import Conflict, NotFound, OverQuota
from fazt.core.search import search
from tests.conftest import NOW

MOST = 1_000_000


def fill(conn: Connection, name: str, texts: list[str], at: int = NOW, step_ms: int = 1_000) -> str:
    """A pad that had these texts one after the other; its id."""
    made = store.create_pad(conn, name, "ann", at, most=10)
    document = Document(client_id=5)
    for n, text in enumerate(texts):
        update = document.edit([Edit(0, document.size, text)])
        store.append(conn, made.id, n, [Row(n + 1, at + n * step_ms, "Ann", update)], at + n * step_ms)
    return made.id


def test_a_pad_is_its_updates(conn: Connection) -> None:
    pad_id = fill(conn, "notes", ["one", "two", "three"])
    assert store.read_text(conn, "notes", NOW)[1] == "three"
    assert store.read_text_at(conn, pad_id, 2) == "two"
    assert [version.seq for version in store.list_versions(conn, pad_id)] == [3, 2, 1]
    store.put_state(conn, pad_id, 2, Document(store.list_until(conn, pad_id, 2)).missing())
    assert len(store.read_document(conn, pad_id, NOW).updates) == 2
    assert store.read_text(conn, "notes", NOW)[1] == "three"
    with pytest.raises(NotFound):
        store.append(conn, pad_id, 1, [Row(2, NOW, "", b"\0\0")], NOW)


def test_names_and_quotas(conn: Connection) -> None:
    store.create_pad(conn, "a", "ann", NOW, most=1)
    with pytest.raises(Conflict):
        store.create_pad(conn, "a", "bob", NOW, most=1)
    with pytest.raises(OverQuota):
        store.create_pad(conn, "b", "ann", NOW, most=1)
    assert store.ensure_pad(conn, "a", "bob", NOW, most=1).user_id == "ann"
    assert [one.name for one in store.list_pads(conn, "bob", NOW, shared=True)] == ["a"]
    assert store.list_pads(conn, "bob", NOW, shared=False) == []


def test_settling_makes_it_findable_and_erasing_leaves_nothing(conn: Connection) -> None:
    pad_id = fill(conn, "secret", ["hush zebra"])
    assert store.list_unsettled(conn) == [pad_id]
    store.settle(conn, pad_id, 1, "hush zebra", NOW)
    assert store.list_unsettled(conn) == []
    assert [found.path for found in search(conn, "zebra", user_id="ann")] == ["/pad/secret"]
    store.erase(conn, pad_id, "erased", NOW)
    assert search(conn, "zebra", user_id="ann") == []
    for table in (pad, log, state):
        assert conn.scalar(select(func.count()).select_from(table)) == 0


def test_pads_end_and_empty_ones_go(conn: Connection) -> None:
    ending = store.create_pad(conn, "soon", "ann", NOW, most=9, expires_at=NOW + 10)
    empty = store.create_pad(conn, "empty", "ann", NOW, most=9)
    kept = fill(conn, "kept", ["x"])
    assert store.find_next_end(conn) == NOW + 10
    assert store.find_pad(conn, "soon", NOW + 10) is None
    assert store.erase_expired(conn, NOW + 2 * DAY, NOW + DAY, [empty.id]) == [ending.id]
    assert store.erase_expired(conn, NOW + 2 * DAY, NOW + DAY, []) == [empty.id]
    store.forget_user(conn, "ann")
    assert store.erase_expired(conn, NOW, 0, []) == [kept]


def test_old_history_is_kept_in_larger_steps(conn: Connection) -> None:
    texts = [f"text {n}" for n in range(120)]
    pad_id = fill(conn, "long", texts, step_ms=1_000)
    later = NOW + 2 * HOUR
    assert store.list_thinnable(conn, later, MOST) == [pad_id]
    store.thin(conn, pad_id, later, MOST)
    assert store.list_thinnable(conn, later, MOST) == []
    seqs = [version.seq for version in store.list_versions(conn, pad_id)]
    assert 2 <= len(seqs) <= 4
    assert [store.read_text_at(conn, pad_id, seq) for seq in seqs] == [texts[seq - 1] for seq in seqs]
    with pytest.raises(NotFound):
        store.read_text_at(conn, pad_id, 1)


def test_history_has_bounds(conn: Connection) -> None:
    pad_id = fill(conn, "wide", [f"{n} " * 200 for n in range(40)])
    store.thin(conn, pad_id, NOW + 60_000, 8_000)
    assert store.read_text(conn, "wide", NOW)[1] == "39 " * 200
    assert len(conn.scalars(select(log.c.seq)).all()) < 25


def test_one_pad_comes_back_out_of_a_backup(conn: Connection) -> None:
    fill(conn, "notes", ["one", "two"])
    (thing,) = store.THINGS
    assert thing.names(conn) == ["notes"]
    assert thing.copy(conn, conn, "notes", "again", "bob", NOW) == "/pad/again"
    again, text = store.read_text(conn, "again", NOW)
    assert (again.user_id, text) == ("bob", "two")
    assert store.read_text_at(conn, again.id, 1) == "one"
    with pytest.raises(Conflict):
        thing.copy(conn, conn, "notes", "again", "bob", NOW)
