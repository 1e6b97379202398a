"""Whether a file is a sound database of fazt's, and whether what must be in it is in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from fazt.apps.backup.engine.snapshot import sum_open_tables
from fazt.apps.backup.model import Contents, Report, compare_sums
from fazt.core.db.copying import Advance
from fazt.core.db.opening import APPLICATION_ID, list_steps
from fazt.core.errors import Invalid

MOST_PROBLEMS = 20


def inspect_file(path: Path, name: str, advance: Advance) -> Report:
    """Look at everything: SQLite's own checks, whose file it is, its step, and the manifest inside.

    Nobody may be writing to the file. Raises Invalid where it is no database at all.
    """
    try:
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as conn:
            conn.execute("BEGIN")
            return inspect_open(conn, path, name, advance)
    except sqlite3.DatabaseError as error:
        return Report(name, [f"It is damaged, or no database: {error}."])


def inspect_open(conn: sqlite3.Connection, path: Path, name: str, advance: Advance) -> Report:
    """As inspect_file, on an open connection."""
    problems = [f"SQLite: {line}" for (line,) in conn.execute("PRAGMA integrity_check(20)") if line != "ok"]
    broken = conn.execute("PRAGMA foreign_key_check").fetchmany(MOST_PROBLEMS)
    problems += [f"A row of {table} refers to nothing." for table, *_ in broken]
    (mark,) = conn.execute("PRAGMA application_id").fetchone()
    step = find_step(conn)
    if mark != APPLICATION_ID or not step:
        problems.append("It is not a file of fazt's.")
        return Report(name, problems)
    contents = find_contents(conn)
    sums = sum_open_tables(conn, path.stat().st_size, advance)
    if contents is not None:
        problems += compare_sums(contents.tables, sums)
    rows = sum(each.rows for each in sums.values())
    said = "All tables are as they were saved." if contents else "There is no manifest inside to compare with."
    return Report(
        name,
        problems[:MOST_PROBLEMS],
        step=step,
        epoch=contents.epoch if contents else "",
        tables=len(sums),
        rows=rows,
        compared=contents is not None,
        said="" if problems else said,
    )


def find_step(conn: sqlite3.Connection) -> str:
    """The migration step of the file, or ""."""
    try:
        row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return ""
    return str(row[0]) if row else ""


def find_contents(conn: sqlite3.Connection) -> Contents | None:
    """The manifest inside, or None. Raises Invalid where it is garbled."""
    try:
        row = conn.execute("SELECT manifest FROM backup_contents").fetchone()
        return msgspec.json.decode(row[0], type=Contents) if row else None
    except sqlite3.OperationalError:
        return None
    except msgspec.MsgspecError as error:
        raise Invalid("The manifest inside the backup is damaged.") from error


def check_step(step: str) -> None:
    """Raises Invalid for a file of a newer fazt."""
    if step not in list_steps():
        raise Invalid(
            f"The backup is at step {step!r}, which this fazt does not know: a newer fazt has made it.",
            hint="Upgrade fazt first.",
        )


def check_report(report: Report) -> None:
    """Raises Invalid where anything is wrong."""
    if report.problems:
        more = f" And {len(report.problems) - 1} more." if len(report.problems) > 1 else ""
        raise Invalid(f"{report.name} is not sound: {report.problems[0]}{more}")
