"""Opening: a fresh file, a newer one, and steps that fail."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from fazt.core.config import Config
from fazt.core.db import open_database, opening
from fazt.core.db.opening import find_step, list_steps, prepare_file, upgrade
from fazt.core.db.postgres import parse_url
from fazt.core.db.sqlite import create_sqlite_engine
from fazt.core.errors import Invalid
from fazt.core.events.schema import event
from fazt.core.jobs.schema import cron, job
from fazt.core.settings.schema import setting
from tests.postgres import Cluster

SRC = Path(__file__).parents[3] / "src"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """An engine on an empty database."""
    if request.param == "sqlite":
        prepare_file(tmp_path / "data.db")
        return create_sqlite_engine(tmp_path / "data.db")
    cluster: Cluster = request.getfixturevalue("cluster")
    return create_engine(parse_url(cluster.create_database()), poolclass=NullPool)


def step_of(engine: Engine) -> str | None:
    with engine.connect() as conn:
        return find_step(conn)


def test_a_fresh_database_gets_all_tables(empty: Engine) -> None:
    assert step_of(empty) is None
    upgrade(empty)
    assert step_of(empty) == list_steps()[-1]
    upgrade(empty)


def test_the_tables_are_what_the_schema_says(conn: Connection) -> None:
    ours = {table.name for table in (event, job, cron, setting)}

    def is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
        return kind != "table" or name in ours

    context = MigrationContext.configure(conn, opts={"include_object": is_ours, "compare_type": True})
    assert compare_metadata(context, event.metadata) == []


def test_data_of_a_newer_fazt_is_refused_and_left_alone(empty: Engine) -> None:
    upgrade(empty)
    with empty.connect() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999_future'"))
        if empty.dialect.name == "postgresql":
            conn.commit()
    with pytest.raises(Invalid, match="a newer fazt has written it"):
        upgrade(empty)
    assert step_of(empty) == "9999_future"


@pytest.fixture
def with_broken_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """The steps, and one more that begins well; its end can be written anew."""
    folder = tmp_path / "migrations"
    shutil.copytree(opening.STEPS.parent, folder)
    monkeypatch.setattr(opening, "STEPS", folder / "versions")

    def write(end: str) -> None:
        (folder / "versions" / "9999_broken.py").write_text(
            "import sqlalchemy as sa\nfrom alembic import op\nfrom fazt.migrations import step_before\n"
            'revision = "9999_broken"\ndown_revision = step_before(__file__)\n'
            'def upgrade() -> None:\n    op.create_table("half", sa.Column("id", sa.Integer))\n'
            f"    {end}\n"
        )

    return write


def test_a_step_that_fails_leaves_the_data_as_it_was(empty: Engine, with_broken_step: Callable[[str], None]) -> None:
    upgrade(empty)
    before = step_of(empty)
    with_broken_step("op.execute('SELECT nothing FROM nowhere')")
    with pytest.raises(Exception, match="nowhere"):
        upgrade(empty)
    assert step_of(empty) == before
    with empty.connect() as conn:
        assert not empty.dialect.has_table(conn, "half")
    with_broken_step("pass")
    upgrade(empty)
    assert step_of(empty) == "9999_broken"
    with empty.connect() as conn:
        assert empty.dialect.has_table(conn, "half")


def test_a_fresh_start_that_fails_leaves_nothing(empty: Engine, with_broken_step: Callable[[str], None]) -> None:
    with_broken_step("raise ValueError('odd')")
    with pytest.raises(ValueError, match="odd"):
        upgrade(empty)
    assert step_of(empty) is None


OPEN = """
import asyncio, sys
from pathlib import Path
from fazt.core.config import Config
from fazt.core.db import open_database

async def main():
    await open_database(Config(data=Path(sys.argv[1]))).close()

asyncio.run(main())
print(sorted({"alembic", "mako", "psycopg"} & set(sys.modules)))
"""


def modules_loaded_to_open(path: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(SRC)},
    )
    return done.stdout.strip()


def test_alembic_is_not_loaded_when_nothing_is_due(data_file: Path, tmp_path: Path) -> None:
    assert modules_loaded_to_open(data_file) == "[]"
    assert modules_loaded_to_open(tmp_path / "new" / "data.db") == "['alembic', 'mako']"


async def test_a_fresh_file_is_its_owners_alone_and_says_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "data.db"
    database = open_database(Config(data=path))
    await database.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes()[68:72] == b"fazt"
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA page_size").fetchone() == (8192,)
        assert conn.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "data.db"
    path.write_bytes(b"Dear diary, " * 1_000)
    with pytest.raises(Invalid, match="is not a database that fazt can open"):
        open_database(Config(data=path))
    assert path.read_bytes() == b"Dear diary, " * 1_000


def test_a_path_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Invalid, match="cannot be opened: "):
        open_database(Config(data=tmp_path / "file" / "data.db"))
    (tmp_path / "data.db").mkdir()
    with pytest.raises(Invalid, match="is a folder"):
        open_database(Config(data=tmp_path / "data.db"))
