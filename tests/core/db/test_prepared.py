"""Statements that go past SQLAlchemy on SQLite, on both engines."""

from __future__ import annotations

import pytest
from sqlalchemy import BigInteger, Boolean, Column, Connection, MetaData, Table, Text, bindparam, insert, select, update

from fazt.core.db import Prepared, attempt

fruit = Table(
    "core_fruit",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("name", Text),
    Column("is_ripe", Boolean),
)
f = fruit.c
ADD = Prepared(insert(fruit).returning(f.id), ("id", "name", "is_ripe"))
FIND = Prepared(select(f.name, f.is_ripe).where(f.id > bindparam("above"), f.name != "none").order_by(f.id))
RENAME = Prepared(update(fruit).where(f.id == bindparam("of")).values(name=bindparam("to"), is_ripe=True))


@pytest.fixture
def table(conn: Connection) -> Connection:
    """A table of the test's own."""
    fruit.create(conn)
    return conn


def test_what_is_put_in_comes_out(table: Connection) -> None:
    assert ADD.row(table, {"id": 7, "name": None, "is_ripe": False}) == (7,)
    assert FIND.row(table, {"above": 0}) is None
    RENAME.run(table, {"of": 7, "to": "apple"})
    assert [(name, bool(is_ripe)) for name, is_ripe in FIND.rows(table, {"above": 0})] == [("apple", True)]
    RENAME.run_many(table, [{"of": 7, "to": "pear"}, {"of": 8, "to": "nothing"}])
    RENAME.run_many(table, [])
    assert FIND.rows(table, {"above": 0})[0][0] == "pear"


def test_it_is_part_of_the_transaction(table: Connection) -> None:
    def add_and_fail() -> None:
        with attempt(table):
            ADD.run(table, {"id": 1, "name": "plum", "is_ripe": True})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add_and_fail()
    assert FIND.rows(table, {"above": 0}) == []


def test_a_parameter_that_is_missing_is_a_bug_that_is_heard_of(table: Connection) -> None:
    with pytest.raises(Exception, match="above"):
        FIND.rows(table, {})
