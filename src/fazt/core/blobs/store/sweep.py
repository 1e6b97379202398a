"""Removing what nobody keeps, in steps that are short enough for other writes to come between."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, select, tuple_, update

from fazt.core.blobs.model import Ref
from fazt.core.blobs.schema import CONDEMNED, RECEIVING, SEALED, UPLOADING, core_blob, core_chunk, core_upload
from fazt.core.clock import DAY, HOUR, MINUTE

STEP_ROWS = 500
STEP_CHUNKS = 48
STEP_PAGES = 256
CALM_MS = MINUTE
"""How long condemned bytes stay, so that whoever was just given their id may still read them."""

b, c = core_blob.c, core_chunk.c


@dataclass(frozen=True, slots=True)
class Graces:
    """How long, in ms, unkept blobs and silent uploads are left alone."""

    blob_ms: int = HOUR
    upload_ms: int = DAY


USUAL = Graces()


def sweep(conn: Connection, now: int, graces: Graces = USUAL, pinned: Collection[int] = ()) -> bool:
    """One step of removing what nobody keeps; True while more remains. `pinned` are ids being read or filled here."""
    more = stamp_dropped(conn, now)
    more |= condemn(conn, now, graces, pinned)
    more |= forget_uploads(conn, now, graces)
    return remove_condemned(conn, now, pinned) or more


def stamp_dropped(conn: Connection, now: int) -> bool:
    """The grace time of what was dropped since the last sweep begins now."""
    ids = select(b.id).where(b.keeps == 0, b.state == SEALED, b.touched_at == 0).limit(STEP_ROWS)
    return conn.execute(update(core_blob).where(b.id.in_(ids)).values(touched_at=now)).rowcount == STEP_ROWS


def condemn(conn: Connection, now: int, graces: Graces, pinned: Collection[int]) -> bool:
    """Take the hash from what was unkept or silent for too long: from here on nobody can find it."""
    more = False
    for state, grace_ms in ((RECEIVING, graces.blob_ms), (UPLOADING, graces.upload_ms), (SEALED, graces.blob_ms)):
        ids = select(b.id).where(
            b.keeps == 0,
            b.state == state,
            b.touched_at > 0,
            b.touched_at <= now - grace_ms,
            b.id.not_in(tuple(pinned)),
        )
        change = update(core_blob).where(b.id.in_(ids.limit(STEP_ROWS)))
        found = conn.execute(change.values(state=CONDEMNED, hash=None, touched_at=now)).rowcount
        more |= found == STEP_ROWS
    return more


def forget_uploads(conn: Connection, now: int, graces: Graces) -> bool:
    """Delete the names of uploads that are finished for long, or whose bytes are gone."""
    u = core_upload.c
    filling = exists().where(b.id == u.blob_id, b.state == UPLOADING)
    ids = select(u.id).where(u.touched_at <= now - graces.upload_ms, ~filling).limit(STEP_ROWS)
    return conn.execute(delete(core_upload).where(u.id.in_(ids))).rowcount == STEP_ROWS


def remove_condemned(conn: Connection, now: int, pinned: Collection[int]) -> bool:
    """Delete up to STEP_CHUNKS chunks of condemned blobs in this file, and rows that have none left."""
    ids = conn.scalars(
        select(b.id)
        .where(b.keeps == 0, b.state == CONDEMNED, b.touched_at <= now - CALM_MS, b.place == "")
        .where(b.id.not_in(tuple(pinned)))
        .limit(STEP_CHUNKS)
    ).all()
    if not ids:
        return False
    some = select(c.blob_id, c.n).where(c.blob_id.in_(ids)).limit(STEP_CHUNKS)
    conn.execute(delete(core_chunk).where(tuple_(c.blob_id, c.n).in_(some)))
    conn.execute(delete(core_blob).where(b.id.in_(ids), ~exists().where(c.blob_id == b.id)))
    return True


def remove(conn: Connection, blob_id: int) -> bool:
    """One step of deleting a condemned blob that nobody can be reading; True while more remains."""
    some = select(c.n).where(c.blob_id == blob_id).limit(STEP_CHUNKS)
    conn.execute(delete(core_chunk).where(c.blob_id == blob_id, c.n.in_(some)))
    if conn.scalar(select(c.n).where(c.blob_id == blob_id).limit(1)) is not None:
        return True
    forget_blob(conn, blob_id)
    return False


def list_condemned_elsewhere(conn: Connection, now: int, pinned: Collection[int] = ()) -> list[Ref]:
    """Condemned blobs whose bytes are in object storage, some at a time."""
    rows = conn.execute(
        select(b.id, b.size, b.chunk_bytes, b.place)
        .where(b.keeps == 0, b.state == CONDEMNED, b.touched_at <= now - CALM_MS, b.place != "")
        .where(b.id.not_in(tuple(pinned)))
        .limit(STEP_ROWS)
    )
    return [Ref(*row) for row in rows]


def forget_blob(conn: Connection, blob_id: int) -> None:
    """Delete the row of a condemned blob whose bytes are gone from elsewhere."""
    conn.execute(delete(core_blob).where(b.id == blob_id, b.state == CONDEMNED))


def free_pages(conn: Connection, spare_bytes: int) -> bool:
    """Give a few empty pages at the end of the file back to the disk; True while more than `spare_bytes` are empty.

    Only SQLite: PostgreSQL's autovacuum does the like by itself.
    """
    raw = conn.connection.driver_connection
    if not isinstance(raw, sqlite3.Connection):
        return False
    (page_bytes,) = raw.execute("PRAGMA page_size").fetchone()
    (empty,) = raw.execute("PRAGMA freelist_count").fetchone()
    spare = spare_bytes // page_bytes
    for _ in range(min(STEP_PAGES, empty - spare)):
        raw.execute("PRAGMA incremental_vacuum(1)")  # sqlite3 steps a statement once, and each step frees one page
    return bool(empty - spare > STEP_PAGES)
