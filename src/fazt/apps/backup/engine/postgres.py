"""Backups of PostgreSQL, by its own programs: pg_dump makes them, pg_restore checks them and brings them back."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from fazt.apps.backup import store
from fazt.apps.backup.model import Report
from fazt.core.db.copying import sync_file
from fazt.core.db.postgres import parse_url
from fazt.core.errors import Unavailable

HOW = "Install PostgreSQL's client programs (Debian: postgresql-client), of the server's version or newer."
RESTORE = "Stop fazt, then: pg_restore --clean --if-exists --no-owner --dbname URL FILE"


def find_program(name: str) -> str:
    """Raises Unavailable where it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"The data is in PostgreSQL, and {name} is not installed.", hint=HOW)
    return found


def plain_url(url: str) -> str:
    """The URL as PostgreSQL's own programs take it."""
    return parse_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def dump(url: str, target: Path) -> tuple[str, str]:
    """Have pg_dump write its custom format to `target`; the step and epoch of the data. Raises Unavailable."""
    command = [find_program("pg_dump"), "--format=custom", "--no-owner", "--file", str(target), plain_url(url)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"pg_dump failed: {done.stderr.strip()[:300]}")
    target.chmod(0o600)
    sync_file(target)
    engine = create_engine(parse_url(url), poolclass=NullPool)
    with engine.connect() as conn:
        return str(conn.scalar(text("SELECT version_num FROM alembic_version"))), store.find_epoch(conn)


def inspect_dump(path: Path, name: str) -> Report:
    """Whether pg_restore can read all of a dump."""
    command = [find_program("pg_restore"), "--file", "/dev/null", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    problems = [f"pg_restore: {done.stderr.strip()[:300]}"] if done.returncode else []
    return Report(name, problems, said="" if problems else "pg_restore reads all of it.")
