"""Links to things."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from fazt.core.auth import User
from fazt.core.auth.store import create_user
from fazt.core.clock import DAY, HOUR
from fazt.core.errors import Invalid, NotFound
from fazt.core.shares import (
    Share,
    change_share,
    count_visit,
    create_share,
    find_share,
    get_share,
    list_shares,
    list_shares_of,
    revoke_share,
    revoke_shares,
)
from fazt.core.shares.store import forget_expired
from tests.conftest import NOW


@pytest.fixture
def ann(conn: Connection) -> User:
    return create_user(conn, email="ann@example.org", password_hash="x", now=NOW)


def make(conn: Connection, user: User, target: str = "42", expires_at: int | None = None) -> Share:
    return create_share(
        conn, app="drive", target=target, user_id=user.id, label=" Photos ", expires_at=expires_at, now=NOW
    )


def test_who_holds_the_token_finds_the_share(conn: Connection, ann: User) -> None:
    made = make(conn, ann)
    assert made.label == "Photos"
    assert len(made.token) == 20
    assert find_share(conn, made.token, now=NOW) == made
    assert find_share(conn, made.token.upper(), now=NOW) is None
    assert find_share(conn, "\ud800", now=NOW) is None


def test_a_share_ends_to_the_millisecond(conn: Connection, ann: User) -> None:
    made = make(conn, ann, expires_at=NOW + HOUR)
    assert find_share(conn, made.token, now=NOW + HOUR - 1) == made
    assert find_share(conn, made.token, now=NOW + HOUR) is None
    assert list_shares(conn, "drive", "42") == [made], "its owner still sees that it has ended"
    assert forget_expired(conn, now=NOW + 31 * DAY + 2 * HOUR) == 1
    assert list_shares(conn, "drive", "42") == []
    with pytest.raises(Invalid):
        make(conn, ann, expires_at=NOW)


def test_shares_are_listed_by_thing_and_by_person(conn: Connection, ann: User) -> None:
    bob = create_user(conn, email="bob@example.org", password_hash="x", now=NOW)
    one, two, other = make(conn, ann), make(conn, bob), make(conn, ann, "43")
    assert {found.id for found in list_shares(conn, "drive", "42")} == {one.id, two.id}
    assert {found.id for found in list_shares_of(conn, ann.id)} == {one.id, other.id}
    assert list_shares_of(conn, ann.id, app="pads") == []


def test_changes_and_visits(conn: Connection, ann: User) -> None:
    made = make(conn, ann)
    changed = change_share(conn, made.id, user_id=ann.id, now=NOW, may_write=True, expires_at=NOW + DAY)
    count_visit(conn, made.id)
    found = get_share(conn, made.id, user_id=None)
    assert (changed.may_write, found.may_write, found.expires_at, found.visits) == (True, True, NOW + DAY, 1)
    with pytest.raises(Invalid):
        change_share(conn, made.id, user_id=ann.id, now=NOW, expires_at=NOW)


def test_only_who_shares_ends_it(conn: Connection, ann: User) -> None:
    made = make(conn, ann)
    with pytest.raises(NotFound):
        revoke_share(conn, made.id, user_id="somebody else")
    assert revoke_share(conn, made.id, user_id=ann.id) == made
    assert find_share(conn, made.token, now=NOW) is None
    make(conn, ann)
    make(conn, ann)
    assert revoke_shares(conn, "drive", "42") == 2
