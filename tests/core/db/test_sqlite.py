"""The file: group commit, walls, full disks, and how it is left."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DatabaseError, IntegrityError

from fazt.core.config import Config
from fazt.core.db import Database, TooLong, acting, attempt, looking, open_database
from fazt.core.db.sqlite import LANE_CACHE_KIB
from fazt.core.errors import Invalid, OverQuota, Unavailable
from fazt.core.events import Event, Events, Many, emit, list_events
from fazt.core.jobs import list_jobs
from fazt.core.metrics import REGISTRY
from tests.conftest import NOW
from tests.core.db.test_carrier import create, list_ids, put, put_when
from tests.core.jobs.parts import Clock, eventually


@pytest.fixture
async def db(data_file: Path) -> AsyncIterator[Database]:
    """A file with one more table; `lists` and `boxes` stand for apps."""
    database = open_database(Config(data=data_file), ["lists", "boxes"])
    await database.write(create)
    yield database
    await database.close()


def batches() -> tuple[float, float]:
    """How many commits there were, and how many writes they held."""
    count = REGISTRY.get_sample_value("fazt_db_write_batch_count")
    writes = REGISTRY.get_sample_value("fazt_db_write_batch_sum")
    return count or 0, writes or 0


async def behind_each_other(db: Database, calls: list[Callable[[Connection], Any]]) -> list[Any]:
    """Have the writer find all these calls waiting at once."""
    entered, go_on = threading.Event(), threading.Event()

    def hold(_conn: Connection) -> None:
        entered.set()
        assert go_on.wait(20)

    first = asyncio.create_task(db.write(hold))
    assert await asyncio.to_thread(entered.wait, 20)
    tasks = [asyncio.create_task(db.write(call)) for call in calls]
    await asyncio.sleep(0)
    go_on.set()
    await first
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_writes_that_wait_share_a_commit(db: Database) -> None:
    before = batches()
    answers = await behind_each_other(db, [partial(put, note_id=n) for n in range(100)])
    assert answers == list(range(100))
    after = batches()
    assert (after[0] - before[0], after[1] - before[1]) == (2, 101)


async def test_a_write_that_fails_alone_leaves_nothing_and_costs_the_next_nothing(db: Database) -> None:
    def put_and_fail(conn: Connection) -> None:
        put(conn, note_id=1)
        raise Invalid("no")

    with pytest.raises(Invalid, match="no"):
        await db.write(put_and_fail)
    assert await db.write(put, note_id=2) == 2
    assert await db.read(list_ids) == [2]


async def test_a_write_that_fails_at_the_commit_takes_nobody_with_it(db: Database) -> None:
    def create_child(conn: Connection) -> None:
        conn.exec_driver_sql("CREATE TABLE child (note INTEGER REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)")

    def put_orphan(conn: Connection) -> None:
        conn.exec_driver_sql("INSERT INTO child VALUES (999)")

    await db.write(create_child)
    one, orphan, two = await behind_each_other(db, [partial(put, note_id=1), put_orphan, partial(put, note_id=2)])
    assert (one, two) == (1, 2)
    assert isinstance(orphan, IntegrityError)
    assert await db.read(list_ids) == [1, 2]


def limit_pages(conn: Connection, more: int) -> None:
    """Let the file grow by so many pages at most: what SQLite does when it is reached is what a full disk does."""
    pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
    conn.exec_driver_sql(f"PRAGMA max_page_count={pages + more}")


async def test_a_write_without_room_is_refused_alone_and_room_is_used_again(db: Database) -> None:
    await db.write(limit_pages, 20)
    big = "x" * 1_000_000
    small, refused, other = await behind_each_other(
        db, [partial(put, note_id=1), partial(put, note_id=2, words=big), partial(put, note_id=3)]
    )
    assert (small, other) == (1, 3)
    assert isinstance(refused, OverQuota)
    assert refused.message == "The disk of this server is full; nothing was changed."
    assert isinstance(refused.__cause__, DatabaseError)
    assert await db.read(list_ids) == [1, 3]
    await db.write(limit_pages, 1_000)
    await db.write(put, 2, big)
    assert await db.read(list_ids) == [1, 2, 3]


async def test_an_attempt_without_room_is_told_as_such(db: Database) -> None:
    def put_big(conn: Connection) -> None:
        put(conn, 1)
        with attempt(conn):
            put(conn, 2, "x" * 1_000_000)

    await db.write(limit_pages, 20)
    with pytest.raises(OverQuota):
        await db.write(put_big)
    assert await db.read(list_ids) == []


async def test_delivery_waits_for_room_and_blames_no_app(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    def on_event(conn: Connection, event: Event) -> None:
        put(conn, event.id, "x" * 1_000_000)

    events = Events(db, [("lists", on_event)], Clock())
    live: list[Event] = []
    events.listen(live.append)
    await db.write(limit_pages, 20)
    told = await db.write(emit, Event("test.told", {}), now=NOW)
    async with events.run():
        await eventually(lambda: "disk of this server is full" in caplog.text)
        await db.write(limit_pages, 1_000)
        await eventually(lambda: live)
    assert await db.read(list_ids) == [told]
    assert await db.read(list_jobs) == []


async def test_a_file_that_somebody_else_holds_is_unavailable_and_then_not(db: Database, data_file: Path) -> None:
    def give_up_soon(conn: Connection) -> None:
        conn.exec_driver_sql("PRAGMA busy_timeout=50")

    await db.write(give_up_soon)
    with closing(sqlite3.connect(data_file, isolation_level=None)) as somebody_else:
        somebody_else.execute("BEGIN IMMEDIATE")
        answers = await asyncio.gather(*(db.write(put, n) for n in range(10)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [Unavailable] * 10
    await db.write(put, 1)
    assert await db.read(list_ids) == [1]


async def test_a_lane_is_one_thread_that_keeps_little_in_memory(db: Database) -> None:
    def tell(conn: Connection) -> tuple[int, int]:
        return threading.get_ident(), conn.exec_driver_sql("PRAGMA cache_size").scalar_one()

    told = await asyncio.gather(*(db.read_lane(lane, tell) for lane in (7, 8) for _ in range(20)))
    assert len(set(told[:20])) == len(set(told[20:])) == 1
    assert told[0][0] != told[20][0]
    assert {pages for _, pages in told} == {-LANE_CACHE_KIB}
    assert (await db.read(tell))[1] < -LANE_CACHE_KIB


async def test_closing_leaves_one_whole_file(db: Database, data_file: Path) -> None:
    await asyncio.gather(*(db.write(put, n) for n in range(100)))
    wal = data_file.with_name("data.db-wal")
    assert wal.stat().st_size > 0
    await db.close()
    assert not wal.exists() or wal.stat().st_size == 0
    alone = shutil.copy(data_file, data_file.with_name("copy.db"))
    with closing(sqlite3.connect(alone)) as conn:
        assert conn.execute("SELECT count(*) FROM note").fetchone() == (100,)
        assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_every_answered_write_is_synced(db: Database) -> None:
    def look(conn: Connection) -> tuple[object, ...]:
        names = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema")
        return tuple(conn.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names)

    assert await db.write(look) == ("wal", 2, 1, 1)


# The walls between the apps.


def of_app(app: str, statement: str) -> Callable[[Connection], Any]:
    """A store function of an app."""

    def fn(conn: Connection) -> list[Any]:
        result = conn.execute(text(statement))
        return list(result) if result.returns_rows else []

    fn.__module__ = f"fazt.apps.{app}.store"
    return fn


@pytest.fixture
async def walled(db: Database) -> Database:
    """Each app has a table."""

    def create_tables(conn: Connection) -> None:
        for name in ("lists_link", "boxes_file"):
            conn.exec_driver_sql(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, name TEXT)")
            conn.exec_driver_sql(f"INSERT INTO {name} VALUES (1, 'x')")  # noqa: S608 - two fixed names

    await db.write(create_tables)
    return db


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT name FROM lists_link",
        "INSERT INTO lists_link VALUES (2, 'y')",
        "UPDATE lists_link SET name = 'y'",
        "DELETE FROM lists_link",
        "INSERT INTO core_setting VALUES ('a', '1', 0)",
        "SELECT count(*) FROM core_event",
        "SELECT name FROM sqlite_master",
        "WITH boxes_file AS (SELECT 1) SELECT * FROM boxes_file",
    ],
)
async def test_an_app_may_touch_its_own_tables_and_cores(walled: Database, statement: str) -> None:
    await walled.write(of_app("lists", statement))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT name FROM boxes_file",
        "SELECT count(*) FROM boxes_file",
        "SELECT 1 FROM lists_link WHERE EXISTS (SELECT 1 FROM boxes_file)",
        "SELECT l.id FROM lists_link l JOIN boxes_file d ON l.id = d.id",
        "INSERT INTO boxes_file VALUES (2, 'y')",
        "INSERT INTO lists_link SELECT id + 10, name FROM boxes_file",
        "UPDATE boxes_file SET name = 'y'",
        "UPDATE lists_link SET name = (SELECT name FROM boxes_file)",
        "DELETE FROM boxes_file",
    ],
)
async def test_an_app_may_not_touch_an_others(walled: Database, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"prohibited|not authorized"):
        await walled.write(of_app("lists", statement))
    if statement.startswith("SELECT"):
        for how in (walled.read, walled.point):
            with pytest.raises(DatabaseError, match=r"prohibited|not authorized"):
                await how(of_app("lists", statement))
    assert await walled.write(of_app("boxes", "SELECT id, name FROM boxes_file")) == [(1, "x")]


async def test_the_wall_stands_for_partials_too(walled: Database) -> None:
    with pytest.raises(DatabaseError, match="prohibited"):
        await walled.write(partial(partial(of_app("lists", "SELECT name FROM boxes_file"))))


async def test_core_may_touch_everything(walled: Database) -> None:
    def look(conn: Connection) -> int:
        return int(conn.execute(text("SELECT count(*) FROM boxes_file, lists_link")).scalar_one())

    assert await walled.read(look) == 1


async def test_acting_changes_who_is_asked_about_and_back(walled: Database) -> None:
    drive = of_app("boxes", "SELECT name FROM boxes_file")

    def from_links(conn: Connection) -> None:
        with acting(conn, drive):
            assert drive(conn) == [("x",)]
        with attempt(conn):
            conn.execute(text("SELECT id FROM boxes_file"))

    from_links.__module__ = "fazt.apps.lists.store"
    with pytest.raises(DatabaseError, match="prohibited"):
        await walled.write(from_links)


@pytest.mark.parametrize("takes_many", [False, True])
async def test_an_apps_on_event_stays_behind_its_wall(walled: Database, *, takes_many: bool) -> None:
    peek = of_app("lists", "SELECT name FROM boxes_file")

    def take(conn: Connection, _events: Sequence[Event]) -> None:
        peek(conn)

    def on_event(conn: Connection, _event: Event) -> None:
        peek(conn)

    def own(conn: Connection, event: Event) -> None:
        conn.execute(text("UPDATE boxes_file SET name = 'heard'"))

    on_event.__module__ = "fazt.apps.lists.store"
    take.__module__ = "fazt.apps.lists.store"
    own.__module__ = "fazt.apps.boxes.store"
    events = Events(walled, [("lists", Many(take) if takes_many else on_event), ("boxes", own)], Clock())
    live: list[Event] = []
    events.listen(live.append)
    async with events.run():
        await walled.write(emit, Event("test.told", {}), now=NOW)
        await eventually(lambda: live)
    assert [job.key for job in await walled.read(list_jobs)] == [f"{live[0].id}/lists"]
    assert await walled.read(of_app("boxes", "SELECT name FROM boxes_file WHERE id = 1")) == [("heard",)]
    assert len(await walled.read(list_events)) == 1


async def test_checkpoints_are_left_to_another_program(data_file: Path) -> None:
    db = open_database(Config(data=data_file))
    log = data_file.with_name(data_file.name + "-wal")
    db.leave_checkpoints(to_others=True)
    with closing(sqlite3.connect(data_file)) as other:  # as Litestream does, so that the log outlives the program
        other.execute("SELECT count(*) FROM sqlite_master").fetchone()
        await db.write(create)
        for _ in range(40):
            await db.write(fill_pages)
        size = log.stat().st_size
        assert size > 12_000_000
        await db.close()
        assert log.stat().st_size == size
        db = open_database(Config(data=data_file))
        assert log.stat().st_size == size
        await db.write(fill_pages)
        await db.close()
        assert log.stat().st_size == 0


def fill_pages(conn: Connection) -> None:
    """Some hundred kilobytes."""
    conn.exec_driver_sql("CREATE TABLE IF NOT EXISTS core_ballast (data BLOB)")
    conn.exec_driver_sql("INSERT INTO core_ballast VALUES (zeroblob(400000))")


def wait_for_note(path: Path, note_id: int) -> None:
    """Hold the loop up until a note is in the file."""
    with closing(sqlite3.connect(path)) as conn:
        while not conn.execute("SELECT 1 FROM note WHERE id = ?", (note_id,)).fetchone():
            pass


async def test_looks_of_one_turn_see_one_moment_and_those_after_an_answer_what_was_written(
    db: Database, data_file: Path
) -> None:
    assert db.look(list_ids) == []
    has_looked = threading.Event()
    writing = asyncio.ensure_future(db.write(put_when, has_looked, 1))
    await asyncio.sleep(0)
    assert db.look(list_ids) == []
    has_looked.set()
    wait_for_note(data_file, 1)
    assert db.look(list_ids) == []
    assert await writing == 1
    assert db.look(list_ids) == [1]
    later = asyncio.ensure_future(db.write(put, note_id=2))
    await asyncio.sleep(0)
    wait_for_note(data_file, 2)
    await asyncio.sleep(0)
    assert db.look(list_ids) == [1, 2]
    assert await later == 2


async def test_who_was_answered_never_sees_less_afterwards(db: Database) -> None:
    async def write_and_look(first: int) -> None:
        for note in range(first, first + 40):
            await db.write(put, note_id=note)
            assert note in db.look(list_ids)
            seen = await db.read(list_ids)
            assert set(seen) <= set(await db.point(list_ids))

    await asyncio.gather(*(write_and_look(1_000 * place) for place in range(8)))


async def test_a_turn_of_looks_holds_no_log_back(db: Database, data_file: Path) -> None:
    assert db.look(list_ids) == []
    await db.write(put, note_id=1)
    with closing(sqlite3.connect(data_file)) as conn:
        assert conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)


def count_forever(conn: Connection) -> int:
    numbers = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    return int(conn.exec_driver_sql(numbers).scalar_one())


async def test_a_look_that_takes_too_long_ends_and_the_next_one_is_none_the_worse(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(put, note_id=1)
    with pytest.raises(TooLong):
        db.look_briefly(count_forever)
    monkeypatch.setattr(looking, "BRIEF_S", 60.0)  # a busy machine may be away for longer than a look
    assert db.look_briefly(list_ids) == db.look(list_ids) == [1]
    with pytest.raises(DatabaseError, match="no such table"):
        db.look_briefly(lambda conn: conn.exec_driver_sql("SELECT 1 FROM nowhere"))
