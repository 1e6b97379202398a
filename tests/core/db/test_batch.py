"""Many small writes of one kind as one."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, text

from fazt.core.db import Batch, Database
from fazt.core.db import batch as batches
from fazt.core.errors import Invalid

SIZES: list[int] = []


def insert_all(conn: Connection, items: Sequence[int]) -> list[int]:
    """Write the numbers; 13 is refused."""
    SIZES.append(len(items))
    for item in items:
        if item == 13:
            raise Invalid("13 brings bad luck.")
        conn.execute(text("INSERT INTO numbers (n) VALUES (:n)"), {"n": item})
    return [item * 2 for item in items]


def create_numbers(conn: Connection) -> None:
    conn.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY)"))


def list_numbers(conn: Connection) -> list[int]:
    return list(conn.scalars(text("SELECT n FROM numbers ORDER BY n")))


async def test_what_waits_shares_a_write_and_each_gets_its_own_answer(database: Database) -> None:
    await database.write(create_numbers)
    SIZES.clear()
    batch = Batch(database, insert_all, limit=40)
    answers = await asyncio.gather(*(batch.add(n) for n in range(100, 200)))
    assert answers == [n * 2 for n in range(100, 200)]
    assert await database.read(list_numbers) == list(range(100, 200))
    assert len(SIZES) < 10
    assert max(SIZES) <= 40


async def test_only_the_item_at_fault_hears_of_it(database: Database) -> None:
    await database.write(create_numbers)
    batch = Batch(database, insert_all)
    answers = await asyncio.gather(*(batch.add(n) for n in range(10, 20)), return_exceptions=True)
    assert [isinstance(answer, Invalid) for answer in answers] == [n == 13 for n in range(10, 20)]
    assert await database.read(list_numbers) == [n for n in range(10, 20) if n != 13]


async def test_one_who_gives_up_waiting_costs_the_others_nothing(database: Database) -> None:
    await database.write(create_numbers)
    batch = Batch(database, insert_all)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(batch.add(1), 0)
    assert await batch.add(2) == 4


async def test_who_waits_in_no_task_is_called(database: Database) -> None:
    await database.write(create_numbers)
    batch = Batch(database, insert_all)
    heard: list[int | Exception] = []

    def fail_after(answer: int) -> None:
        heard.append(answer)
        raise RuntimeError("a bug of who was called")

    batch.put(20, fail_after, heard.append)
    batch.put(13, heard.append, heard.append)
    assert await batch.add(21) == 42
    assert sorted(map(str, heard)) == ["13 brings bad luck.", "40"]


async def test_who_comes_again_at_once_shares_the_next_commit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty who never pause would else be two groups, each waiting for the other's commit."""
    await database.write(create_numbers)
    monkeypatch.setattr(batches, "WORTH_WAITING_S", 0.0)
    batch = Batch(database, insert_all)
    SIZES.clear()

    async def come(first: int) -> None:
        for n in range(first, first + 20):
            assert await batch.add(n) == 2 * n

    await asyncio.gather(*(come(100 * number) for number in range(1, 31)))
    assert len(SIZES) < 30
    SIZES.clear()
    await come(10_000)
    assert SIZES == [1] * 20, "one alone never waits for others, once they have stayed away"


async def test_neighbours_that_come_a_little_later_share_the_write(database: Database) -> None:
    await database.write(create_numbers)
    SIZES.clear()
    batch = Batch(database, insert_all, gather_s=0.05)
    first = asyncio.gather(batch.add(1), batch.add(2))
    for _ in range(5):  # rounds of the loop, in which those two are taken up
        await asyncio.sleep(0)
    third = await batch.add(3)
    assert [*await first, third] == [2, 4, 6]
    assert SIZES == [3]
