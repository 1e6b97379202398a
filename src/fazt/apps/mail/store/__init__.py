"""Store functions of mail."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from fazt.apps.mail.schema import message
from fazt.apps.mail.store.events import on_event
from fazt.apps.mail.store.messages import purge
from fazt.core.app import Spare


def list_blob_queries(_dialect: str) -> list[str]:
    """Where hashes of kept blobs stand."""
    return ["SELECT blob FROM mail_message", "SELECT blob FROM mail_out"]


def measure_trash(conn: Connection) -> tuple[int, int]:
    """Messages in all trashes, and their bytes."""
    row = conn.execute(select(func.count(), func.sum(message.c.size)).where(message.c.folder == "trash")).one()
    return int(row[0]), int(row[1] or 0)


def free_trash(conn: Connection, now: int) -> bool:
    """Forget all mail in the trash, some at a time."""
    return bool(purge(conn, trash_before=now + 1, routed_before=0))


SPARES = (
    Spare(
        "trash",
        "Deleted mail",
        "The trash of everybody's mailbox. It cannot be brought back afterwards.",
        measure_trash,
        free_trash,
    ),
)

__all__ = ["SPARES", "list_blob_queries", "on_event"]
