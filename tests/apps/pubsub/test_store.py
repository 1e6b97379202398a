"""The log on both engines: numbers, pages, starts, retention, keys, alerts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import Connection, select

from fazt.apps.pubsub.model.alert import check_alert
from fazt.apps.pubsub.model.board import Tile
from fazt.apps.pubsub.model.index import Patterns
from fazt.apps.pubsub.model.message import JSON, Message, Publication, Receipt
from fazt.apps.pubsub.model.options import Limits, Options
from fazt.apps.pubsub.model.since import Since
from fazt.apps.pubsub.schema import message
from fazt.apps.pubsub.store import alerts, boards, delayed, pages, reactions, sweep, topics
from fazt.apps.pubsub.store.hearing import on_event
from fazt.apps.pubsub.store.log import append
from fazt.core.auth.store import create_owner, create_user
from fazt.core.clock import DAY, HOUR, MINUTE, SECOND
from fazt.core.db import attempt
from fazt.core.errors import FaztError, NotFound, OverQuota
from fazt.core.events import Event, list_events
from fazt.core.push import list_notices
from fazt.core.search import search
from tests.conftest import NOW

LIMITS = Limits()


def publish(conn: Connection, *bodies: str, topic: str = "t", now: int = NOW, **more: Any) -> list[Receipt]:
    limits = more.pop("limits", LIMITS)
    publications = [Publication(topic, body.encode(), **more) for body in bodies]
    answers = append(conn, publications, limits, now=now)
    return [one for one in answers if isinstance(one, Receipt)]


@pytest.fixture
def anna(conn: Connection) -> str:
    """Somebody who is there to be told."""
    user = create_user(conn, email="anna@example.org", password_hash="x", now=NOW, name="", handle="anna")
    return user.id


def everything(_topic: str) -> bool:
    return True


def read(conn: Connection, *patterns: str, after: int = 0, now: int = NOW) -> list[str]:
    upto, found = topics.read_seq(conn), list[Message]()
    while after < upto:
        wanted = Patterns(patterns).__contains__
        page = pages.read_page(conn, list(patterns), wanted, after=after, upto=upto, now=now)
        assert page.position > after
        found, after = found + page.messages, page.position
    return [one.text() for one in found]


def start(conn: Connection, since: Since, *patterns: str, now: int = NOW) -> pages.Start:
    return pages.find_start(conn, list(patterns or ("t",)), everything, since, now=now)


def test_numbers_count_over_all_topics_and_within_each(conn: Connection) -> None:
    found = publish(conn, "1", "2") + publish(conn, "3", topic="u") + publish(conn, "4")
    first = found[0].seq
    assert [one.seq - first for one in found] == [0, 1, 2, 3]
    assert [one.n for one in found] == [1, 2, 1, 3]
    assert read(conn, "t") == ["1", "2", "4"]
    assert read(conn, "t", "u") == ["1", "2", "3", "4"]
    assert read(conn, "t", after=found[1].seq) == ["4"]


def test_patterns_find_topics_below_them(conn: Connection) -> None:
    for topic in ("home/temp", "home/kitchen/temp", "homes", "fazt/x.y"):
        publish(conn, topic, topic=topic)
    assert read(conn, "home/#") == ["home/temp", "home/kitchen/temp"]
    assert read(conn, "home/temp", "home/+/temp") == ["home/temp", "home/kitchen/temp"]
    assert read(conn, "fazt/+") == ["fazt/x.y"]


def test_a_page_is_cut_by_count_and_by_size(conn: Connection) -> None:
    publish(conn, *map(str, range(pages.PAGE_MESSAGES + 5)))
    seq = topics.read_seq(conn)
    page = pages.read_page(conn, ["t"], everything, after=0, upto=seq, now=NOW)
    assert (len(page.messages), page.is_last) == (pages.PAGE_MESSAGES, False)
    publish(conn, *["x" * 100_000] * 4, topic="large")
    page = pages.read_page(conn, ["lar+", "large"], everything, after=seq, upto=seq + 4, now=NOW)
    assert len(page.messages) == 2


def test_expired_messages_are_read_over_and_end_no_page_too_early(conn: Connection) -> None:
    publish(conn, *["old"] * (pages.PAGE_MESSAGES + 10), expires_at=NOW + 1)
    publish(conn, "new")
    assert read(conn, "t", now=NOW + 2) == ["new"]


def test_where_a_listener_begins(conn: Connection) -> None:
    before = topics.read_seq(conn)
    found = [publish(conn, str(n), now=NOW + n * MINUTE)[0] for n in range(5)]
    assert start(conn, Since("now")).position == found[4].seq
    assert start(conn, Since("all")).position == 0
    assert start(conn, Since("seq", found[2].seq)).position == found[2].seq
    assert start(conn, Since("id", id=found[1].id)).position == found[1].seq
    assert start(conn, Since("at", NOW + 2 * MINUTE)).position == found[1].seq
    assert start(conn, Since("at", NOW - 1)).position == before
    assert start(conn, Since("at", NOW + HOUR)).position == found[4].seq
    assert start(conn, Since("last", 2)).position == found[2].seq
    assert start(conn, Since("last", 2), "t", "u").position == found[2].seq
    assert start(conn, Since("last", 99), "#").position == 0
    latest = start(conn, Since("latest"), "#")
    assert [one.text() for one in latest.first] == ["4"]
    assert latest.position == found[4].seq


def test_what_is_lost_is_said(conn: Connection) -> None:
    found = publish(conn, *map(str, range(8)), limits=Limits(keep_count=3))
    assert read(conn, "t") == ["5", "6", "7"]
    assert start(conn, Since("seq", found[1].seq)).is_lost
    assert start(conn, Since("seq", found[1].seq), "+").is_lost
    assert not start(conn, Since("seq", found[4].seq)).is_lost
    assert start(conn, Since("id", id="nobody")).is_lost
    ahead = start(conn, Since("seq", found[7].seq + 50))
    assert (ahead.is_lost, ahead.position) == (True, found[7].seq)


def test_a_key_counts_once_for_each_person(conn: Connection) -> None:
    (first,) = publish(conn, "a", key="k", user_id="anna")
    (again,) = publish(conn, "a", key="k", user_id="anna", now=NOW + DAY)
    (other,) = publish(conn, "a", key="k", user_id="bert")
    assert (again.seq, again.id, again.repeated) == (first.seq, first.id, True)
    assert (other.repeated, read(conn, "t")) == (False, ["a", "a"])
    twice = [Publication("t", b"b", key="l"), Publication("t", b"b", key="l")]
    answers = append(conn, twice, LIMITS, now=NOW)
    assert [isinstance(one, Receipt) and one.repeated for one in answers] == [False, True]
    assert not topics.forget_keys(conn, before=NOW + DAY)
    assert not publish(conn, "c", key="k", user_id="anna")[0].repeated


def test_too_many_topics_fail_alone(conn: Connection) -> None:
    there = len(topics.list_topics(conn, limit=1_000, now=NOW))
    answers = append(conn, [Publication(f"m{n}", b"") for n in range(3)], Limits(max_topics=there + 2), now=NOW)
    assert [isinstance(one, Receipt) for one in answers] == [True, True, False]
    assert isinstance(answers[2], OverQuota)
    assert answers[2].details == {"max_topics": there + 2}
    assert isinstance(append(conn, [Publication("m0", b"")], Limits(max_topics=1), now=NOW)[0], Receipt)


def test_retention_by_size_and_age(conn: Connection) -> None:
    publish(conn, *["x" * 100] * 30, limits=Limits(keep_bytes=1_000))
    assert len(read(conn, "t")) <= 11
    publish(conn, "young", now=NOW + 6 * DAY)
    assert read(conn, "t", now=NOW + 8 * DAY) == ["young"]
    while sweep.remove_expired(conn, now=NOW + 8 * DAY, most=5):
        pass
    found = topics.find_topic(conn, "t", now=NOW)
    assert found is not None
    assert (found.messages, found.bytes) == (1, 5)
    assert len(conn.execute(select(message.c.seq)).all()) == 1


def test_empty_topics_are_forgotten(conn: Connection) -> None:
    publish(conn, "x", expires_at=NOW + 1)
    topics.put_options(conn, "kept", Options(keep_count=5), now=NOW)
    sweep.remove_expired(conn, now=NOW + 2)
    sweep.remove_empty_topics(conn, before=NOW + 3)
    assert [one.name for one in topics.list_topics(conn, now=NOW)] == ["kept"]
    assert not topics.delete_topic(conn, "kept")
    with pytest.raises(NotFound):
        topics.delete_topic(conn, "kept")
    assert conn.execute(topics.STATE).one().topics == 0


def test_topics_are_found_by_their_owner_until_they_go(conn: Connection) -> None:
    owner = create_owner(conn, email="o@example.org", password_hash="x", now=NOW)
    publish(conn, "x", topic="house/kitchen", expires_at=NOW + 1)
    publish(conn, "x", topic="house/bath")
    assert [one.path for one in search(conn, "kitch", user_id=owner.id)] == ["/topics/t/house/kitchen"]
    assert search(conn, "kitchen", user_id="another") == []
    sweep.remove_expired(conn, now=NOW + 2)
    sweep.remove_empty_topics(conn, before=NOW + 3)
    topics.delete_topic(conn, "house/bath")
    assert search(conn, "house", user_id=owner.id) == []


def test_a_retained_value_outlives_its_topics_rules(conn: Connection) -> None:
    publish(conn, "first", retain=True)
    (second,) = publish(conn, "second", retain=True)
    publish(conn, *["x"] * 20, limits=Limits(keep_count=2))
    sweep.remove_expired(conn, now=NOW + 30 * DAY)
    found = topics.find_topic(conn, "t", now=NOW + 30 * DAY)
    assert found is not None
    assert found.last is not None
    assert found.last.id == second.id
    latest = start(conn, Since("latest"), now=NOW + 30 * DAY)
    assert [one.text() for one in latest.first] == ["second"]


def test_the_last_value_and_lists(conn: Connection) -> None:
    publish(conn, "1", "2")
    publish(conn, "3", topic="u/v", now=NOW + 5)
    listed = topics.list_topics(conn, now=NOW, by_time=True)
    assert [(one.name, one.last.text() if one.last else "") for one in listed] == [("u/v", "3"), ("t", "2")]
    assert [one.name for one in topics.list_topics(conn, prefix="u", now=NOW)] == ["u/v"]
    assert [one.name for one in topics.list_topics(conn, after="t", now=NOW)] == ["u/v"]


def test_times_never_run_back(conn: Connection) -> None:
    publish(conn, "1", now=NOW)
    assert publish(conn, "2", now=NOW - HOUR)[0].at == NOW


def test_what_is_put_off_comes_when_it_is_due(conn: Connection) -> None:
    late = [Publication("t", b"late", id="mlate", due_at=NOW + 10), Publication("t", b"x", id="mx", due_at=NOW + 20)]
    delayed.put_off(conn, late, now=NOW)
    assert delayed.next_due(conn) == NOW + 10
    assert [one.id for one in delayed.list_delayed(conn, ["t"])] == ["mlate", "mx"]
    assert delayed.cancel(conn, "t", "mx") == 1
    delayed.publish_due(conn, LIMITS, now=NOW + 9)
    assert read(conn, "t") == []
    assert not delayed.publish_due(conn, LIMITS, now=NOW + 10)
    assert read(conn, "t") == ["late"]
    assert delayed.next_due(conn) is None


def test_alerts_begin_and_end_once(conn: Connection, anna: str) -> None:
    above = alerts.create_alert(conn, check_alert("t", "above", 25, anna), now=NOW)
    for body in ("20", "26", "27", "words", "24", '{"value": 30}'):
        publish(conn, body)
    told = [event.name for event in list_events(conn, prefix="pubsub.")]
    assert told == ["pubsub.alert_began", "pubsub.alert_ended", "pubsub.alert_began"]
    assert list_notices(conn, anna)[0].title == "t is above 25."
    assert alerts.list_alerts(conn, anna)[0].is_firing
    with pytest.raises(NotFound):
        alerts.delete_alert(conn, "bert", above.id, now=NOW)
    alerts.delete_alert(conn, anna, above.id, now=NOW)
    publish(conn, "1")
    assert len(list_events(conn, prefix="pubsub.")) == 3


def test_silence_is_noticed_and_ends_with_a_message(conn: Connection, anna: str) -> None:
    alerts.create_alert(conn, check_alert("t", "silent", 10, anna), now=NOW)
    publish(conn, "1", now=NOW + MINUTE)
    assert reactions.find_silence(conn, now=NOW + 10 * MINUTE) == 0
    assert reactions.find_silence(conn, now=NOW + 11 * MINUTE) == 1
    assert reactions.find_silence(conn, now=NOW + 12 * MINUTE) == 0
    publish(conn, "2", now=NOW + 13 * MINUTE)
    assert [event.name for event in list_events(conn, prefix="pubsub.")] == ["pubsub.alert_ended", "pubsub.alert_began"]


def test_who_watches_a_topic_gets_a_notice_for_each_message(conn: Connection, anna: str) -> None:
    alerts.set_watching(conn, anna, "t", wanted=True, now=NOW)
    publish(conn, "hello", extra={"title": "Door"})
    alerts.set_watching(conn, anna, "t", wanted=False, now=NOW)
    publish(conn, "unheard")
    assert [(one.title, one.text, one.path) for one in list_notices(conn, anna)] == [("Door", "hello", "/topics/t/t")]


def test_an_alert_of_somebody_who_is_gone_keeps_no_message_back(conn: Connection) -> None:
    alerts.create_alert(conn, check_alert("t", "above", 25, "nobody"), now=NOW)
    publish(conn, "26")
    assert read(conn, "t") == ["26"]


def test_boards_are_somebodys(conn: Connection) -> None:
    board = boards.create_board(conn, "anna", " Living  room ", now=NOW)
    tiles = (Tile("home/temp", unit="°C"), Tile("home/hum", "gauge"))
    assert boards.change_board(conn, board, title="Living room", tiles=tiles, now=NOW).topics == [
        "home/temp",
        "home/hum",
    ]
    with pytest.raises(NotFound):
        boards.get_board(conn, board.id, "bert")
    with pytest.raises(FaztError):
        boards.change_board(conn, board, title="", tiles=(), now=NOW)


def test_events_become_messages_and_a_deleted_person_is_forgotten(conn: Connection) -> None:
    boards.create_board(conn, "anna", "Mine", now=NOW)
    on_event(conn, Event("textdb.changed", {"collection": "notes", "seq": 4}, id=1, at=NOW))
    on_event(conn, Event("auth.user_deleted", {"user_id": "anna"}, id=2, at=NOW))
    assert read(conn, "db/notes") == ['{"collection":"notes","seq":4}']
    assert len(read(conn, "fazt/#")) == 2
    assert read(conn, "#") == []
    assert boards.list_boards(conn, "anna") == []


def test_events_that_are_taken_at_once_are_the_messages_that_each_alone_would_be(conn: Connection) -> None:
    names = ("drive.file_put", "textdb.changed", "drive.moved")
    events = [
        Event(names[n % 3], {"collection": "notes", "n": n}, f"k{n}", n, NOW + 400 * n + HOUR * (n // 7))
        for n in range(1, 13)
    ]

    def tell(*calls: Sequence[Event]) -> list[Message]:
        for call in calls:
            on_event.take(conn, call)
        upto = topics.read_seq(conn)
        return pages.read_page(conn, ["fazt/#", "db/#"], everything, after=0, upto=upto, now=NOW).messages

    with suppress(NotFound), attempt(conn):
        alone = tell(*([event] for event in events))
        raise NotFound("of what was told")
    together = tell(events)
    assert [(one.topic, one.n, one.data) for one in together] == [(one.topic, one.n, one.data) for one in alone]
    assert len({one.seq for one in together}) == len(together) == 16
    assert all(abs(after.at - before.at) < SECOND for after, before in zip(together, alone, strict=True))


def test_bodies_of_any_kind_come_back_as_they_were(conn: Connection) -> None:
    bodies = [b"", b"\x00\xff", "é".encode(), b"a\nb"]
    append(conn, [Publication("t", body, JSON, {"tags": ["x"]}) for body in bodies], LIMITS, now=NOW)
    page = pages.read_page(conn, ["t"], everything, after=0, upto=topics.read_seq(conn), now=NOW)
    assert [one.data for one in page.messages] == bodies
    assert page.messages[0].extra == {"tags": ["x"]}
