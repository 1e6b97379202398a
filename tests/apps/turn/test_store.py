"""Secrets that rotate, figures by the minute, invitations that end."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from fazt.apps.turn import store
from fazt.apps.turn.model import Figures, Moment, Ready, check_room, make_uris, measure_moment
from fazt.core.clock import DAY, HOUR
from fazt.core.errors import Invalid, NotFound
from tests.conftest import NOW


def test_the_first_secret_is_made_when_it_is_needed(conn: Connection) -> None:
    first = store.use_secrets(conn, NOW)
    assert len(first) == 1
    assert len(first[0]) >= 32
    assert store.use_secrets(conn, NOW + DAY) == first


def test_secrets_rotate_and_the_old_one_stays_good_for_a_while(conn: Connection) -> None:
    (first,) = store.use_secrets(conn, NOW)
    second, before = store.use_secrets(conn, NOW + 31 * DAY)
    assert before == first
    assert second != first
    assert store.use_secrets(conn, NOW + 32 * DAY) == (second, first)
    assert store.use_secrets(conn, NOW + 34 * DAY) == (second,)


def test_figures_are_kept_for_a_month(conn: Connection) -> None:
    rows = [Moment(NOW + n * 60_000, n, 1, 2, 3, 4, 5) for n in range(3)]
    for row in rows:
        store.add_moment(conn, row)
    store.add_moment(conn, rows[0])
    assert store.list_moments(conn, NOW) == rows
    assert store.list_moments(conn, NOW + 1) == rows[1:]
    store.prune(conn, NOW + 30 * DAY + 60_000)
    assert store.list_moments(conn, 0) == rows[1:]


def test_an_invitation_opens_one_room_until_it_ends(conn: Connection) -> None:
    made, key = store.create_invitation(conn, "tea", "u1", lasts=HOUR, now=NOW)
    assert store.find_invitation(conn, key, NOW + HOUR - 1) == made
    assert store.find_invitation(conn, key, NOW + HOUR) is None
    assert store.find_invitation(conn, "other", NOW) is None
    assert made.room == "tea"


def test_invitations_are_taken_back_by_who_made_them(conn: Connection) -> None:
    made, key = store.create_invitation(conn, "tea", "u1", lasts=HOUR, now=NOW)
    assert store.list_invitations(conn, "u2", NOW) == []
    with pytest.raises(NotFound):
        store.delete_invitation(conn, made.id, "u2")
    assert store.list_invitations(conn, "u1", NOW) == [made]
    store.delete_invitation(conn, made.id, "u1")
    assert store.find_invitation(conn, key, NOW) is None


def test_ended_invitations_are_forgotten(conn: Connection) -> None:
    store.create_invitation(conn, "tea", "u1", lasts=HOUR, now=NOW)
    store.prune(conn, NOW + HOUR)
    assert store.list_invitations(conn, "u1", NOW) == []


@pytest.mark.parametrize("lasts", [0, -1, 31 * DAY])
def test_an_invitation_lasts_up_to_a_month(conn: Connection, lasts: int) -> None:
    with pytest.raises(Invalid):
        store.create_invitation(conn, "tea", "u1", lasts=lasts, now=NOW)


@pytest.mark.parametrize("name", ["", "-tea", "Tea", "tea time", "a/b", "x" * 65, "tea\n"])
def test_names_that_no_room_has(name: str) -> None:
    with pytest.raises(Invalid):
        check_room(name)


def test_uris() -> None:
    ready = Ready(("::1",), 3478, 5349, ("::1",), has_tls=True)
    assert make_uris("::1", ready) == (
        "turn:[::1]:3478?transport=udp",
        "turn:[::1]:3478?transport=tcp",
        "turns:[::1]:5349?transport=tcp",
    )


def test_a_moment_is_what_grew() -> None:
    before = Figures(bytes_sent=10, packets_sent=1, counts={"refused.401": 5, "allocations.udp": 1})
    after = Figures(
        allocations=2,
        bytes_sent=30,
        bytes_received=5,
        packets_sent=3,
        counts={
            "refused.401": 9,
            "refused.486": 1,
            "wrong_credentials": 1,
            "allocations.udp": 2,
            "allocations.tls": 1,
            "dropped.malformed": 4,
        },
    )
    assert measure_moment(7, before, after) == Moment(7, 2, 2, 25, 2, 2, 4)
