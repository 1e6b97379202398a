"""tus uploads: begun, measured, finished into a file, joined, given up."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from fazt.apps.drops.model import Drop, Part, Policy, Upload
from fazt.apps.drops.schema import FILLING, FINISHED, GONE, MERGED, drop, upload
from fazt.apps.drops.store.drops import (
    PARTS,
    SIGNAL,
    NewFile,
    add_file,
    create_drop,
    finish_drop,
    get_drop,
    touch_draft,
)
from fazt.apps.drops.store.quotas import check_pace, check_room
from fazt.core import blobs
from fazt.core.db import wake
from fazt.core.errors import Conflict, Invalid, NotFound

u = upload.c
_FIND = select(upload).where(u.id == bindparam("of"))


def no_such_upload() -> NotFound:
    """The error for an upload that is not here."""
    return NotFound("There is no such upload, or it was given up.")


def to_upload(row: Row[Any]) -> Upload:
    """A row as it is known outside."""
    facts = {name: getattr(row, name) for name in Upload.__struct_fields__ if name != "parts"}
    return Upload(parts=PARTS.decode(row.parts), **facts)


def get_upload(conn: Connection, upload_id: str, now: int) -> Upload:
    """Raises NotFound."""
    row = conn.execute(_FIND, {"of": upload_id}).first()
    if row is None or row.expires_at <= now:
        raise no_such_upload()
    return to_upload(row)


def begin_upload(conn: Connection, made: Upload, draft: Drop | None, policy: Policy, now: int) -> None:
    """A new upload, with the draft that it is all of, if any. Raises OverQuota, TooMany, and NotFound for its drop."""
    reserved = made.length or 0
    check_pace(conn, made.uploader)
    check_room(conn, made.uploader, policy, reserved)
    if draft is not None:
        create_drop(conn, draft, made.visitor)
    elif made.drop_id:
        get_drop(conn, made.drop_id, now)
        touch_draft(conn, made.drop_id, made.expires_at)
    row = msgspec.structs.asdict(made)
    row["parts"] = msgspec.json.encode(made.parts).decode()
    conn.execute(insert(upload).values(**row, reserved=reserved))


def set_length(conn: Connection, upload_id: str, length: int, policy: Policy, now: int) -> Upload:
    """The size of an upload that was not known before. Raises OverQuota, and Invalid for another size than is known."""
    found = get_upload(conn, upload_id, now)
    if found.length is not None and found.length != length:
        raise Invalid(f"This upload has {found.length} bytes, which does not change.")
    if found.length is None:
        check_room(conn, found.uploader, policy, length)
        conn.execute(update(upload).where(u.id == upload_id).values(length=length, reserved=length))
    return get_upload(conn, upload_id, now)


def note_offset(conn: Connection, upload_id: str, offset: int, expires_at: int) -> None:
    """Bytes have come: the upload lives on, and one of unknown size reserves what it has."""
    row = conn.execute(_FIND, {"of": upload_id}).first()
    if row is None or row.state != FILLING:
        return
    reserved = row.reserved if row.length is not None else offset
    conn.execute(update(upload).where(u.id == upload_id).values(expires_at=expires_at, reserved=reserved))
    if row.drop_id:
        touch_draft(conn, row.drop_id, expires_at)


def finish_upload(conn: Connection, upload_id: str, blob: blobs.Blob, policy: Policy, now: int, keep_ms: int) -> Upload:
    """All bytes are `blob`: a file of its drop, or a part that a final upload will join. Again: nothing.

    Raises OverQuota, and NotFound where the drop has ended meanwhile.
    """
    found = get_upload(conn, upload_id, now)
    if found.state != FILLING:
        return found
    parts = (Part(blob.hash, blob.size),)
    changes: dict[str, Any] = {"state": FINISHED, "expires_at": now + keep_ms, "length": blob.size}
    conn.execute(update(upload).where(u.id == upload_id).values(reserved=0))
    check_room(conn, found.uploader, policy, blob.size)
    if found.is_partial:
        blobs.keep(conn, blob.hash)
        changes |= {"parts": msgspec.json.encode(parts).decode(), "reserved": blob.size}
    else:
        add_whole(conn, found, parts, policy, now)
    conn.execute(update(upload).where(u.id == upload_id).values(**changes))
    return get_upload(conn, upload_id, now)


def add_whole(conn: Connection, found: Upload, parts: tuple[Part, ...], policy: Policy, now: int) -> None:
    """The bytes of an upload as a file of its drop."""
    new = NewFile(found.path, found.type, parts, found.position)
    add_file(conn, found.drop_id, new, policy, now)
    if found.is_alone:
        finish_drop(conn, found.drop_id, now)


def join_uploads(
    conn: Connection, final: Upload, draft: Drop | None, ids: tuple[str, ...], policy: Policy, now: int
) -> Upload:
    """The final upload of some partial ones: their bytes, in this order, without copying. The partial ones end soon.

    Raises NotFound, and Conflict where one is not finished or was joined before.
    """
    found = [get_upload(conn, one, now) for one in ids]
    if any(not one.is_partial or one.uploader != final.uploader for one in found):
        raise Invalid("Only partial uploads of your own can be joined.")
    if len(set(ids)) != len(ids) or any(one.state != FINISHED for one in found):
        raise Conflict("One of the partial uploads is not finished, or was joined already.")
    conn.execute(update(upload).where(u.id.in_(ids)).values(state=MERGED, reserved=0))
    if draft is not None:
        create_drop(conn, draft, final.visitor)
    parts = tuple(part for one in found for part in one.parts if part.size) or found[0].parts
    size = sum(part.size for part in parts)
    check_room(conn, final.uploader, policy, size)
    add_whole(conn, final, parts, policy, now)
    for one in found:
        let_go(conn, one)
    row = msgspec.structs.asdict(final) | {"parts": "[]", "length": size, "state": FINISHED, "reserved": 0}
    conn.execute(insert(upload).values(**row))
    return get_upload(conn, final.id, now)


def let_go(conn: Connection, found: Upload) -> tuple[str, ...]:
    """Drop the keeps of a partial upload; of which blobs."""
    for part in found.parts:
        blobs.drop(conn, part.hash)
    conn.execute(update(upload).where(u.id == found.id).values(parts="[]"))
    return tuple(part.hash for part in found.parts)


def delete_upload(conn: Connection, upload_id: str, now: int) -> tuple[Upload, tuple[str, ...]]:
    """Forget an upload, with the draft that it alone would have been; it, and hashes it kept. Raises NotFound."""
    found = get_upload(conn, upload_id, now)
    hashes = let_go(conn, found)
    conn.execute(delete(upload).where(u.id == upload_id))
    if found.is_alone and found.state == FILLING:
        conn.execute(update(drop).where(drop.c.id == found.drop_id).values(state=GONE))
    wake(conn, SIGNAL)
    return found, hashes
