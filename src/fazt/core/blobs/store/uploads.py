"""Rules and SQL of uploads that may be taken up again after an interruption."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from fazt.core.blobs.model import Blob, Ref
from fazt.core.blobs.schema import UPLOADING, core_blob, core_upload
from fazt.core.blobs.store import blobs
from fazt.core.errors import Conflict, NotFound

u = core_upload.c
_UPLOAD = select(u.blob_id, u.hash).where(u.id == bindparam("of"))
_REF = select(core_blob.c.id, core_blob.c.size, core_blob.c.chunk_bytes, core_blob.c.place).where(
    core_blob.c.id == bindparam("of")
)


def begin_upload(conn: Connection, upload: str, chunk_bytes: int, place: str, now: int) -> None:
    """A new upload with nothing in it; `place` as in Ref."""
    blob_id = blobs.begin(conn, chunk_bytes, place, now, UPLOADING).id
    conn.execute(insert(core_upload).values(id=upload, blob_id=blob_id, hash=None, touched_at=now))


def find_finished(conn: Connection, upload: str) -> Blob | None:
    """The blob that the upload became, or None while it is under way. Raises NotFound."""
    hash = get_row(conn, upload)[1]
    return None if hash is None else blobs.stat(conn, hash)


def get_filling(conn: Connection, upload: str) -> tuple[Ref, bytes]:
    """What is being filled, and the part of its last chunk that is here. Raises NotFound, Conflict if finished."""
    blob_id, hash = get_row(conn, upload)
    if hash is not None:
        raise Conflict("This upload is finished.")
    row = conn.execute(_REF, {"of": blob_id}).first()
    if row is None:
        raise no_such_upload()
    ref = Ref(*row)
    if ref.place or ref.size % ref.chunk_bytes == 0:
        return ref, b""
    return ref, blobs.read_chunk(conn, ref.id, ref.size // ref.chunk_bytes)


def finish_upload(conn: Connection, upload: str, ref: Ref, hash: str, now: int) -> tuple[Blob, bool]:
    """Seal what was uploaded (see `seal`); the upload goes on knowing its blob for a while. Raises Conflict."""
    conn.execute(update(core_upload).where(u.id == upload).values(hash=hash, blob_id=None, touched_at=now))
    return blobs.seal(conn, ref, hash, now)


def abandon_upload(conn: Connection, upload: str) -> Ref | None:
    """Give an upload up; what was being filled, if it was. Raises NotFound."""
    blob_id, _ = get_row(conn, upload)
    conn.execute(delete(core_upload).where(u.id == upload))
    found = conn.execute(_REF, {"of": blob_id}).first()
    if found is None:
        return None
    blobs.discard(conn, found.id)
    return Ref(*found)


def get_row(conn: Connection, upload: str) -> tuple[int | None, str | None]:
    """Blob id while under way, hash when finished. Raises NotFound."""
    row = conn.execute(_UPLOAD, {"of": upload}).first()
    if row is None:
        raise no_such_upload()
    return row.blob_id, row.hash


def no_such_upload() -> NotFound:
    """The error for an id that nothing is known by."""
    return NotFound("There is no such upload, or it was given up.")
