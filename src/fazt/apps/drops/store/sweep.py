"""What has ended: found to the second, and removed with its bytes as soon as nobody reads them."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, and_, delete, func, or_, select, update

from fazt.apps.drops.schema import DRAFT, FILLING, GONE, READY, drop, file, request, upload
from fazt.apps.drops.store.drops import SEARCH_KIND, SIGNAL, drop_file_rows, to_file
from fazt.apps.drops.store.uploads import let_go, to_upload
from fazt.core.db import wake
from fazt.core.events import Event, emit
from fazt.core.search import remove

STEP = 10

d, u = drop.c, upload.c


class Swept(msgspec.Struct):
    """What a step removed: blobs whose last keeper may have gone, and uploads to give up."""

    hashes: list[str]
    blob_uploads: list[str]


def find_next_end(conn: Connection) -> int | None:
    """The next moment (ms) at which something ends."""
    ends = (
        conn.scalar(select(func.min(d.expires_at)).where(d.state != GONE)),
        conn.scalar(select(func.min(u.expires_at))),
    )
    return min((end for end in ends if end is not None), default=None)


def is_due(conn: Connection, now: int, busy: Collection[str]) -> bool:
    """Whether `sweep` has anything to do."""
    free = d.id.not_in(tuple(busy))
    due = or_(and_(d.state != GONE, d.expires_at <= now), and_(free, or_(d.state == GONE, d.used_up_at.is_not(None))))
    drops = conn.scalar(select(d.id).where(due).limit(1))
    return drops is not None or conn.scalar(select(u.id).where(u.expires_at <= now).limit(1)) is not None


def sweep(conn: Connection, now: int, busy: Collection[str]) -> Swept:
    """One step. Drops in `busy` are being read: they are ended, and their bytes stay."""
    end_drops(conn, now, busy)
    hashes: list[str] = []
    ids = conn.scalars(select(d.id).where(d.state == GONE, d.id.not_in(tuple(busy))).limit(STEP)).all()
    blob_uploads: list[str] = []
    for drop_id in ids:
        gone, unfinished = purge_drop(conn, drop_id)
        hashes += gone
        blob_uploads += unfinished
    stale = conn.execute(select(upload).where(u.expires_at <= now).limit(STEP)).all()
    for row in stale:
        hashes += let_go(conn, to_upload(row))
        if row.state == FILLING:
            blob_uploads.append(row.blob_upload)
        conn.execute(delete(upload).where(u.id == row.id))
    return Swept(hashes, blob_uploads)


def end_drops(conn: Connection, now: int, busy: Collection[str]) -> None:
    """Mark what has come to its end, and tell it."""
    over = conn.execute(select(d.id, d.state).where(d.state != GONE, d.expires_at <= now).limit(STEP)).all()
    used = conn.execute(
        select(d.id, d.state).where(d.state == READY, d.used_up_at.is_not(None), d.id.not_in(tuple(busy))).limit(STEP)
    ).all()
    for rows, why in ((over, "expired"), (used, "used up")):
        for row in rows:
            conn.execute(update(drop).where(d.id == row.id).values(state=GONE))
            remove(conn, SEARCH_KIND, row.id)
            if row.state != DRAFT:
                emit(conn, Event("drops.deleted", {"drop": row.id, "why": why}, key=row.id), now=now)


def purge_drop(conn: Connection, drop_id: str) -> tuple[list[str], list[str]]:
    """Delete all rows of a drop; hashes of its blobs, and blob uploads that were under way for it."""
    rows = conn.execute(select(file).where(file.c.drop_id == drop_id)).all()
    hashes = list(drop_file_rows(conn, [to_file(row) for row in rows]))
    uploads = conn.execute(select(upload).where(u.drop_id == drop_id)).all()
    for row in uploads:
        hashes += let_go(conn, to_upload(row))
    conn.execute(delete(upload).where(u.drop_id == drop_id))
    conn.execute(delete(drop).where(d.id == drop_id))
    return hashes, [row.blob_upload for row in uploads if row.state == FILLING]


def forget_user(conn: Connection, user_id: str) -> None:
    """A user was deleted: their drops end, and their requests."""
    conn.execute(update(drop).where(d.user_id == user_id).values(state=GONE))
    conn.execute(delete(request).where(request.c.user_id == user_id))
    wake(conn, SIGNAL)
