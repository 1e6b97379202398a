"""Opening the data: find or make the file, bring its tables up to date, start the carrier."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from fazt.core.config import Config
from fazt.core.db.carrier import Database
from fazt.core.errors import Invalid, Unavailable
from fazt.core.log import get_logger

STEPS = Path(__file__).parents[2] / "migrations" / "versions"
APPLICATION_ID = 0x66617A74  # "fazt", so that `file data.db` can tell

log = get_logger(__name__)


def list_steps() -> list[str]:
    """The names of all migration steps, oldest first; the last is what a file must be at."""
    return sorted(path.stem for path in STEPS.glob("[0-9]*.py"))


def find_step(conn: Connection) -> str | None:
    """The step that the data is at, or None where there is nothing yet."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    step: str | None = conn.scalar(text("SELECT version_num FROM alembic_version"))
    return step


def upgrade(engine: Engine) -> None:
    """Bring the tables to the newest step. Alembic is imported only when there is work for it.

    Raises Invalid when the data is from a newer fazt.
    """
    with engine.connect() as conn:
        at, steps = find_step(conn), list_steps()
    if at == steps[-1]:
        return
    if at is not None and at not in steps:
        raise Invalid(
            f"The data is at step {at!r}, which this fazt does not know: a newer fazt has written it.",
            hint="Run `fazt upgrade`, or restore a backup made with this version.",
        )
    from alembic.command import upgrade as run_alembic  # noqa: PLC0415 - 100 ms that most starts need not pay
    from alembic.config import Config as AlembicConfig  # noqa: PLC0415

    log.info("migrating the data from %s to %s", at or "nothing", steps[-1])
    config = AlembicConfig()
    config.set_main_option("script_location", str(STEPS.parent))
    config.attributes["engine"] = engine
    run_alembic(config, "head")


def prepare_file(path: Path) -> None:
    """Make the file where it is missing, readable by its owner alone. Raises Invalid when it is something else."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists() or path.stat().st_size == 0
        if new:
            path.touch(mode=0o600)
    except OSError as error:
        raise Invalid(f"{path} cannot be opened: {error.strerror}.") from error
    if path.is_dir():
        raise Invalid(f"{path} is a folder.", hint="Name a file in it, e.g. data.db.")
    # Read only, what is there already: who closes a file last folds its log in, which may be Litestream's to do.
    address = f"{path.absolute().as_uri()}?mode={'rw' if new else 'ro'}"
    try:
        with closing(sqlite3.connect(address, isolation_level=None, uri=True)) as conn:
            if new:
                conn.execute("PRAGMA page_size=8192")
                conn.execute("PRAGMA auto_vacuum=INCREMENTAL")
                conn.execute(f"PRAGMA application_id={APPLICATION_ID}")
                conn.execute("PRAGMA journal_mode=WAL")
                conn.execute("VACUUM")
            conn.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.DatabaseError as error:
        raise Invalid(f"{path} is not a database that fazt can open: {error}.") from error


def open_database(config: Config, apps: Collection[str] = ()) -> Database:
    """The Database that `config` names, up to date and ready; `apps` own the tables named after them."""
    if config.database_url:
        from fazt.core.db.postgres import PostgresDatabase, parse_url  # noqa: PLC0415 - psycopg only where it is used

        engine = create_engine(parse_url(config.database_url), poolclass=NullPool)
        try:
            upgrade(engine)
        except OperationalError as error:
            told = f"The database server cannot be reached: {str(error.orig).strip()}"
            raise Unavailable(told, hint="Is it running, and is --database-url right?") from error
        return PostgresDatabase(config.database_url)
    from fazt.core.db.sqlite import SqliteDatabase, create_sqlite_engine  # noqa: PLC0415

    prepare_file(config.data)
    with closing(sqlite3.connect(config.data)) as held:  # so that the log outlives the connections that upgrade
        held.execute("SELECT count(*) FROM sqlite_master").fetchone()
        upgrade(create_sqlite_engine(config.data))
        return SqliteDatabase(config.data, apps)
