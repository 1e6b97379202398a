"""Telling facts and bringing them to the apps, as calls on a Connection."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, text

from fazt.core.clock import DAY, SECOND
from fazt.core.db import attempt
from fazt.core.errors import Invalid, NotFound
from fazt.core.events import Event, emit, list_events, store
from fazt.core.jobs import list_jobs
from fazt.core.jobs.store import take_due
from tests.conftest import NOW


def tell(conn: Connection, n: int, name: str = "test.told", at: int = NOW) -> int:
    return emit(conn, Event(name, {"n": n}, key=f"k{n}"), now=at)


class Hearer:
    """An app's on_event that notes what it hears and can be told to fail."""

    def __init__(self, *, fails_at: set[int] | None = None) -> None:
        self.heard: list[Event] = []
        self.fails_at = fails_at or set()

    def on_event(self, conn: Connection, event: Event) -> None:
        emit(conn, Event("hearer.heard", {"id": event.id}), now=NOW)
        self.heard.append(event)
        if event.data.get("n") in self.fails_at:
            raise Invalid("not this one")


def test_an_event_comes_back_as_it_was_told(conn: Connection) -> None:
    data = {"id": "a", "count": 3, "nested": {"list": [1, None, "ü\0\n"]}, "share": 0.5}
    told = emit(conn, Event("test.told", data, key="k"), now=NOW)
    assert list_events(conn) == [Event("test.told", data, "k", told, NOW)]


def test_every_app_hears_each_event_once_in_order(conn: Connection) -> None:
    ids = [tell(conn, n) for n in range(5)]
    heard: list[tuple[str, int]] = []
    handlers = {
        "a": lambda _conn, event: heard.append(("a", event.id)),
        "b": lambda _conn, event: heard.append(("b", event.id)),
    }
    assert [e.id for e in store.deliver_batch(conn, store.Hears(handlers), now=NOW)] == ids
    assert heard == [(app, event_id) for event_id in ids for app in ("a", "b")]
    assert store.deliver_batch(conn, store.Hears(handlers), now=NOW) == []


def test_an_app_hears_the_events_that_its_manifest_names(conn: Connection) -> None:
    tell(conn, 1, "test.told")
    tell(conn, 2, "test.other")
    heard: list[tuple[str, str]] = []
    handlers = {
        app: lambda _conn, event, app=app: heard.append((app, event.name)) for app in ("one", "all", "none", "unnamed")
    }
    names = {"one": ("test.told",), "all": ("*",), "none": ()}
    store.deliver_batch(conn, store.Hears(handlers, names), now=NOW)
    assert heard == [
        ("one", "test.told"),
        ("all", "test.told"),
        ("unnamed", "test.told"),
        ("all", "test.other"),
        ("unnamed", "test.other"),
    ]


def test_no_more_than_a_batch_is_delivered_at_once(conn: Connection) -> None:
    ids = [tell(conn, n) for n in range(store.BATCH + 5)]
    assert [e.id for e in store.deliver_batch(conn, store.Hears({}), now=NOW)] == ids[: store.BATCH]
    assert [e.id for e in store.deliver_batch(conn, store.Hears({}), now=NOW)] == ids[store.BATCH :]


def test_a_failing_app_holds_up_nobody_and_is_undone_alone(conn: Connection) -> None:
    good, bad = Hearer(), Hearer(fails_at={1})
    ids = [tell(conn, n) for n in range(3)]
    store.deliver_batch(conn, store.Hears({"bad": bad.on_event, "good": good.on_event}), now=NOW)
    assert [e.id for e in good.heard] == ids
    assert [e.id for e in bad.heard] == ids
    effects = [e.data["id"] for e in list_events(conn, prefix="hearer.")]
    assert sorted(effects) == sorted([*ids, ids[0], ids[2]])
    (job,) = list_jobs(conn)
    assert (job.name, job.key, job.run_at) == ("events.deliver", f"{ids[1]}/bad", NOW + SECOND)


def test_a_failing_statement_of_an_app_is_its_own_trouble(conn: Connection) -> None:
    def broken(conn: Connection, event: Event) -> None:
        conn.execute(text("SELECT nothing FROM nowhere"))

    good = Hearer()
    tell(conn, 1)
    store.deliver_batch(conn, store.Hears({"broken": broken, "good": good.on_event}), now=NOW)
    assert len(good.heard) == 1
    assert [job.key for job in list_jobs(conn)] == [f"{good.heard[0].id}/broken"]


class Gatherer:
    """An app that takes many events at once, and can be told to fail."""

    def __init__(self, *, fails_at: set[int] | None = None) -> None:
        self.calls: list[list[int]] = []
        self.fails_at = fails_at or set()

    def take(self, conn: Connection, events: Sequence[Event]) -> None:
        self.calls.append([event.data["n"] for event in events])
        for event in events:
            emit(conn, Event("gatherer.took", {"n": event.data["n"]}), now=NOW)
            if event.data["n"] in self.fails_at:
                raise Invalid("not this one")


