"""The numbers of changes, and the epochs that tell a restored file from the one it is a copy of.

Every start of the program begins an epoch: a random tag, and the number of the last change before
it. A cursor names the epoch it was made in. After a restore the file knows nothing of changes
that were made after the copy, and the next epoch begins at the last number of the copy: a cursor
of the lost time is either of an unknown epoch, or its number lies behind the end of its epoch.
"""

from __future__ import annotations

import re
import secrets

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from fazt.apps.joplin.model.uploads import Resync
from fazt.apps.joplin.schema import epoch, state

CURSOR = re.compile(r"([0-9a-f]{16}):([0-9]{1,18})(?::([0-9]{1,18}))?")
KEPT_EPOCHS = 5_000

_NEXT = update(state).where(state.c.id == 1).values(seq=state.c.seq + bindparam("count")).returning(state.c.seq)
_STATE = select(state.c.seq, state.c.floor).where(state.c.id == 1)
_NEWEST = select(epoch.c.tag).order_by(epoch.c.id.desc()).limit(1)
_FIND = select(epoch.c.id).where(epoch.c.tag == bindparam("tag"))
_AFTER = select(epoch.c.first_seq).where(epoch.c.id > bindparam("id")).order_by(epoch.c.id).limit(1)


def next_seq(conn: Connection, count: int = 1) -> int:
    """The first of `count` new numbers."""
    last: int = conn.execute(_NEXT, {"count": count}).scalar_one()
    return last - count + 1


def begin_epoch(conn: Connection, now: int) -> str:
    """A new epoch; once at each start, before anything is written. Very old ones are forgotten."""
    tag, seq = secrets.token_hex(8), conn.execute(_STATE).one().seq
    id_ = conn.execute(insert(epoch).values(tag=tag, first_seq=seq, started_at=now).returning(epoch.c.id)).scalar_one()
    conn.execute(delete(epoch).where(epoch.c.id <= id_ - KEPT_EPOCHS))
    return tag


def read_cursor(conn: Connection, cursor: str) -> tuple[int, int]:
    """The number a cursor stands for, and the number at which its comparison from the start began (0: it is none).

    Raises Resync for a cursor that is garbled, of a lost time, or too old.
    """
    found = CURSOR.fullmatch(cursor)
    if found is None:
        raise Resync
    id_, seq, begun = conn.scalar(_FIND, {"tag": found[1]}), int(found[2]), int(found[3] or 0)
    if id_ is None:
        raise Resync
    now = conn.execute(_STATE).one()
    end = conn.scalar(_AFTER, {"id": id_})
    if max(seq, begun) > (now.seq if end is None else end) or max(seq, begun) < now.floor:
        raise Resync
    return seq, begun


def write_cursor(conn: Connection, seq: int, begun: int = 0) -> str:
    """A cursor for the position behind `seq`, in a comparison that began at `begun`."""
    return f"{conn.execute(_NEWEST).scalar_one()}:{seq}" + (f":{begun}" if begun else "")


def current_seq(conn: Connection) -> int:
    """The number of the last change of all."""
    seq: int = conn.execute(_STATE).one().seq
    return seq


def raise_floor(conn: Connection, seq: int) -> None:
    """Deletes up to this number are forgotten."""
    conn.execute(update(state).where(state.c.id == 1, state.c.floor < seq).values(floor=seq))
