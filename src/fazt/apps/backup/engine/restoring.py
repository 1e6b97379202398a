"""Opening a backup: to check it, to take something out of it, to put it in the place of data.db."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from fazt.apps.backup import store
from fazt.apps.backup.engine.checks import check_report, check_step, inspect_file
from fazt.apps.backup.engine.orders import Order, Prepared, Tell, advance_of, removed, removed_on_failure, scratch_path
from fazt.apps.backup.engine.packing import hash_file, unpack
from fazt.apps.backup.engine.place import (
    Folder,
    Place,
    list_entries,
    open_place,
    read_summary,
    sweep_partials,
)
from fazt.apps.backup.engine.postgres import RESTORE, inspect_dump
from fazt.apps.backup.engine.replica import fetch_replica
from fazt.apps.backup.model import Report, Run, Summary, find_entry
from fazt.core.clock import to_iso
from fazt.core.db.copying import check_room, copy_database, sync_file
from fazt.core.db.opening import upgrade
from fazt.core.db.sqlite import create_sqlite_engine
from fazt.core.db.swap import RESTORING
from fazt.core.errors import Invalid
from fazt.core.ids import new_id


def verify(order: Order, tell: Tell) -> Report:
    """Check one backup, all of it: what was stored, what is inside, SQLite's own checks."""
    with opened(order, tell) as (path, name):
        tell("Checking", 0, 0)
        if ".pgdump" in name:
            return inspect_dump(path, name)
        return inspect_file(path, name, advance_of(tell, "Checking"))


def verify_bytes(order: Order, tell: Tell) -> Report:
    """What can be checked of a backup that cannot be opened here: that its bytes are those that were stored."""
    fetched = scratch_path(Path(order.data).parent, f"{new_id(order.now)}.fetched")
    with removed(fetched):
        stored, name, summary = find_stored(order, fetched, tell)
        if summary is None:
            return Report(name, ["Its sidecar is missing, so nothing is known of it."])
        check_stored(stored, summary, tell)
    return Report(name, [], said="Its bytes are those that were stored; without backup.identity it stays shut.")


def prepare(order: Order, tell: Tell) -> Prepared:
    """A file beside data.db that may take its place: checked, brought up to date, in an epoch of its own.

    Raises Invalid where the backup is not sound, of a newer fazt, or not a file of fazt's.
    """
    target = Path(order.data).with_name(Path(order.data).name + RESTORING)
    with removed(target):
        pass
    with removed_on_failure(target):
        name = lay_out(order, target, tell)
        report = inspect_file(target, name, advance_of(tell, "Checking"))
        check_report(report)
        check_step(report.step)
        tell("Getting it ready", 0, 0)
        return Prepared(str(target), name, make_usable(order, target, report), report.said)


def bring(order: Order, tell: Tell) -> Prepared:
    """A copy of a backup from which single things are taken, brought up to date; it is deleted afterwards."""
    target = scratch_path(Path(order.data).parent, f"bring-{new_id(order.now)}")
    with removed_on_failure(target):
        name = lay_out(order, target, tell)
        report = inspect_file(target, name, advance_of(tell, "Checking"))
        check_report(report)
        check_step(report.step)
        engine = create_sqlite_engine(target)
        upgrade(engine)
        engine.dispose()
        return Prepared(str(target), name, report.epoch, report.said)


def lay_out(order: Order, target: Path, tell: Tell) -> str:
    """The plain file of what is asked for at `target`; what it is called."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if order.replica is not None:
        tell("Fetching", 0, 0)
        epoch = fetch_replica(order.replica, order.keys, target, at=order.at, program=order.litestream)
        return f"the replica of {epoch}" + (f" at {to_iso(order.at)}" if order.at is not None else "")
    with opened(order, tell) as (path, name):
        if ".pgdump" in name:
            raise Invalid("This is a dump of PostgreSQL, which fazt does not put in place by itself.", hint=RESTORE)
        if path.parent == target.parent and path.name.endswith(".plain.partial"):
            path.rename(target)
        else:
            copy_database(path, target, advance_of(tell, "Copying"), live=Path(order.data))
        return name


@contextmanager
def opened(order: Order, tell: Tell) -> Iterator[tuple[Path, str]]:
    """The plain file of a backup, and its name. What had to be fetched or unpacked is deleted afterwards."""
    scratch = Path(order.data).parent
    scratch.mkdir(parents=True, exist_ok=True)
    mark = new_id(order.now)
    fetched, plain = scratch_path(scratch, f"{mark}.fetched"), scratch_path(scratch, f"{mark}.plain")
    with removed(fetched, plain):
        stored, name, summary = find_stored(order, fetched, tell)
        if summary is not None:
            check_stored(stored, summary, tell)
        if not name.endswith((".zst", ".age")):
            yield stored, name
            return
        check_room(scratch, summary.file_bytes if summary else stored.stat().st_size)
        unpack(
            stored,
            plain,
            name=name,
            identities=order.identities,
            advance=advance_of(tell, "Unpacking"),
            live=Path(order.data),
        )
        fetched.unlink(missing_ok=True)
        yield plain, name


def find_stored(order: Order, fetched: Path, tell: Tell) -> tuple[Path, str, Summary | None]:
    """The backup as it was stored: where it is on this machine, its name, and what is known of it."""
    if order.file:
        path = Path(order.file)
        if not path.is_file():
            raise Invalid(f"{path} is not a file.")
        return path, path.name, read_summary(Folder(path.parent), path.name)
    place: Place = open_place(order.place, order.keys)
    entry = find_entry(list_entries(place), order.name, order.at)
    if isinstance(place, Folder):
        return place.path / entry.name, entry.name, entry.summary
    sweep_partials(fetched.parent)
    check_room(fetched.parent, entry.stored_bytes)
    place.fetch(entry.name, fetched, advance_of(tell, "Fetching"))
    return fetched, entry.name, entry.summary


def check_stored(stored: Path, summary: Summary, tell: Tell) -> None:
    """Raises Invalid where the stored bytes are not those that were written."""
    if hash_file(stored, advance_of(tell, "Reading")) != summary.stored_hash:
        raise Invalid(f"{summary.name} is damaged: its bytes are not those that were stored.")


def make_usable(order: Order, path: Path, report: Report) -> str:
    """Bring the tables up to date, begin a new epoch, leave no log beside the file; the epoch's id."""
    engine = create_sqlite_engine(path)
    upgrade(engine)
    said = f"{report.said} It is at step {report.step}.".strip()
    run = Run(new_id(order.now), "restore", "done", report.name, said, path.stat().st_size, order.now, order.now)
    with engine.connect() as conn:
        conn.exec_driver_sql("BEGIN IMMEDIATE")
        epoch = store.begin_again(conn, run, now=order.now)
        conn.exec_driver_sql("COMMIT")
    engine.dispose()
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path.chmod(0o600)
    sync_file(path)
    return epoch
