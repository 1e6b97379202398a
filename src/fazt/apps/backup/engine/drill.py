"""The restore drill: bring back what there is into a scratch file, and prove that it is what it should be."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from fazt.apps.backup.engine.checks import check_report, inspect_file
from fazt.apps.backup.engine.orders import Order, Tell, advance_of, removed, scratch_path
from fazt.apps.backup.engine.packing import ignore
from fazt.apps.backup.engine.place import list_entries, open_place
from fazt.apps.backup.engine.replica import fetch_replica
from fazt.apps.backup.engine.restoring import verify, verify_bytes
from fazt.apps.backup.engine.snapshot import sum_open_tables, sum_tables
from fazt.apps.backup.model import Report, compare_sums
from fazt.core.errors import Invalid, Unavailable
from fazt.core.ids import new_id

TRIES = 100
PAUSE_S = 0.05
SYNC_S = 20


def drill(order: Order, tell: Tell) -> Report:
    """Prove the newest backup, and the replica where there is one. Raises Invalid where one is not sound."""
    said, problems = [], []
    entries = list_entries(open_place(order.place, order.keys))
    if entries:
        is_shut = entries[0].is_encrypted and not order.identities
        report = verify_bytes(order, tell) if is_shut else verify(order, tell)
        problems += report.problems
        said.append(f"{report.name}: {report.said}")
    if order.replica is not None and not order.database_url:
        report = drill_replica(order, tell)
        problems += report.problems
        said.append(report.said)
    if not said and not problems:
        raise Invalid("There is nothing yet that could be brought back.", hint="Make a backup first.")
    report = Report("drill", problems, said=" ".join(said))
    check_report(report)
    return report


def drill_replica(order: Order, tell: Tell) -> Report:
    """Bring the replica back and compare it, row by row, with the data as it was at the same position."""
    assert order.replica is not None
    target = scratch_path(Path(order.data).parent, f"drill-{new_id(order.now)}")
    with removed(target), closing(sqlite3.connect(order.data, isolation_level=None)) as live:
        held = hold_position(order, live) if order.control else 0
        tell("Fetching the replica", 0, 0)
        fetch_replica(order.replica, order.keys, target, txid=held, program=order.litestream)
        report = inspect_file(target, "the replica", advance_of(tell, "Checking the replica"))
        if report.problems or not held:
            said = "The replica is sound; it was not compared, for the data never stood still long enough."
            return Report("the replica", report.problems, said=said)
        advance = advance_of(tell, "Comparing")
        problems = compare_sums(
            sum_open_tables(live, Path(order.data).stat().st_size, advance), sum_tables(target, ignore)
        )
        return Report(
            "the replica", problems, compared=True, said="The replica is equal to the data at its position, row by row."
        )


def hold_position(order: Order, live: sqlite3.Connection) -> int:
    """Hold a snapshot of the data at a position that the replica has; 0 where writes never left a gap.

    The snapshot is taken first, then Litestream is asked to bring everything over; where
    nothing was written from before the one until after the other, both are the same.
    """
    with closing(sqlite3.connect(order.data, isolation_level=None)) as watch:
        for _ in range(TRIES):
            (before,) = watch.execute("PRAGMA data_version").fetchone()
            live.execute("BEGIN")
            live.execute("SELECT count(*) FROM sqlite_master").fetchone()
            position = ask_to_sync(order.control, order.data, SYNC_S)
            (after,) = watch.execute("PRAGMA data_version").fetchone()
            if before == after:
                return position
            live.execute("ROLLBACK")
            time.sleep(PAUSE_S)
    return 0


def ask_to_sync(control: str, data: str, timeout_s: int) -> int:
    """Have Litestream bring everything over now; its position. Raises Unavailable."""
    import httpx  # noqa: PLC0415 - httpx is large, and seldom needed

    body = {"path": data, "wait": True, "timeout": timeout_s}
    with httpx.Client(transport=httpx.HTTPTransport(uds=control), timeout=timeout_s + 5) as http:
        try:
            answer = http.post("http://litestream/sync", json=body)
        except httpx.HTTPError as error:
            raise Unavailable(f"Litestream does not answer: {error}") from error
    found = {}
    with suppress(ValueError):
        found = answer.json()
    if answer.is_error:
        raise Unavailable(f"Litestream cannot replicate: {str(found.get('error', answer.status_code))[:300]}")
    return int(found.get("replicated_txid", 0))
