"""Attachments: blobs that a message refers to, until they expire."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select

from fazt.apps.pubsub.schema import file
from fazt.core import blobs
from fazt.core.blobs import Blob
from fazt.core.errors import NotFound, OverQuota


class File(msgspec.Struct, frozen=True):
    """An attachment. `expires_at` is in ms."""

    message_id: str
    topic: str
    hash: str
    name: str
    type: str
    size: int
    expires_at: int


def to_file(row: Row[Any]) -> File:
    """A row as it is known outside."""
    return File(row.message_id, row.topic, row.hash, row.name, row.type, row.size, row.expires_at)


def put_file(conn: Connection, new: File, blob: Blob, *, max_total_bytes: int) -> None:
    """Keep a file for a message that is about to be published. Raises OverQuota for more than all may have together."""
    total = int(conn.execute(select(func.coalesce(func.sum(file.c.size), 0))).scalar_one())
    if total + blob.size > max_total_bytes:
        raise OverQuota(f"Attachments have {max_total_bytes} bytes together, and no more are allowed.")
    blobs.keep(conn, blob.hash)
    conn.execute(insert(file), msgspec.structs.asdict(new))


def get_file(conn: Connection, message_id: str, *, now: int) -> File:
    """Raises NotFound, also for one that has expired."""
    row = conn.execute(select(file).where(file.c.message_id == message_id)).one_or_none()
    if row is None or row.expires_at <= now:
        raise NotFound("There is no such file, or it has expired.")
    return to_file(row)


def remove_expired_files(conn: Connection, *, now: int) -> bool:
    """Give up files that have expired; whether there may be more."""
    rows = conn.execute(select(file).where(file.c.expires_at <= now).limit(100)).all()
    for row in rows:
        blobs.drop(conn, row.hash)
        conn.execute(delete(file).where(file.c.message_id == row.message_id))
    return len(rows) == 100
