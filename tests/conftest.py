"""Fixtures for all tests: `conn` on SQLite and on PostgreSQL, `database`, and the running program."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import NullPool

from fazt.apps import APPS
from fazt.core.config import Config
from fazt.core.db import Database, open_database
from fazt.core.db.opening import prepare_file, upgrade
from fazt.core.db.postgres import parse_url
from fazt.core.db.sqlite import create_sqlite_engine
from tests.leftovers import end_all, mark
from tests.order import rank
from tests.postgres import Cluster
from tests.program import Program

NOW = 1_800_000_000_000
LONG = bool(os.environ.get("FAZT_TEST_LONG"))
"""Whether loads, kills and looks are as many as before a release; the usual run has a few of each."""

APP_NAMES = tuple(app.name for app in APPS)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first; within a file, nothing is moved."""
    items.sort(key=lambda item: rank(item.nodeid.partition("::")[0]))


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    """Whatever the tests of this process have started has ended when they have; the rest is ended, and told."""
    mark()
    yield
    left = end_all()
    assert not left, f"still running after the tests: {left}"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of this test process's own, with a database `tables` to copy: all tables, nothing in them."""
    with Cluster() as running:
        upgrade(create_engine(parse_url(running.create_database("tables")), poolclass=NullPool))
        yield running


@pytest.fixture(scope="session")
def postgres_url(cluster: Cluster) -> str:
    """A database with all tables, shared by the tests that roll back what they do."""
    return cluster.create_database("shared", "tables")


@pytest.fixture(scope="session")
def template_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data.db with all tables and nothing in them, to copy."""
    path = tmp_path_factory.mktemp("template") / "data.db"
    prepare_file(path)
    engine = create_sqlite_engine(path)
    upgrade(engine)
    with engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def data_file(template_file: Path, tmp_path: Path) -> Path:
    """A fresh data.db."""
    return Path(shutil.copy(template_file, tmp_path / "data.db"))


@pytest.fixture(params=["sqlite", "postgresql"])
def conn(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """A Connection in a transaction that is undone after the test; each test runs on both engines."""
    if request.param == "sqlite":
        engine = create_sqlite_engine(request.getfixturevalue("data_file"))
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.exec_driver_sql("ROLLBACK")
        return
    engine = create_engine(parse_url(request.getfixturevalue("postgres_url")), poolclass=NullPool)
    with engine.connect() as connection:
        transaction = connection.begin()
        yield connection
        transaction.rollback()


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A Database of the test's own, on both engines; what it writes is committed for real."""
    if request.param == "sqlite":
        config = Config(data=request.getfixturevalue("data_file"))
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        config = Config(data=tmp_path / "data.db", database_url=cluster.create_database(template="tables"))
    db = open_database(config, APP_NAMES)
    yield db
    await db.close()


@pytest.fixture
def program(template_file: Path, tmp_path: Path) -> Iterator[Program]:
    """The real program on a file of the test's own; the owner exists."""
    shutil.copy(template_file, tmp_path / "data.db")
    with Program(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_program(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One program for all tests of a module that do not mind each other's traces."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copy(template_file, folder / "data.db")
    with Program(folder) as running:
        yield running
