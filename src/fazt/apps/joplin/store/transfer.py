"""All notes of a person, piece by piece, on their way out; and items on their way in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, select

from fazt.apps.joplin.model.items import FOLDER, NOTE, NOTE_TAG, RESOURCE, TAG
from fazt.apps.joplin.model.names import blob_name
from fazt.apps.joplin.model.uploads import Keeping, Upload
from fazt.apps.joplin.schema import item, view
from fazt.apps.joplin.store.items import put, read_bytes, read_data
from fazt.apps.joplin.store.views import find_seen

TYPES = (FOLDER, NOTE, RESOURCE, TAG, NOTE_TAG)
CHUNK = 50


def read_some(conn: Connection, user_id: str, after: int) -> list[tuple[Row[Any], bytes]]:
    """The next items and their bytes, in the order in which they came to be."""
    seen = (
        select(item)
        .join_from(view, item, item.c.id == view.c.item)
        .where(view.c.user_id == user_id, view.c.is_visible, view.c.type.in_(TYPES), item.c.id > after)
    )
    rows = conn.execute(seen.order_by(item.c.id).limit(CHUNK)).all()
    return [(row, read_bytes(conn, row)) for row in rows]


def find_blob(conn: Connection, user_id: str, id: str) -> tuple[Row[Any], bytes] | None:
    """The row of an attachment's bytes, and these where they stand beside it."""
    row = find_seen(conn, user_id, blob_name(id))
    return None if row is None else (row, read_data(conn, row.id) if row.hash is None else b"")


def bring_in(conn: Connection, user_id: str, upload: Upload, keeping: Keeping, now: int) -> bool:
    """Store an item that is not here yet; False where one of its name is."""
    if find_seen(conn, user_id, upload.name) is not None:
        return False
    put(conn, user_id, upload, keeping, now)
    return True
