"""The store of a site, its clock and its queue, on both databases."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection

from fazt.apps.runtime.model import CronSpec, Hook, Listing, Manifest, Operation
from fazt.apps.runtime.store import kv, logs, on_event, runs, sites
from fazt.core.clock import DAY, HOUR, MINUTE, SECOND
from fazt.core.db import attempt
from fazt.core.errors import Conflict, Invalid, NotFound, OverQuota, PreconditionFailed, TooLarge
from fazt.core.events import Event
from tests.conftest import NOW

MOST = 1 << 20
MIDNIGHT = NOW - NOW % DAY
SITE, OTHER = 7, 8


def put(conn: Connection, key: str, value: Any, site: int = SITE, **options: Any) -> int:
    options = {"now": NOW, "max_bytes": MOST, **options}
    return kv.set_entry(conn, site, key, msgspec.json.encode(value), **options)


def get(conn: Connection, key: str, site: int = SITE, now: int = NOW) -> Any:
    found = kv.find_entry(conn, site, key, now=now)
    return None if found is None else msgspec.json.decode(found.value)


def add_site(conn: Connection, site: int = SITE, **manifest: Any) -> None:
    facts = {"name": f"s{site}", "owner": "o", "version": 1, "entry": "main.js", "problem": ""}
    sites.put_site(conn, site, **facts, manifest=Manifest(**manifest), now=MIDNIGHT)  # type: ignore[arg-type]


# --- keys


def test_versions_grow_and_never_come_back(conn: Connection) -> None:
    first = put(conn, "a", 1)
    assert put(conn, "b", 1) > first
    assert kv.delete_entry(conn, SITE, "a", now=NOW)
    assert not kv.delete_entry(conn, SITE, "a", now=NOW)
    with pytest.raises(PreconditionFailed):
        put(conn, "a", 2, if_version=first)
    assert put(conn, "a", 2, if_version=0) > first
    with pytest.raises(PreconditionFailed):
        put(conn, "a", 3, if_version=0)


def test_sites_do_not_see_each_other(conn: Connection) -> None:
    put(conn, "a", "mine")
    put(conn, "a", "theirs", site=OTHER)
    assert get(conn, "a") == "mine"
    assert [entry.key for entry in kv.list_entries(conn, OTHER, Listing(), now=NOW)] == ["a"]


def test_what_has_expired_is_not_there_and_is_swept(conn: Connection) -> None:
    put(conn, "a", 1, ttl=10)
    later = NOW + 10 * SECOND
    assert get(conn, "a", now=later - 1) == 1
    assert get(conn, "a", now=later) is None
    assert kv.list_entries(conn, SITE, Listing(), now=later) == []
    assert put(conn, "a", 2, now=later, if_version=0) > 0
    put(conn, "b", 1, ttl=1)
    assert kv.sweep_entries(conn, now=later) == 1
    assert get(conn, "a", now=later) == 2


def test_ranges_are_in_the_order_of_code_points(conn: Connection) -> None:
    for key in ("a", "a/b", "a/c", "a0", "b", "é", "\ud7ff", "\ue000", "😀"):
        put(conn, key, key)

    def keys(**asked: Any) -> list[str]:
        return [entry.key for entry in kv.list_entries(conn, SITE, Listing(**asked), now=NOW)]

    assert keys() == ["a", "a/b", "a/c", "a0", "b", "é", "\ud7ff", "\ue000", "😀"]
    assert keys(prefix="a/") == ["a/b", "a/c"]
    assert keys(prefix="\ud7ff") == ["\ud7ff"]
    assert keys(start="a/c", end="b") == ["a/c", "a0"]
    assert keys(prefix="a", reverse=True, limit=2) == ["a0", "a/c"]
    assert keys(prefix="\U0010ffff") == []
    with pytest.raises(Invalid):
        keys(limit=0)


def test_numbers_are_added_exactly(conn: Connection) -> None:
    assert kv.add_to_entry(conn, SITE, "n", 2, now=NOW, max_bytes=MOST) == 2
    assert kv.add_to_entry(conn, SITE, "n", -0.5, now=NOW, max_bytes=MOST) == 1.5
    put(conn, "t", "text")
    with pytest.raises(Invalid):
        kv.add_to_entry(conn, SITE, "t", 1, now=NOW, max_bytes=MOST)
    put(conn, "big", 2**53 - 1)
    with pytest.raises(Invalid):
        kv.add_to_entry(conn, SITE, "big", 1, now=NOW, max_bytes=MOST)
    put(conn, "short", 1, ttl=5)
    kv.add_to_entry(conn, SITE, "short", 1, now=NOW, max_bytes=MOST)
    assert get(conn, "short", now=NOW + 6 * SECOND) is None


def test_a_site_may_keep_so_much_and_no_more(conn: Connection) -> None:
    put(conn, "a", "x" * 600_000)
    with pytest.raises(OverQuota), attempt(conn):
        put(conn, "b", "x" * 600_000)
    assert kv.delete_entry(conn, SITE, "a", now=NOW)
    assert put(conn, "c", "x" * 600_000)
    with pytest.raises(TooLarge):
        put(conn, "d", "x" * (1 << 20), max_bytes=1 << 30)
    for bad in ("", "x" * 1_025, "a\0b", "\ud800"):
        with pytest.raises(Invalid):
            put(conn, bad, 1)


def test_steps_answer_in_their_order(conn: Connection) -> None:
    steps = [
        Operation("set", "a", msgspec.Raw(b"1")),
        Operation("add", "a", amount=4),
        Operation("check", "none", if_version=0),
        Operation("delete", "a"),
        Operation("delete", "a"),
    ]
    version, total, *rest = kv.apply_operations(conn, SITE, steps, now=NOW, max_bytes=MOST)
    assert (version > 0, total, rest) == (True, 5, [None, True, False])
    with pytest.raises(Invalid):
        kv.apply_operations(conn, SITE, steps * 21, now=NOW, max_bytes=MOST)


# --- the clock


def cron(name: str = "c", schedule: str = "*/5 * * * *", **options: Any) -> CronSpec:
    return CronSpec(schedule, name=name, **options)


def due_names(conn: Connection, now: int, limit: int = 100) -> list[tuple[str, int]]:
    return [(run.name, run.payload["scheduledTime"] - MIDNIGHT) for run in runs.take_due(conn, limit, now=now)]


def test_each_time_runs_once(conn: Connection) -> None:
    add_site(conn, cron=(cron(), cron("zoned", "30 1 * * *", timezone="Europe/Berlin")))
    assert runs.find_next(conn) == MIDNIGHT + 5 * MINUTE
    assert due_names(conn, MIDNIGHT + 5 * MINUTE - 1) == []
    (run,) = runs.take_due(conn, 9, now=MIDNIGHT + 5 * MINUTE)
    assert runs.take_due(conn, 9, now=MIDNIGHT + 5 * MINUTE) == []
    runs.finish_run(conn, run, now=MIDNIGHT + 6 * MINUTE)
    assert runs.find_next(conn) == MIDNIGHT + 10 * MINUTE
    assert ("zoned", 30 * MINUTE) in due_names(conn, MIDNIGHT + 30 * MINUTE)  # 01:30 in Berlin's winter


@pytest.mark.parametrize(("missed", "count"), [("once", 1), ("skip", 0), ("all", 12)])
def test_missed_times(conn: Connection, missed: Any, count: int) -> None:
    add_site(conn, cron=(cron(missed=missed, overlap=True),))
    assert len(due_names(conn, MIDNIGHT + HOUR + 2 * MINUTE)) == count
    assert runs.find_next(conn) == MIDNIGHT + HOUR + 5 * MINUTE


def test_runs_of_an_entry_do_not_overlap_unless_it_says_so(conn: Connection) -> None:
    add_site(conn, cron=(cron("one"), cron("many", overlap=True), cron("skips", missed="skip")))
    assert len(due_names(conn, MIDNIGHT + 5 * MINUTE)) == 3
    assert due_names(conn, MIDNIGHT + 10 * MINUTE) == [("many", 10 * MINUTE)]
    assert due_names(conn, MIDNIGHT + 15 * MINUTE) == [("many", 15 * MINUTE)]
    one = next(run for run in runs.list_runs(conn, SITE, state="running") if run.name == "one")
    runs.finish_run(conn, one, now=MIDNIGHT + 16 * MINUTE)
    assert due_names(conn, MIDNIGHT + 16 * MINUTE) == [("one", 10 * MINUTE)]  # what waited meanwhile, once


def test_a_paused_entry_waits_and_goes_on(conn: Connection) -> None:
    add_site(conn, cron=(cron(),))
    runs.pause_cron(conn, SITE, "c")
    assert due_names(conn, MIDNIGHT + HOUR) == []
    add_site(conn, cron=(cron(),))  # the next version
    assert runs.get_cron(conn, SITE, "c").is_paused
    runs.resume_cron(conn, SITE, "c", now=MIDNIGHT + HOUR + 1)
    assert due_names(conn, MIDNIGHT + HOUR + 2) == []
    assert runs.run_cron_now(conn, SITE, "c", now=MIDNIGHT + HOUR + 2) > 0
    assert len(due_names(conn, MIDNIGHT + HOUR + 2)) == 1
    with pytest.raises(NotFound):
        runs.pause_cron(conn, SITE, "other")


def test_a_site_without_code_has_no_clock(conn: Connection) -> None:
    add_site(conn, cron=(cron(),), on=(Hook("mail.received"),))
    sites.stop_site(conn, SITE)
    assert runs.find_next(conn) is None
    on_event(conn, Event("mail.received", {}, id=1, at=NOW))
    assert runs.list_runs(conn, SITE) == []


# --- events


def tell(conn: Connection, name: str, key: str = "", number: int = 1, **data: Any) -> None:
    on_event(conn, Event(name, data, key, number, NOW))


def take(conn: Connection, now: int = NOW) -> list[Any]:
    return [run.payload["data"]["n"] for run in runs.take_due(conn, 100, now=now)]


def finish_all(conn: Connection) -> None:
    for run in runs.list_runs(conn, SITE, state="running"):
        runs.finish_run(conn, run, now=NOW)


def test_events_run_in_order_for_each_key(conn: Connection) -> None:
    add_site(conn, on=(Hook("textdb.changed"),))
    for number, key in enumerate(["a", "b", "a", "a", "b"]):
        tell(conn, "textdb.changed", key, number, n=number, user_id="o")
    assert take(conn) == [0, 1]
    assert take(conn) == []
    finish_all(conn)
    assert take(conn) == [2, 4]
    finish_all(conn)
    assert take(conn) == [3]


def test_a_failed_event_holds_up_its_key_until_it_is_given_up(conn: Connection) -> None:
    add_site(conn, on=(Hook("x.y"),))
    for number in range(2):
        tell(conn, "x.y", "k", number, n=number, user_id="o")
    for tries in range(8):
        (run,) = runs.take_due(conn, 9, now=NOW + tries * SECOND)
        assert run.payload["data"]["n"] == 0
        state = runs.fail_run(conn, run, "no", now=NOW, retry_at=NOW + (tries + 1) * SECOND)
        assert state == ("dead" if tries == 7 else "queued")
    assert take(conn, NOW + 9 * SECOND) == [1]
    dead = runs.list_runs(conn, SITE, state="dead")[0]
    assert (dead.attempts, dead.error) == (8, "no")
    runs.retry_run(conn, SITE, dead.id, now=NOW)
    assert runs.get_run(conn, SITE, dead.id).attempts == 0
    with pytest.raises(NotFound):
        runs.retry_run(conn, OTHER, dead.id, now=NOW)


def test_only_what_matches_is_heard(conn: Connection) -> None:
    add_site(conn, on=(Hook("textdb.changed", {"collection": "orders", "change": ["created", "updated"]}),))
    tell(conn, "textdb.changed", n=1, collection="orders", change="created", user_id="o")
    tell(conn, "textdb.changed", n=2, collection="orders", change="deleted", user_id="o")
    tell(conn, "textdb.changed", n=3, collection="other", change="created", user_id="o")
    tell(conn, "mail.received", n=4, user_id="o")
    assert take(conn) == [1]


def test_a_member_hears_only_what_is_their_own(conn: Connection) -> None:
    add_site(conn, on=(Hook("mail.received"),))  # of "o", who is not the owner here
    tell(conn, "mail.received", n=1, user_id="someone")
    tell(conn, "mail.received", n=2)
    tell(conn, "mail.received", n=3, user_id="o")
    assert take(conn) == [3]


def test_what_ran_when_the_program_died_runs_again(conn: Connection) -> None:
    add_site(conn, on=(Hook("x.y"),))
    tell(conn, "x.y", n=1, user_id="o")
    (run,) = runs.take_due(conn, 9, now=NOW)
    assert runs.recover(conn, now=NOW) == 1
    (again,) = runs.take_due(conn, 9, now=NOW)
    assert (again.id, again.attempts, again.interruptions) == (run.id, 1, 1)
    runs.finish_run(conn, again, now=NOW)
    runs.finish_run(conn, again, now=NOW + 5)
    assert runs.get_run(conn, SITE, run.id).ended_at == NOW
    assert runs.recover(conn, now=NOW) == 0
    with pytest.raises(Conflict):
        runs.discard_run(conn, SITE, run.id)
    assert runs.prune_runs(conn, before=NOW + 1) == 1


def test_an_interrupted_run_was_not_tried(conn: Connection) -> None:
    add_site(conn, cron=(cron(retries=0),))
    (run,) = runs.take_due(conn, 9, now=MIDNIGHT + 5 * MINUTE)
    runs.give_back(conn, [run])
    (again,) = runs.take_due(conn, 9, now=MIDNIGHT + 5 * MINUTE)
    assert again.attempts == 1


# --- sites, variables, logs


def test_a_wrong_manifest_leaves_what_was_asked_before(conn: Connection) -> None:
    add_site(conn, cron=(cron(),), scopes=("mail:send",))
    facts = {"name": "s7", "owner": "o", "version": 2, "entry": "main.js"}
    sites.put_site(conn, SITE, **facts, manifest=Manifest(), problem="wrong", now=NOW)  # type: ignore[arg-type]
    site = sites.get_site(conn, "s7")
    assert (site.version, site.asked, site.problem) == (2, ("mail:send",), "wrong")
    assert len(runs.list_crons(conn, SITE)) == 1


def test_variables(conn: Connection) -> None:
    sites.put_secret(conn, SITE, "A", "1", now=NOW)
    sites.put_secret(conn, SITE, "A", "2", now=NOW)
    assert sites.read_secrets(conn, SITE) == {"A": "2"}
    assert sites.list_secrets(conn, SITE) == [("A", NOW)]
    with pytest.raises(Invalid):
        sites.put_secret(conn, SITE, "A-B", "1", now=NOW)
    with pytest.raises(OverQuota):
        sites.put_secret(conn, SITE, "B", "x" * 40_000, now=NOW)
    sites.delete_secret(conn, SITE, "A")
    with pytest.raises(NotFound):
        sites.delete_secret(conn, SITE, "A")


def test_limits_of_one_site(conn: Connection) -> None:
    add_site(conn)
    sites.put_limits(conn, SITE, {"wall_s": 2, "memory_mb": 64})
    assert sites.get_site(conn, "s7").limits == {"wall_s": 2.0, "memory_mb": 64}
    for bad in ({"wall_s": 0}, {"other": 1}, {"cpu_s": True}, {"memory_mb": "x"}):
        with pytest.raises(Invalid):
            sites.put_limits(conn, SITE, bad)


def test_a_site_that_is_gone_leaves_nothing(conn: Connection) -> None:
    add_site(conn, cron=(cron(),))
    put(conn, "a", 1)
    sites.put_secret(conn, SITE, "A", "1", now=NOW)
    logs.add_lines(conn, [(SITE, NOW, "info", "x", "")])
    sites.forget_site(conn, SITE)
    assert sites.find_site(conn, SITE) is None
    assert (get(conn, "a"), logs.list_lines(conn, SITE), runs.find_next(conn)) == (None, [], None)


def test_logs_are_read_forwards_and_backwards_and_pruned(conn: Connection) -> None:
    logs.add_lines(conn, [(SITE, NOW, "info", str(number), "r" if number % 2 else "") for number in range(10)])
    lines = logs.list_lines(conn, SITE, limit=3)
    assert [line.text for line in lines] == ["7", "8", "9"]
    assert [line.text for line in logs.list_lines(conn, SITE, before_id=lines[0].id, limit=2)] == ["5", "6"]
    assert [line.text for line in logs.list_lines(conn, SITE, after_id=lines[1].id)] == ["9"]
    assert [line.text for line in logs.list_lines(conn, SITE, run="r", limit=2)] == ["7", "9"]
    assert logs.prune_lines(conn, SITE, 4) == 6
    assert logs.prune_lines(conn, SITE, 4) == 0
    assert logs.find_last_line(conn, SITE) == lines[-1].id
