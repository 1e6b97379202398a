"""Notes in the index of words, one entry for each person who sees a note."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.apps.joplin.model.items import Item
from fazt.core import search

KIND = "joplin.note"


def learn(conn: Connection, user_id: str, id: str, item: Item, now: int) -> None:
    """Make a note findable for one person; what is encrypted or in the trash is not."""
    if item.is_encrypted or item.deleted_time:
        forget(conn, user_id, id)
        return
    path = f"/joplin/notes/{id}"
    search.index(conn, KIND, f"{user_id}/{id}", item.title, item.body, user_id=user_id, path=path, now=now)


def forget(conn: Connection, user_id: str, id: str) -> None:
    """Make a note unfindable for one person."""
    search.remove(conn, KIND, f"{user_id}/{id}")
