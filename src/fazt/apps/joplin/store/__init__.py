"""Rules and SQL of notes: items, who sees them, what changed, shares, and what was."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from fazt.apps.joplin.schema import version
from fazt.apps.joplin.store import history
from fazt.apps.joplin.store.shares import list_kept_links
from fazt.apps.joplin.store.sweep import on_event
from fazt.core.app import Spare


def list_blob_queries(_dialect: str) -> list[str]:
    """Where hashes of kept blobs stand."""
    return [f"SELECT hash FROM joplin_{table} WHERE hash IS NOT NULL" for table in ("item", "version")]  # noqa: S608 - own words


def measure_history(conn: Connection) -> tuple[int, int]:
    """Earlier versions of notes, and their bytes."""
    row = conn.execute(select(func.count(), func.sum(version.c.size)).where(~version.c.is_deletion)).one()
    return int(row[0]), int(row[1] or 0)


def free_history(conn: Connection, now: int) -> bool:
    """Forget all earlier versions, some at a time."""
    return bool(history.sweep(conn, history_before=now + 1, trash_before=0))


SPARES = (
    Spare(
        "history",
        "Earlier versions of notes",
        "What notes said before they were last changed. The notes themselves stay.",
        measure_history,
        free_history,
    ),
)

__all__ = ["SPARES", "list_blob_queries", "list_kept_links", "on_event"]
