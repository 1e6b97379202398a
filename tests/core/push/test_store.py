"""Notices, and who takes them where."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from fazt.core.auth import User
from fazt.core.auth.store import create_user
from fazt.core.clock import DAY
from fazt.core.errors import NotFound
from fazt.core.jobs import list_jobs
from fazt.core.push import (
    Device,
    Notice,
    add_device,
    count_unread,
    delete_device,
    get_public_key,
    list_devices,
    list_notices,
    mark_read,
    notify,
)
from fazt.core.push.store import find_sending, forget_notices, get_private_key, note_sent
from tests.conftest import NOW
from tests.core.push.test_model import make_device


@pytest.fixture
def ann(conn: Connection) -> User:
    return create_user(conn, email="ann@example.org", password_hash="x", now=NOW)


def add(conn: Connection, user: User, endpoint: str) -> Device:
    made, _ = make_device()
    keys = {"public_key": made.public_key, "auth_secret": made.auth_secret}
    return add_device(conn, user.id, name="Phone", endpoint=endpoint, now=NOW, **keys)


def test_a_notice_is_kept_and_queued_for_each_device(conn: Connection, ann: User) -> None:
    bob = create_user(conn, email="bob@example.org", password_hash="x", now=NOW)
    phone, laptop = add(conn, ann, "https://push.example.net/1"), add(conn, ann, "https://push.example.net/2")
    add(conn, bob, "https://push.example.net/3")
    made = notify(conn, Notice(ann.id, "Ring", "The door " * 100, "/hub", "door"), now=NOW)
    assert {job.payload["device"] for job in list_jobs(conn)} == {phone.id, laptop.id}
    found = find_sending(conn, phone.id, made)
    assert found is not None
    assert (found[0], found[1].title, len(found[1].text)) == (phone, "Ring", 500)
    assert [kept.title for kept in list_notices(conn, ann.id)] == ["Ring"]
    assert list_notices(conn, bob.id) == []


def test_reading_and_forgetting(conn: Connection, ann: User) -> None:
    notify(conn, Notice(ann.id, "One"), now=NOW)
    notify(conn, Notice(ann.id, "Two"), now=NOW + 1)
    assert count_unread(conn, ann.id) == 2
    mark_read(conn, ann.id)
    assert count_unread(conn, ann.id) == 0
    assert forget_notices(conn, now=NOW + 60 * DAY + 1) == 1
    assert [kept.title for kept in list_notices(conn, ann.id)] == ["Two"]


def test_a_browser_belongs_to_who_uses_it_last(conn: Connection, ann: User) -> None:
    bob = create_user(conn, email="bob@example.org", password_hash="x", now=NOW)
    add(conn, ann, "https://push.example.net/1")
    again = add(conn, bob, "https://push.example.net/1")
    assert list_devices(conn, ann.id) == []
    note_sent(conn, again.id, now=NOW + 5)
    assert [device.sent_at for device in list_devices(conn, bob.id)] == [NOW + 5]
    with pytest.raises(NotFound):
        delete_device(conn, ann.id, again.id)
    delete_device(conn, bob.id, again.id)
    assert find_sending(conn, again.id, 1) is None


def test_the_key_stays_the_same(conn: Connection) -> None:
    assert get_private_key(conn) == get_private_key(conn)
    assert get_public_key(conn) == get_public_key(conn)