def test_an_app_that_takes_many_hears_a_batch_in_one_call(conn: Connection) -> None:
    gatherer, each = Gatherer(), Hearer()
    for n in range(5):
        tell(conn, n, "test.other" if n == 2 else "test.told")
    handlers: dict[str, store.OnEvent] = {"many": store.Many(gatherer.take), "each": each.on_event}
    store.deliver_batch(conn, store.Hears(handlers, {"many": ("test.told",), "each": ("*",)}), now=NOW)
    assert gatherer.calls == [[0, 1, 3, 4]]
    assert [e.data["n"] for e in each.heard] == [0, 1, 2, 3, 4]


def test_one_event_that_fails_among_many_is_tried_again_alone(conn: Connection) -> None:
    gatherer = Gatherer(fails_at={1})
    ids = [tell(conn, n) for n in range(3)]
    handlers = {"many": store.Many(gatherer.take)}
    store.deliver_batch(conn, store.Hears(handlers, {"many": ("test.told",)}), now=NOW)
    assert gatherer.calls == [[0, 1, 2], [0], [1], [2]]
    assert sorted(e.data["n"] for e in list_events(conn, prefix="gatherer.")) == [0, 2]
    (job,) = list_jobs(conn)
    assert (job.key, job.run_at) == (f"{ids[1]}/many", NOW + SECOND)
    gatherer.fails_at.clear()
    store.deliver_again(conn, handlers, take_delivery(conn, NOW + SECOND))
    assert sorted(e.data["n"] for e in list_events(conn, prefix="gatherer.")) == [0, 1, 2]


def take_delivery(conn: Connection, now: int) -> dict[str, object]:
    (entry,) = take_due(conn, [store.RETRY_JOB], 8, now=now)
    return entry.payload


def test_a_failed_delivery_is_made_up_for_once(conn: Connection) -> None:
    bad = Hearer(fails_at={1})
    told = tell(conn, 1)
    handlers = {"bad": bad.on_event}
    store.deliver_batch(conn, store.Hears(handlers), now=NOW)
    payload = take_delivery(conn, NOW + SECOND)
    with pytest.raises(Invalid), attempt(conn):
        store.deliver_again(conn, handlers, payload)
    bad.fails_at.clear()
    store.deliver_again(conn, handlers, payload)
    assert list_jobs(conn) == []
    store.deliver_again(conn, handlers, payload)  # as after a crash between the work and the queue's note of it
    assert bad.heard == [Event("test.told", {"n": 1}, "k1", told, NOW)] * 3
    assert len(list_events(conn, prefix="hearer.")) == 1


def test_a_delivery_to_an_app_that_is_gone_fails(conn: Connection) -> None:
    tell(conn, 1)
    store.deliver_batch(conn, store.Hears({"bad": Hearer(fails_at={1}).on_event}), now=NOW)
    payload = take_delivery(conn, NOW + SECOND)
    with pytest.raises(NotFound), attempt(conn):
        store.deliver_again(conn, {}, payload)
    assert len(list_jobs(conn)) == 1


def test_only_old_delivered_events_are_forgotten(conn: Connection) -> None:
    old = [tell(conn, n, at=NOW - DAY) for n in range(5)]
    store.deliver_batch(conn, store.Hears({}), now=NOW)
    undelivered = tell(conn, 6, at=NOW - DAY)
    young = tell(conn, 7)
    assert store.prune_events(conn, before=NOW, limit=3) == 3
    assert store.prune_events(conn, before=NOW, limit=3) == 2
    assert store.prune_events(conn, before=NOW, limit=3) == 0
    assert [e.id for e in list_events(conn)] == [young, undelivered]
    assert old[-1] < undelivered


def test_an_id_that_was_forgotten_never_comes_back(conn: Connection) -> None:
    last = tell(conn, 1, at=NOW - DAY)
    store.deliver_batch(conn, store.Hears({}), now=NOW)
    store.prune_events(conn, before=NOW)
    assert tell(conn, 2) > last


def test_the_list_has_filters_and_pages(conn: Connection) -> None:
    a, b, c, d = (tell(conn, 1, name) for name in ("mail.received", "mail.sent", "mailx.other", "drive.changed"))
    assert [e.id for e in list_events(conn, limit=2)] == [d, c]
    assert [e.id for e in list_events(conn, before_id=c)] == [b, a]
    assert [e.id for e in list_events(conn, after_id=b)] == [d, c]
    assert [e.id for e in list_events(conn, prefix="mail.")] == [b, a]
    assert list_events(conn, prefix="mail_") == []
    assert list_events(conn, prefix="%") == []
