"""Rules and SQL of files that come in pieces, as Nextcloud's clients and our own pages send large ones."""

from __future__ import annotations

import re

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from fazt.apps.drive.model.naming import check_name
from fazt.apps.drive.schema import piece, upload
from fazt.core.blobs import drop, keep
from fazt.core.db import insert
from fazt.core.errors import Conflict, Invalid, NotFound, TooMany

u, c = upload.c, piece.c
MAX_UPLOADS, MAX_PIECES = 500, 20_000
DIGITS = re.compile(r"(\d{1,18})(?:-(\d{1,18}))?\Z")


class Upload(msgspec.Struct, frozen=True):
    """A file that is coming in pieces."""

    id: int
    name: str
    touched_at: int


class Piece(msgspec.Struct, frozen=True):
    """A piece that has come: its name, its place among the others, its bytes."""

    name: str
    number: int
    hash: str
    size: int


def create_upload(conn: Connection, user_id: str, name: str, now: int) -> Upload:
    """A new upload. Raises Conflict (405 in HTTP) where there is one of this name, TooMany."""
    check_name(name)
    if find_upload(conn, user_id, name) is not None:
        raise Conflict("This upload has begun already.", status=405)
    if (conn.scalar(select(func.count()).select_from(upload).where(u.user_id == user_id)) or 0) >= MAX_UPLOADS:
        raise TooMany(f"You have {MAX_UPLOADS} uploads under way already.", retry_after=600)
    upload_id = conn.scalar(insert(conn, upload).values(user_id=user_id, name=name, touched_at=now).returning(u.id))
    assert upload_id is not None
    return Upload(upload_id, name, now)


def find_upload(conn: Connection, user_id: str, name: str) -> Upload | None:
    """An upload of this user's, or None."""
    row = conn.execute(select(u.id, u.name, u.touched_at).where(u.user_id == user_id, u.name == name)).first()
    return None if row is None else Upload(*row)


def get_upload(conn: Connection, user_id: str, name: str) -> Upload:
    """Raises NotFound."""
    found = find_upload(conn, user_id, name)
    if found is None:
        raise NotFound("There is no such upload, or it is over.")
    return found


def list_uploads(conn: Connection, user_id: str) -> list[Upload]:
    """The uploads of a user."""
    return [Upload(*row) for row in conn.execute(select(u.id, u.name, u.touched_at).where(u.user_id == user_id))]


def read_number(name: str) -> int:
    """The place of a piece: `00012`, or the first byte of `000000000010485760-000000000020971519`. Raises Invalid."""
    found = DIGITS.match(name)
    if found is None:
        raise Invalid(f"{name[:40]!r} is not the number of a piece.")
    return int(found[1])


def put_piece(conn: Connection, user_id: str, name: str, arrived: Piece, now: int) -> bool:
    """Keep a piece, in place of one of the same name; whether it is new. Raises NotFound, TooMany."""
    found = get_upload(conn, user_id, name)
    keep(conn, arrived.hash)
    old = conn.scalar(select(c.hash).where(c.upload_id == found.id, c.name == arrived.name))
    if old is not None:
        drop(conn, old)
        conn.execute(delete(piece).where(c.upload_id == found.id, c.name == arrived.name))
    elif (conn.scalar(select(func.count()).select_from(piece).where(c.upload_id == found.id)) or 0) >= MAX_PIECES:
        raise TooMany(f"An upload has at most {MAX_PIECES} pieces.", retry_after=3600)
    conn.execute(insert(conn, piece).values(upload_id=found.id, **msgspec.structs.asdict(arrived)))
    conn.execute(update(upload).where(u.id == found.id).values(touched_at=now))
    return old is None


def list_pieces(conn: Connection, upload_id: int) -> list[Piece]:
    """The pieces that have come, in the order of their numbers."""
    rows = conn.execute(
        select(c.name, c.number, c.hash, c.size).where(c.upload_id == upload_id).order_by(c.number, c.name)
    )
    return [Piece(*row) for row in rows]


def check_whole(pieces: list[Piece]) -> None:
    """Raises Conflict where pieces that are named by their offsets leave a gap."""
    at = 0
    for one in pieces:
        if "-" in one.name and one.number != at:
            raise Conflict(f"The piece that begins at byte {at} is missing.")
        at += one.size


def delete_upload(conn: Connection, upload_id: int) -> None:
    """Forget an upload and its pieces."""
    for hash in conn.scalars(select(c.hash).where(c.upload_id == upload_id)).all():
        drop(conn, hash)
    conn.execute(delete(piece).where(c.upload_id == upload_id))
    conn.execute(delete(upload).where(u.id == upload_id))


def sweep_uploads(conn: Connection, before: int, limit: int = 20) -> int:
    """Forget uploads that nobody has gone on with since this moment; how many."""
    ids = conn.scalars(select(u.id).where(u.touched_at < before).limit(limit)).all()
    for upload_id in ids:
        delete_upload(conn, upload_id)
    return len(ids)
