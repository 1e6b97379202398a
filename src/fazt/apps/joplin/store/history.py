"""What items were before: older versions of notes, and what was deleted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select

from fazt.apps.joplin.model.items import NOTE, REVISION
from fazt.apps.joplin.model.names import kind_of
from fazt.apps.joplin.model.uploads import Upload
from fazt.apps.joplin.schema import content, version
from fazt.core import blobs
from fazt.core.clock import MINUTE
from fazt.core.errors import NotFound

APART = 2 * MINUTE
"""Versions of one note are at least this far apart: a client saves while one types."""

MOST = 200
CHUNK = 200

w = version.c
_DATA = select(content.c.data).where(content.c.item == bindparam("of"))
_LAST = select(func.max(w.replaced_at)).where(w.user_id == bindparam("user_id"), w.name == bindparam("name"))
_ADD = insert(version).returning(w.id)


def keep_before_change(conn: Connection, before: Row[Any], upload: Upload, by: str, now: int) -> None:
    """Keep a note that is about to be written over, where its text changes."""
    if before.type != NOTE or upload.item is None:
        return
    last = conn.scalar(_LAST, {"user_id": before.owner_id, "name": before.name})
    if last is not None and last > now - APART:
        return
    data = conn.scalar(_DATA, {"of": before.id})
    if data is not None and upload.data is not None and text_above(bytes(data)) == text_above(upload.data):
        return
    add(conn, before, data, by, now, is_deletion=False)


def text_above(data: bytes) -> bytes:
    """What stands above the properties: a change of those alone is no new version."""
    return data.rpartition(b"\n\n")[0]


def keep_before_delete(conn: Connection, found: Row[Any], by: str, now: int) -> None:
    """Keep what is about to be deleted, all but Joplin's own revisions and scratch files."""
    if found.type == REVISION or kind_of(found.name) == "file":
        return
    add(conn, found, conn.scalar(_DATA, {"of": found.id}), by, now, is_deletion=True)


def add(conn: Connection, found: Row[Any], data: bytes | None, by: str, now: int, *, is_deletion: bool) -> None:
    """One row of what was."""
    if found.hash is not None:
        blobs.keep(conn, found.hash)
    row = {
        "user_id": found.owner_id,
        "name": found.name,
        "type": found.type,
        "title": found.title,
        "parent_id": found.parent_id,
        "is_deletion": is_deletion,
        "size": found.size,
        "data": None if found.hash is not None else data,
        "hash": found.hash,
        "item_updated_at": found.item_updated_at,
        "replaced_at": now,
        "replaced_by": by,
    }
    conn.execute(_ADD, row)


def list_versions(conn: Connection, user_id: str, name: str) -> list[Row[Any]]:
    """Older versions of an item, the newest first, without their bytes."""
    columns = [w.id, w.title, w.size, w.item_updated_at, w.replaced_at, w.replaced_by, w.is_deletion]
    mine = (w.user_id == user_id) & (w.name == name)
    return list(conn.execute(select(*columns).where(mine).order_by(w.id.desc()).limit(MOST)))


def list_deleted(
    conn: Connection, user_id: str, *, types: tuple[int, ...], before: int | None = None
) -> list[Row[Any]]:
    """What was deleted, the newest first."""
    columns = [w.id, w.name, w.type, w.title, w.size, w.item_updated_at, w.replaced_at, w.replaced_by]
    wanted = (w.user_id == user_id) & w.is_deletion & w.type.in_(types)
    if before is not None:
        wanted &= w.id < before
    return list(conn.execute(select(*columns).where(wanted).order_by(w.id.desc()).limit(100)))


def get_version(conn: Connection, user_id: str, id: int) -> tuple[Row[Any], bytes]:
    """A version and its bytes (up to 64 MiB). Raises NotFound."""
    row = conn.execute(select(version).where(w.id == id, w.user_id == user_id)).first()
    if row is None:
        raise NotFound("There is no such version any more.")
    return row, bytes(row.data) if row.hash is None else blobs.load(conn, row.hash)


def find_deletion(conn: Connection, user_id: str, name: str) -> Row[Any] | None:
    """What was last deleted under a name."""
    mine = (w.user_id == user_id) & (w.name == name) & w.is_deletion
    return conn.execute(select(version).where(mine).order_by(w.id.desc()).limit(1)).first()


def forget_version(conn: Connection, row: Any) -> None:
    """Forget one version, with its bytes."""
    conn.execute(delete(version).where(w.id == row.id))
    if row.hash is not None:
        blobs.drop(conn, row.hash)


def forget_deletion(conn: Connection, user_id: str, id: int) -> None:
    """Delete something deleted for good. Raises NotFound."""
    row = conn.execute(select(w.id, w.hash).where(w.id == id, w.user_id == user_id, w.is_deletion)).first()
    if row is None:
        raise NotFound("It is gone already.")
    forget_version(conn, row)


def sweep(conn: Connection, *, history_before: int, trash_before: int) -> int:
    """Forget up to CHUNK versions and deletions older than these times (ms); how many."""
    old = (w.is_deletion & (w.replaced_at < trash_before)) | (~w.is_deletion & (w.replaced_at < history_before))
    rows = conn.execute(select(w.id, w.hash).where(old).limit(CHUNK)).all()
    for row in rows:
        forget_version(conn, row)
    return len(rows)
