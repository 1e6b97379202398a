"""One pad out of a backup, with its history."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from fazt.apps.pads.schema import pad, state
from fazt.apps.pads.schema import update as log
from fazt.apps.pads.store.pads import create_pad, no_such_pad
from fazt.core.app import Thing

COPIED = ("members", "guests", "password_hash", "seq", "thinned_seq", "size", "log_bytes", "changed_at")
PIECE = 200
ANY_NUMBER = 1 << 31


def list_names(source: Connection) -> list[str]:
    """The pads in a backup."""
    return list(source.scalars(select(pad.c.name).order_by(pad.c.name)))


def list_blobs(_source: Connection, _name: str) -> list[str]:
    """Pads refer to no blobs."""
    return []


def copy_pad(conn: Connection, source: Connection, name: str, new_name: str, user_id: str, now: int) -> str:
    """Make a pad as it was in the backup `source`. Raises NotFound, Conflict where the new name is taken."""
    old = source.execute(select(pad).where(pad.c.name == name)).first()
    if old is None:
        raise no_such_pad(name)
    made = create_pad(conn, new_name, user_id, now, most=ANY_NUMBER)
    facts = {field: getattr(old, field) for field in COPIED}
    conn.execute(update(pad).where(pad.c.id == made.id).values(**facts, settled_seq=-1))
    for table in (log, state):
        rows = source.execute(select(table).where(table.c.pad_id == old.id))
        while found := rows.fetchmany(PIECE):
            conn.execute(insert(table), [{**row._mapping, "pad_id": made.id} for row in found])
    return f"/pad/{new_name}"


THINGS = (Thing("pad", "The pad", list_names, list_blobs, copy_pad),)
