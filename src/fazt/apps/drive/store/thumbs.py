"""Rules and SQL of small pictures: made once for each large one, whoever has it."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from fazt.apps.drive.schema import thumb
from fazt.core.blobs import drop, keep, load, put
from fazt.core.db import insert

t = thumb.c


def find_thumb(conn: Connection, hash: str, edge: int) -> bytes | None:
    """The small picture of the bytes with this hash, b"" where none can be made, or None where nobody has tried."""
    blob = conn.scalar(select(t.blob).where(t.hash == hash, t.edge == edge))
    if blob is None:
        return None
    return load(conn, blob) if blob else b""


def put_thumb(conn: Connection, hash: str, edge: int, data: bytes, now: int) -> None:
    """Remember a small picture, or with b"" that none can be made."""
    blob = ""
    if data:
        blob = keep(conn, put(conn, data, now).hash).hash
    row = {"hash": hash, "edge": edge, "blob": blob, "at": now}
    made = conn.execute(insert(conn, thumb).values(row).on_conflict_do_nothing())
    if blob and made.rowcount == 0:
        drop(conn, blob)


def sweep_thumbs(conn: Connection, before: int, limit: int = 200) -> int:
    """Forget small pictures that were made before this moment; they are made again when asked for. How many went."""
    rows = conn.execute(select(t.hash, t.edge, t.blob).where(t.at < before).order_by(t.at).limit(limit)).all()
    for row in rows:
        if row.blob:
            drop(conn, row.blob)
        conn.execute(delete(thumb).where(t.hash == row.hash, t.edge == row.edge))
    return len(rows)
