"""The queue and the clock that fills it, as calls on a Connection."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from fazt.core.clock import DAY, HOUR, MINUTE, SECOND
from fazt.core.errors import Conflict, NotFound
from fazt.core.jobs import store
from fazt.core.jobs.model import JobEntry
from tests.conftest import NOW

NAMES = ("tidy", "send")


def take(conn: Connection, now: int = NOW, limit: int = 8) -> list[JobEntry]:
    return store.take_due(conn, NAMES, limit, now=now)


def take_one(conn: Connection, now: int = NOW) -> JobEntry:
    (entry,) = take(conn, now)
    return entry


def test_what_is_due_is_taken_once_oldest_first(conn: Connection) -> None:
    late = store.enqueue(conn, "tidy", {"n": 1}, now=NOW, run_at=NOW - 1)
    early = store.enqueue(conn, "send", {"n": 2}, now=NOW, run_at=NOW - 5)
    future = store.enqueue(conn, "send", {"n": 3}, now=NOW, run_at=NOW + 1)
    assert [(e.id, e.payload, e.state, e.attempts) for e in take(conn)] == [
        (early, {"n": 2}, "running", 1),
        (late, {"n": 1}, "running", 1),
    ]
    assert take(conn) == []
    assert store.find_next_due(conn, NAMES) == NOW + 1
    assert take_one(conn, NOW + 1).id == future


def test_no_more_is_taken_than_there_are_free_slots(conn: Connection) -> None:
    ids = [store.enqueue(conn, "tidy", {}, now=NOW) for _ in range(5)]
    assert [e.id for e in take(conn, limit=3)] == ids[:3]
    assert [e.id for e in take(conn, limit=3)] == ids[3:]


def test_an_entry_of_a_job_nobody_knows_stays_and_is_seen(conn: Connection) -> None:
    kept = store.enqueue(conn, "gone.away", {"a": 1}, now=NOW)
    assert take(conn) == []
    assert store.find_next_due(conn, NAMES) is None
    assert [e.id for e in store.list_jobs(conn)] == [kept]


def test_a_key_waits_only_once(conn: Connection) -> None:
    first = store.enqueue(conn, "tidy", {"n": 1}, now=NOW, key="k")
    assert store.enqueue(conn, "tidy", {"n": 2}, now=NOW, key="k") == first
    assert store.enqueue(conn, "tidy", {}, now=NOW, key="other") != first
    assert store.enqueue(conn, "send", {}, now=NOW, key="k") != first
    assert store.enqueue(conn, "tidy", {}, now=NOW) != store.enqueue(conn, "tidy", {}, now=NOW)
    assert store.count_jobs(conn)["queued"] == 5


def test_a_key_is_brought_forward_and_never_put_off(conn: Connection) -> None:
    first = store.enqueue(conn, "tidy", {}, now=NOW, run_at=NOW + HOUR, key="k")
    store.enqueue(conn, "tidy", {}, now=NOW, run_at=NOW + MINUTE, key="k")
    assert store.get_job(conn, first).run_at == NOW + MINUTE
    store.enqueue(conn, "tidy", {}, now=NOW, run_at=NOW + DAY, key="k")
    assert store.get_job(conn, first).run_at == NOW + MINUTE


def test_a_key_in_back_off_is_not_hurried_by_whoever_queues_it_again(conn: Connection) -> None:
    first = store.enqueue(conn, "tidy", {}, now=NOW, key="k")
    store.fail(conn, take_one(conn), "no", run_at=NOW + HOUR)
    store.enqueue(conn, "tidy", {}, now=NOW, key="k")
    assert store.get_job(conn, first).run_at == NOW + HOUR


def test_of_one_key_only_one_runs_while_the_next_waits(conn: Connection) -> None:
    store.enqueue(conn, "tidy", {"n": 1}, now=NOW, key="k")
    running = take_one(conn)
    store.enqueue(conn, "tidy", {"n": 2}, now=NOW, key="k")
    assert take(conn) == []
    assert store.find_next_due(conn, NAMES) is None
    store.finish(conn, running)
    assert take_one(conn).payload == {"n": 2}


def test_a_failure_waits_and_keeps_its_reason(conn: Connection) -> None:
    store.enqueue(conn, "tidy", {}, now=NOW)
    entry = take_one(conn)
    store.fail(conn, entry, "the disk is wet", run_at=NOW + 5 * SECOND)
    again = store.get_job(conn, entry.id)
    assert (again.state, again.run_at, again.attempts, again.error) == (
        "queued",
        NOW + 5 * SECOND,
        1,
        "the disk is wet",
    )
    assert again.started_at is None
    assert take_one(conn, NOW + 5 * SECOND).attempts == 2


def test_a_failure_gives_way_to_a_newer_entry_of_its_key_which_inherits_the_wait(conn: Connection) -> None:
    old = store.enqueue(conn, "tidy", {"n": 1}, now=NOW, key="k")
    entry = take_one(conn)
    new = store.enqueue(conn, "tidy", {"n": 2}, now=NOW, key="k")
    store.fail(conn, entry, "no", run_at=NOW + HOUR)
    with pytest.raises(NotFound):
        store.get_job(conn, old)
    kept = store.get_job(conn, new)
    assert (kept.payload, kept.run_at, kept.attempts, kept.error) == ({"n": 2}, NOW + HOUR, 1, "no")


def test_a_dead_letter_stays_and_can_be_retried_with_all_its_attempts(conn: Connection) -> None:
    store.enqueue(conn, "tidy", {"n": 1}, now=NOW)
    entry = take_one(conn)
    assert store.give_up(conn, entry, "never")
    assert take(conn, NOW + DAY) == []
    (dead,) = store.list_jobs(conn, state="dead")
    assert (dead.error, dead.attempts, dead.payload) == ("never", 1, {"n": 1})
    store.run_job_now(conn, dead.id, now=NOW + DAY)
    assert take_one(conn, NOW + DAY).attempts == 1


def test_a_new_dead_letter_replaces_the_one_of_its_key(conn: Connection) -> None:
    for error in ("first", "second"):
        store.enqueue(conn, "tidy", {}, now=NOW, key="k")
        store.give_up(conn, take_one(conn), error)
    assert [e.error for e in store.list_jobs(conn, state="dead")] == ["second"]


def test_all_dead_letters_of_a_name_are_retried(conn: Connection) -> None:
    for name in ("tidy", "tidy", "send"):
        store.enqueue(conn, name, {}, now=NOW)
    for entry in take(conn):
        store.give_up(conn, entry, "no")
    assert store.retry_dead_jobs(conn, now=NOW, name="tidy") == 2
    assert store.count_jobs(conn) == {"queued": 2, "running": 0, "dead": 1}
    assert store.retry_dead_jobs(conn, now=NOW) == 1


def test_retrying_a_dead_letter_whose_key_waits_leaves_one_entry(conn: Connection) -> None:
    store.enqueue(conn, "tidy", {"n": 1}, now=NOW, key="k")
    store.give_up(conn, take_one(conn), "no")
    waiting = store.enqueue(conn, "tidy", {"n": 2}, now=NOW, run_at=NOW + HOUR, key="k")
    (dead,) = store.list_jobs(conn, state="dead")
    store.run_job_now(conn, dead.id, now=NOW)
    assert [e.id for e in store.list_jobs(conn)] == [waiting]
    assert take_one(conn).id == waiting


def test_a_waiting_entry_can_be_run_now_and_a_running_one_cannot(conn: Connection) -> None:
    later = store.enqueue(conn, "tidy", {}, now=NOW, run_at=NOW + DAY)
    store.run_job_now(conn, later, now=NOW)
    assert take_one(conn).id == later
    with pytest.raises(Conflict):
        store.run_job_now(conn, later, now=NOW)
    with pytest.raises(Conflict):
        store.discard_job(conn, later)
    with pytest.raises(NotFound):
        store.run_job_now(conn, later + 1, now=NOW)


def test_discarding_takes_an_entry_away(conn: Connection) -> None:
    kept, gone = (store.enqueue(conn, "tidy", {}, now=NOW) for _ in range(2))
    store.discard_job(conn, gone)
    assert [e.id for e in store.list_jobs(conn)] == [kept]
    with pytest.raises(NotFound):
        store.discard_job(conn, gone)


def test_an_id_never_comes_back(conn: Connection) -> None:
    first = store.enqueue(conn, "tidy", {}, now=NOW)
    store.discard_job(conn, first)
    assert store.enqueue(conn, "tidy", {}, now=NOW) > first


def test_what_ran_when_the_server_died_is_queued_again_and_counts_no_attempt(conn: Connection) -> None:
    entry_id = store.enqueue(conn, "tidy", {}, now=NOW)
    take_one(conn)
    assert store.recover(conn, now=NOW) == 1
    entry = store.get_job(conn, entry_id)
    assert (entry.state, entry.attempts, entry.interruptions, entry.run_at) == ("queued", 0, 1, NOW)
    assert store.recover(conn, now=NOW) == 0


def test_a_job_that_kills_its_server_is_started_ever_later(conn: Connection) -> None:
    entry_id = store.enqueue(conn, "tidy", {}, now=NOW)
    waits = []
    now = NOW
    for _ in range(14):
        take_one(conn, now)
        store.recover(conn, now=now)
        waits.append(store.get_job(conn, entry_id).run_at - now)
        now = store.get_job(conn, entry_id).run_at
    assert waits[0] == 0
    assert waits[1:4] == [2 * SECOND, 4 * SECOND, 8 * SECOND]
    assert waits == sorted(waits)
    assert waits[-1] == 10 * MINUTE


def test_recovering_beside_a_waiting_entry_of_the_same_key_leaves_one(conn: Connection) -> None:
    store.enqueue(conn, "tidy", {"n": 1}, now=NOW, key="k")
    take_one(conn)
    store.enqueue(conn, "tidy", {"n": 2}, now=NOW, key="k")
    store.recover(conn, now=NOW)
    assert [(e.state, e.payload) for e in store.list_jobs(conn)] == [("queued", {"n": 2})]


def test_a_job_stopped_in_good_order_waits_as_if_it_had_not_been_taken(conn: Connection) -> None:
    store.enqueue(conn, "tidy", {}, now=NOW)
    entry = take_one(conn)
    store.give_back(conn, entry)
    again = store.get_job(conn, entry.id)
    assert (again.state, again.attempts, again.interruptions, again.run_at) == ("queued", 0, 0, NOW)


def test_completing_in_the_transaction_of_the_work_ends_the_job(conn: Connection) -> None:
    store.enqueue(conn, "tidy", {}, now=NOW, key="k")
    assert not store.complete(conn, "tidy", "k")
    entry = take_one(conn)
    assert store.complete(conn, "tidy", "k")
    assert not store.complete(conn, "tidy", "k")
    store.fail(conn, entry, "after the work was done", run_at=NOW)
    assert not store.give_up(conn, entry, "after the work was done")
    store.give_back(conn, entry)
    store.finish(conn, entry)
    assert store.list_jobs(conn) == []


def test_a_clock_set_back_does_not_leave_retries_in_the_far_future(conn: Connection) -> None:
    failed = store.enqueue(conn, "tidy", {}, now=NOW + DAY)
    store.fail(conn, take_one(conn, NOW + DAY), "no", run_at=NOW + DAY + HOUR)
    planned = store.enqueue(conn, "send", {}, now=NOW, run_at=NOW + 30 * DAY)
    store.mend_times(conn, NOW + HOUR)
    assert store.get_job(conn, failed).run_at == NOW + HOUR
    assert store.get_job(conn, planned).run_at == NOW + 30 * DAY


def test_the_list_has_filters_and_pages(conn: Connection) -> None:
    ids = [store.enqueue(conn, name, {}, now=NOW) for name in ("tidy", "send", "tidy", "send")]
    assert [e.id for e in store.list_jobs(conn, limit=3)] == ids[:0:-1]
    assert [e.id for e in store.list_jobs(conn, before_id=ids[1])] == ids[:1]
    assert [e.id for e in store.list_jobs(conn, name="send")] == [ids[3], ids[1]]
    assert store.list_jobs(conn, state="dead") == []


EVERY_TEN = {"tidy": "*/10 * * * *"}
TICK = 1_800_000_000_000  # 2027-01-15 08:00 UTC, a full hour


def due_crons(conn: Connection, now: int) -> list[JobEntry]:
    store.queue_due_crons(conn, NAMES, now=now)
    return take(conn, now)


def test_the_clock_queues_an_entry_at_its_time(conn: Connection) -> None:
    store.put_crons(conn, EVERY_TEN, now=TICK)
    assert store.find_next_cron(conn, NAMES) == TICK + 10 * MINUTE
    assert due_crons(conn, TICK + 10 * MINUTE - 1) == []
    (entry,) = due_crons(conn, TICK + 10 * MINUTE)
    assert (entry.name, entry.key, entry.payload) == ("tidy", store.KEY, {})
    assert store.find_next_cron(conn, NAMES) == TICK + 20 * MINUTE


def test_missed_times_run_once_late(conn: Connection) -> None:
    store.put_crons(conn, EVERY_TEN, now=TICK)
    now = TICK + 5 * HOUR + MINUTE
    store.put_crons(conn, EVERY_TEN, now=now)  # the next start of the server
    assert len(due_crons(conn, now)) == 1
    assert store.find_next_cron(conn, NAMES) == TICK + 5 * HOUR + 10 * MINUTE


def test_the_clock_never_runs_two_of_one_entry(conn: Connection) -> None:
    store.put_crons(conn, EVERY_TEN, now=TICK)
    (first,) = due_crons(conn, TICK + 10 * MINUTE)
    assert due_crons(conn, TICK + 20 * MINUTE) == []
    assert due_crons(conn, TICK + 30 * MINUTE) == []
    assert store.count_jobs(conn) == {"queued": 1, "running": 1, "dead": 0}
    store.finish(conn, first)
    assert len(take(conn, TICK + 31 * MINUTE)) == 1


def test_a_clock_set_back_does_not_stop_the_crons(conn: Connection) -> None:
    store.put_crons(conn, EVERY_TEN, now=TICK + 1_000 * DAY)
    store.put_crons(conn, EVERY_TEN, now=TICK)
    assert store.find_next_cron(conn, NAMES) == TICK + 10 * MINUTE


def test_a_changed_schedule_counts_from_now_and_a_removed_one_is_gone(conn: Connection) -> None:
    store.put_crons(conn, EVERY_TEN | {"send": "0 0 * * *"}, now=TICK)
    store.put_crons(conn, {"tidy": "0 * * * *"}, now=TICK + MINUTE)
    assert [(c.name, c.schedule, c.next_at) for c in store.list_crons(conn)] == [
        ("tidy", "0 * * * *", TICK + HOUR),
    ]


def test_a_paused_cron_waits_and_does_not_catch_up(conn: Connection) -> None:
    store.put_crons(conn, EVERY_TEN, now=TICK)
    store.pause_cron(conn, "tidy")
    assert store.find_next_cron(conn, NAMES) is None
    assert due_crons(conn, TICK + HOUR) == []
    store.put_crons(conn, EVERY_TEN, now=TICK + HOUR)
    assert store.get_cron(conn, "tidy").is_paused
    store.resume_cron(conn, "tidy", now=TICK + HOUR + MINUTE)
    assert due_crons(conn, TICK + HOUR + MINUTE) == []
    assert len(due_crons(conn, TICK + HOUR + 10 * MINUTE)) == 1


def test_resuming_what_is_not_paused_misses_nothing(conn: Connection) -> None:
    store.put_crons(conn, EVERY_TEN, now=TICK)
    store.resume_cron(conn, "tidy", now=TICK + HOUR)
    assert len(due_crons(conn, TICK + HOUR)) == 1


def test_a_cron_can_be_run_now_even_paused_or_in_back_off(conn: Connection) -> None:
    store.put_crons(conn, EVERY_TEN, now=TICK)
    store.pause_cron(conn, "tidy")
    entry_id = store.run_cron_now(conn, "tidy", now=TICK + 1)
    entry = take_one(conn, TICK + 1)
    assert entry.id == entry_id
    store.fail(conn, entry, "no", run_at=TICK + HOUR)
    assert store.run_cron_now(conn, "tidy", now=TICK + 2) == entry_id
    assert take_one(conn, TICK + 2).id == entry_id


def test_how_the_last_run_went_is_kept(conn: Connection) -> None:
    store.put_crons(conn, EVERY_TEN, now=TICK)
    (entry,) = due_crons(conn, TICK + 10 * MINUTE)
    store.note_run(conn, entry, error="no", now=TICK + 10 * MINUTE + 7)
    kept = store.get_cron(conn, "tidy")
    assert (kept.last_at, kept.last_took_ms, kept.last_error) == (TICK + 10 * MINUTE, 7, "no")


def test_an_entry_queued_by_hand_says_nothing_about_the_cron(conn: Connection) -> None:
    store.put_crons(conn, EVERY_TEN, now=TICK)
    store.enqueue(conn, "tidy", {}, now=TICK)
    store.note_run(conn, take_one(conn, TICK), error="no", now=TICK)
    assert store.get_cron(conn, "tidy").last_at is None


def test_a_cron_that_is_not_there_is_not_found(conn: Connection) -> None:
    with pytest.raises(NotFound):
        store.pause_cron(conn, "x")
    with pytest.raises(NotFound):
        store.resume_cron(conn, "x", now=NOW)
    with pytest.raises(NotFound):
        store.run_cron_now(conn, "x", now=NOW)
