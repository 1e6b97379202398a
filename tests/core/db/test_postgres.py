"""What is PostgreSQL's own: clashes, and a server that goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from fazt.core.config import Config
from fazt.core.db import Database, after_commit, attempt, open_database
from fazt.core.errors import Unavailable
from tests.core.db.test_carrier import create, list_ids, put
from tests.postgres import Cluster


@pytest.fixture
async def db(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Database]:
    """A database with one more table."""
    url = cluster.create_database(template="tables")
    database = open_database(Config(data=tmp_path / "data.db", database_url=url))
    await database.write(create)
    yield database
    await database.close()


async def test_writes_that_clash_are_run_again_and_tell_once(db: Database) -> None:
    runs = 0
    told: list[int] = []

    def transfer(conn: Connection, n: int) -> None:
        nonlocal runs
        runs += 1
        count = conn.execute(text("SELECT count(*) FROM note")).scalar_one()
        conn.execute(text("SELECT pg_sleep(0.01)"))
        with attempt(conn):
            put(conn, count)
        after_commit(conn, lambda: told.append(n))

    await asyncio.gather(*(db.write(transfer, n) for n in range(5)))
    assert await db.read(list_ids) == list(range(5))
    assert sorted(told) == list(range(5))
    assert runs > 5


async def test_who_clashes_every_time_is_unavailable(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def clash(conn: Connection) -> None:
        conn.exec_driver_sql("DO $$ BEGIN RAISE EXCEPTION 'clash' USING ERRCODE = '40001'; END $$")

    with pytest.raises(Unavailable, match="busy"):
        await db.write(clash)


def end_all_others(conn: Connection) -> None:
    """What a restart of the server does to open connections."""
    conn.execute(
        text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    )


async def test_connections_that_broke_while_idle_are_replaced_unseen(db: Database) -> None:
    await asyncio.gather(*(db.write(put, n) for n in range(20)))
    await db.write(end_all_others)
    assert len(await asyncio.gather(*(db.read(list_ids) for _ in range(20)))) == 20
    await asyncio.gather(*(db.write(put, 100 + n) for n in range(20)))


async def test_a_connection_that_breaks_in_a_write_undoes_it(db: Database) -> None:
    def break_off(conn: Connection) -> None:
        put(conn, 1)
        conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(Unavailable):
        await db.write(break_off)
    assert await db.read(list_ids) == []
    await db.write(put, 2)


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = Config(data=tmp_path / "data.db", database_url=f"postgresql://fazt@/none?host={tmp_path}")
    with pytest.raises(Unavailable, match="cannot be reached"):
        open_database(config)
