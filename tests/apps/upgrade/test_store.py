"""What is kept of releases and upgrades, on both engines."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.apps.upgrade import store
from fazt.apps.upgrade.model import Journal, Release
from fazt.core.auth.store import create_owner
from fazt.core.push import list_notices
from tests.conftest import NOW

NEWER = Release("0.2.0", "*notes*", "https://example.org/", NOW, False, {})
JOURNAL = Journal(id="a", old="0.1.0", new="0.2.0", state="done", data="/d", at=NOW, began_at=NOW)


def test_the_owner_hears_once_of_each_newer_version(conn: Connection) -> None:
    owner = create_owner(conn, email="owner@example.org", password_hash="hash", now=NOW)
    for at in (NOW, NOW + 1):
        store.note_look(conn, NEWER, "0.1.0", now=at)
    assert [notice.title for notice in list_notices(conn, owner.id)] == ["fazt 0.2.0 is there"]
    assert store.find_look(conn) == (NOW + 1, "")
    store.note_trouble(conn, "no answer", now=NOW + 2)
    assert store.find_look(conn) == (NOW + 2, "no answer")
    newest = store.find_newest(conn)
    assert newest is not None
    assert (newest.version, newest.notes) == ("0.2.0", "*notes*")


def test_a_version_that_runs_already_is_no_news(conn: Connection) -> None:
    owner = create_owner(conn, email="owner@example.org", password_hash="hash", now=NOW)
    store.note_look(conn, NEWER, "0.2.0", now=NOW)
    store.note_look(conn, None, "0.2.0", now=NOW)
    assert list_notices(conn, owner.id) == []


def test_an_upgrade_is_noted_once_and_a_failed_one_is_told(conn: Connection) -> None:
    owner = create_owner(conn, email="owner@example.org", password_hash="hash", now=NOW)
    assert store.note_run(conn, JOURNAL, now=NOW)
    assert not store.note_run(conn, JOURNAL, now=NOW)
    failed = Journal(
        id="b", old="0.2.0", new="0.3.0", state="failed", data="/d", said="why\0", at=NOW + 1, began_at=NOW
    )
    assert store.note_run(conn, failed, now=NOW)
    assert [(run.new, run.state) for run in store.list_runs(conn)] == [("0.3.0", "failed"), ("0.2.0", "done")]
    assert "why" in list_notices(conn, owner.id)[0].text
