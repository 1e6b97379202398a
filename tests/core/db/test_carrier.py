"""What both engines promise of `read` and `write`."""

from __future__ import annotations

import asyncio
import threading
from functools import partial

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from fazt.core.db import Database, after_commit, attempt, wake
from fazt.core.errors import Conflict, Unavailable

PUT = text("INSERT INTO note (id, words) VALUES (:id, :words)")


def create(conn: Connection) -> None:
    conn.exec_driver_sql("CREATE TABLE note (id INTEGER PRIMARY KEY, words TEXT NOT NULL)")


def put(conn: Connection, note_id: int, words: str = "") -> int:
    conn.execute(PUT, {"id": note_id, "words": words})
    return note_id


def put_when(conn: Connection, may: threading.Event, note_id: int) -> int:
    """As `put`, but not before it may."""
    assert may.wait(20)
    return put(conn, note_id)


def list_ids(conn: Connection) -> list[int]:
    return [row.id for row in conn.execute(text("SELECT id FROM note ORDER BY id"))]


def put_and_fail(conn: Connection, note_id: int) -> None:
    put(conn, note_id)
    raise Conflict(f"not {note_id}")


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with one more table."""
    await database.write(create)
    return database


async def test_what_was_written_can_be_read_in_every_way(db: Database) -> None:
    assert await db.write(put, 1) == 1
    assert await db.read(list_ids) == [1]
    assert await db.point(list_ids) == [1]
    assert await db.write_bulk(8, put, 2) == 2
    assert await db.write(put, 3) == 3
    assert [await db.read_lane(lane, list_ids) for lane in range(5)] == [[1, 2, 3]] * 5


async def test_each_of_many_writers_gets_its_own_answer_and_error(db: Database) -> None:
    async def one(n: int) -> object:
        try:
            return await db.write(put_and_fail if n % 3 == 0 else put, n)
        except Conflict as error:
            return error.message

    answers = await asyncio.gather(*(one(n) for n in range(100)))
    assert answers == [f"not {n}" if n % 3 == 0 else n for n in range(100)]
    assert await db.read(list_ids) == [n for n in range(100) if n % 3]


async def test_a_broken_statement_undoes_only_its_own_write(db: Database) -> None:
    def put_twice(conn: Connection, n: int) -> None:
        put(conn, n)
        put(conn, n)

    results = await asyncio.gather(
        *(db.write(put_twice if n == 5 else put, n) for n in range(10)), return_exceptions=True
    )
    assert isinstance(results[5], IntegrityError)
    assert await db.read(list_ids) == [n for n in range(10) if n != 5]


async def test_after_commit_runs_in_order_on_the_loop_before_the_answer(db: Database) -> None:
    seen: list[object] = []
    thread = threading.get_ident()

    def put_and_note(conn: Connection, n: int) -> None:
        put(conn, n)
        after_commit(conn, partial(seen.append, (n, "first")))
        after_commit(conn, lambda: seen.append((n, "second", threading.get_ident() == thread)))

    await db.write(put_and_note, 1)
    assert seen == [(1, "first"), (1, "second", True)]


async def test_after_commit_never_runs_for_what_was_undone(db: Database) -> None:
    seen: list[str] = []

    def note_and_fail(conn: Connection) -> None:
        after_commit(conn, partial(seen.append, "failed"))
        raise Conflict("no")

    def note(conn: Connection) -> None:
        after_commit(conn, partial(seen.append, "kept"))

    await asyncio.gather(*(db.write(fn) for fn in (note_and_fail, note, note_and_fail)), return_exceptions=True)
    assert seen == ["kept"]


async def test_after_commit_of_an_undone_attempt_is_undone_too(db: Database) -> None:
    seen: list[str] = []

    def write(conn: Connection) -> None:
        after_commit(conn, partial(seen.append, "before"))
        try:
            with attempt(conn):
                after_commit(conn, partial(seen.append, "inside"))
                put(conn, 1)
                put(conn, 1)
        except IntegrityError:
            put(conn, 2)
        with attempt(conn):
            after_commit(conn, partial(seen.append, "good"))

    await db.write(write)
    assert seen == ["before", "good"]
    assert await db.read(list_ids) == [2]


async def test_attempts_nest(db: Database) -> None:
    def write(conn: Connection) -> None:
        try:
            with attempt(conn):
                put(conn, 1)
                try:
                    with attempt(conn):
                        put(conn, 2)
                        put(conn, 1)
                except IntegrityError:
                    put(conn, 3)
                put(conn, 3)
        except IntegrityError:
            put(conn, 4)

    await db.write(write)
    assert await db.read(list_ids) == [4]


async def test_a_failing_after_commit_costs_nobody_an_answer(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    def fail() -> None:
        raise ValueError("odd")

    def write(conn: Connection, n: int) -> int:
        after_commit(conn, fail)
        after_commit(conn, partial(seen.append, n))
        return put(conn, n)

    assert await asyncio.gather(*(db.write(write, n) for n in range(5))) == list(range(5))
    assert sorted(seen) == list(range(5))
    assert "odd" in caplog.text


async def test_who_watches_is_woken_after_the_commit_and_only_then(db: Database) -> None:
    woken: list[str] = []
    stop = db.watch("bell", partial(woken.append, "bell"))
    db.watch("other", partial(woken.append, "other"))

    def ring(conn: Connection, *, fails: bool) -> None:
        wake(conn, "bell")
        if fails:
            raise Conflict("no")

    with pytest.raises(Conflict):
        await db.write(ring, fails=True)
    assert woken == []
    await db.write(ring, fails=False)
    assert woken == ["bell"]
    stop()
    await db.write(ring, fails=False)
    assert woken == ["bell"]


async def test_who_stops_waiting_does_not_stop_the_write_nor_its_after_commit(db: Database) -> None:
    entered, go_on = threading.Event(), threading.Event()
    committed = asyncio.Event()

    def write(conn: Connection) -> None:
        entered.set()
        assert go_on.wait(20)
        put(conn, 1)
        after_commit(conn, committed.set)

    task = asyncio.create_task(db.write(write))
    assert await asyncio.to_thread(entered.wait, 20)
    task.cancel()
    await asyncio.wait([task])
    go_on.set()
    async with asyncio.timeout(20):
        await committed.wait()
    assert await db.read(list_ids) == [1]


async def test_a_read_sees_one_moment(db: Database) -> None:
    await db.write(put, 1)
    looked, go_on = threading.Event(), threading.Event()

    def look_twice(conn: Connection) -> tuple[list[int], list[int]]:
        before = list_ids(conn)
        looked.set()
        assert go_on.wait(20)
        return before, list_ids(conn)

    task = asyncio.create_task(db.read(look_twice))
    assert await asyncio.to_thread(looked.wait, 20)
    await db.write(put, 2)
    go_on.set()
    assert await task == ([1], [1])
    assert await db.read(list_ids) == [1, 2]


async def test_other_reads_do_not_wait_for_a_lane(db: Database) -> None:
    begun, over = threading.Event(), threading.Event()

    def take_long(_conn: Connection) -> bool:
        begun.set()
        return over.wait(20)

    long = asyncio.create_task(db.read_lane(0, take_long))
    await asyncio.to_thread(begun.wait)
    await db.write(put, 1)
    assert await db.read(list_ids) == await db.read_lane(1, list_ids) == [1]
    over.set()
    assert await long


async def test_reads_do_not_wait_for_a_long_write(db: Database) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def write(conn: Connection) -> None:
        put(conn, 1)
        entered.set()
        assert go_on.wait(20)

    task = asyncio.create_task(db.write(write))
    assert await asyncio.to_thread(entered.wait, 20)
    assert await db.read(list_ids) == []
    assert await db.point(list_ids) == []
    go_on.set()
    await task
    assert await db.read(list_ids) == [1]


@pytest.mark.parametrize("how", ["read", "point"])
async def test_a_read_that_writes_is_refused_and_leaves_nothing(db: Database, how: str) -> None:
    with pytest.raises(Exception, match=r"read-?only"):
        await getattr(db, how)(put, 1)
    assert await db.read(list_ids) == []
    await db.write(put, 2)


async def test_what_a_function_raises_arrives_whatever_it_is(db: Database) -> None:
    def end(conn: Connection) -> int:
        return next(iter([]))

    for run in (db.read, db.write):
        with pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.wait_for(run(end), 20)
    await db.write(put, 1)


async def test_read_modify_write_loses_nothing(db: Database) -> None:
    def increment(conn: Connection) -> None:
        count = int(conn.execute(text("SELECT words FROM note WHERE id = 0")).scalar_one())
        conn.execute(text("UPDATE note SET words = :words WHERE id = 0"), {"words": str(count + 1)})

    await db.write(put, 0, "0")
    await asyncio.gather(*(db.write(increment) for _ in range(40)))

    def get(conn: Connection) -> str:
        return str(conn.execute(text("SELECT words FROM note WHERE id = 0")).scalar_one())

    assert await db.read(get) == "40"


async def test_of_two_that_check_first_only_one_puts(db: Database) -> None:
    """On PostgreSQL this takes SERIALIZABLE: neither sees the other's row."""

    def put_if_alone(conn: Connection, n: int) -> bool:
        if conn.execute(text("SELECT count(*) FROM note")).scalar_one():
            return False
        put(conn, n)
        return True

    assert sum(await asyncio.gather(*(db.write(put_if_alone, n) for n in range(10)))) == 1
    assert len(await db.read(list_ids)) == 1


async def test_closing_finishes_what_was_accepted_and_takes_no_more(db: Database) -> None:
    tasks = [asyncio.create_task(db.write(put, n)) for n in range(50)]
    await asyncio.sleep(0)
    await db.close()
    assert await asyncio.gather(*tasks) == list(range(50))
    with pytest.raises(Unavailable, match="stopping"):
        await db.write(put, 50)
    with pytest.raises(Unavailable):
        await db.read(list_ids)
    await db.close()


async def test_who_watches_is_woken_whatever_another_does_and_leaves_nothing_behind(db: Database) -> None:
    woken: list[str] = []

    def fail() -> None:
        raise ValueError("odd")

    before = db.watch("bell", partial(woken.append, "before"))
    failing = db.watch("bell", fail)
    after = db.watch("bell", partial(woken.append, "after"))
    await db.write(lambda conn: wake(conn, "bell"))
    assert woken == ["before", "after"]
    for stop in (before, failing, after):
        stop()
    again = db.watch("bell", partial(woken.append, "again"))
    await db.write(lambda conn: wake(conn, "bell"))
    assert woken[2:] == ["again"]
    again()
    assert db._signals._calls == {}  # type: ignore[attr-defined] # no part of the protocol
