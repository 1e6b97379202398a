"""Runs, alarms, schedules, and the manifest inside a copy."""

from __future__ import annotations

from msgspec.structs import replace
from sqlalchemy import Connection

from fazt.apps.backup import store
from fazt.apps.backup.jobs import check_age, queue_due
from fazt.apps.backup.model import Contents, Run, TableSum
from fazt.core.clock import DAY, HOUR
from fazt.core.events import list_events
from fazt.core.ids import new_id
from fazt.core.jobs import list_jobs
from tests.conftest import NOW

DAILY = "23 3 * * *"


def make_run(at: int = NOW, **more: object) -> Run:
    """A backup that went well."""
    return replace(Run(new_id(at), "create", "done", "fazt-x.db", "", 7, at, at), **more)


def test_runs_are_kept_newest_first_and_not_for_ever(conn: Connection) -> None:
    for n in range(store.KEEP_RUNS + 5):
        store.note_run(conn, make_run(NOW + n), now=NOW + n)
    runs = store.list_runs(conn, 1_000)
    assert len(runs) == store.KEEP_RUNS
    assert runs[0].started_at == NOW + store.KEEP_RUNS + 4
    assert store.find_last(conn, "create") == runs[0]
    assert store.find_last(conn, "drill") is None


def test_a_failure_is_an_alarm_until_it_goes_well(conn: Connection) -> None:
    for n in range(2):
        store.note_run(conn, make_run(NOW + n, state="failed", said="No room."), now=NOW + n)
    (alarm,) = store.list_alarms(conn)
    assert (alarm.kind, alarm.since) == ("create", NOW)
    assert alarm.text == "The last backup failed: No room."
    last = store.find_last(conn, "create", done=True)
    assert last is None
    store.note_run(conn, make_run(NOW + 2), now=NOW + 2)
    assert store.list_alarms(conn) == []
    told = [event.name for event in list_events(conn, prefix="backup.")]
    assert told == ["backup.alarm_over", "backup.done", "backup.failed", "backup.alarm", "backup.failed"]


def test_a_schedule_comes_once_each_time(conn: Connection) -> None:
    assert not store.take_due(conn, "create", DAILY, now=NOW)
    next_at = store.find_next(conn, "create")
    assert next_at is not None
    assert not store.take_due(conn, "create", DAILY, now=next_at - 1)
    assert store.take_due(conn, "create", DAILY, now=next_at)
    assert not store.take_due(conn, "create", DAILY, now=next_at + 1)
    assert store.find_next(conn, "create") == next_at + DAY
    assert not store.take_due(conn, "create", "0 * * * *", now=next_at + 1)
    assert (store.find_next(conn, "create") or 0) <= next_at + HOUR
    assert not store.take_due(conn, "create", "", now=next_at + DAY)
    assert store.find_next(conn, "create") is None


def test_what_is_due_is_queued_once(conn: Connection) -> None:
    queue_due(conn, DAILY, "", now=NOW)
    for at in (NOW + DAY, NOW + DAY + 1, NOW + 2 * DAY):
        queue_due(conn, DAILY, "", now=at)
    assert [job.name for job in list_jobs(conn, name="backup.create")] == ["backup.create"]


def test_no_backup_for_too_long_is_an_alarm(conn: Connection) -> None:
    store.note_run(conn, make_run(NOW), now=NOW)
    check_age(conn, DAILY, now=NOW + DAY)
    assert store.list_alarms(conn) == []
    check_age(conn, DAILY, now=NOW + 2 * DAY + HOUR)
    assert [alarm.kind for alarm in store.list_alarms(conn)] == ["late"]
    store.note_run(conn, make_run(NOW + 3 * DAY), now=NOW + 3 * DAY)
    check_age(conn, DAILY, now=NOW + 3 * DAY)
    assert store.list_alarms(conn) == []


def test_a_copy_knows_what_is_in_it_until_it_is_in_use(conn: Connection) -> None:
    made = Contents(NOW, "1", "0013_backup", "e", "localhost", {"a": TableSum(1, "b")})
    store.put_contents(conn, made)
    assert store.find_contents(conn) == made
    before = store.find_epoch(conn)
    store.raise_alarm(conn, "late", "Late.", now=NOW)
    begun = store.begin_again(conn, make_run(kind="restore"), now=NOW)
    assert store.find_contents(conn) is None
    assert store.list_alarms(conn) == []
    assert store.find_epoch(conn) == begun != before


def test_a_schedule_that_makes_no_sense_is_an_alarm(conn: Connection) -> None:
    queue_due(conn, "every night", "", now=NOW)
    assert [alarm.kind for alarm in store.list_alarms(conn)] == ["create schedule"]
    queue_due(conn, DAILY, "", now=NOW)
    assert store.list_alarms(conn) == []
