"""What mail does when something happened elsewhere."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from fazt.apps.mail.schema import address, message, out, rule
from fazt.apps.mail.store.messages import delete_messages
from fazt.core import blobs
from fazt.core.events import Event


def on_event(conn: Connection, event: Event) -> None:
    """With a person goes their mail."""
    if event.name == "auth.user_deleted":
        forget_user(conn, str(event.data["user_id"]))


def forget_user(conn: Connection, user_id: str) -> None:
    """Delete everything of a person."""
    ids = list(conn.scalars(select(message.c.id).where(message.c.user_id == user_id)))
    for at in range(0, len(ids), 500):
        delete_messages(conn, user_id, ids[at : at + 500])
    for table in (address, rule):
        conn.execute(delete(table).where(table.c.user_id == user_id))
    for row in conn.execute(select(out.c.id, out.c.blob).where(out.c.user_id == user_id)).all():
        conn.execute(delete(out).where(out.c.id == row.id))
        blobs.drop(conn, row.blob)
