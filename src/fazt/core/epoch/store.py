"""Reading the epoch, and beginning a new one."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, insert, select

from fazt.core.epoch.schema import epoch
from fazt.core.ids import new_id

_NEWEST = select(epoch).order_by(epoch.c.id.desc()).limit(1)


class Epoch(msgspec.Struct, frozen=True):
    """One life of the data. `id` is random and sorts by time; `reason` is "new", or what was restored."""

    id: str
    begun_at: int
    reason: str


def get_epoch(conn: Connection) -> Epoch:
    """The epoch that holds.

    Whoever hands out positions that must never run backwards (sync cursors, change numbers, ETags made of
    counters) puts the id into them: a position of another epoch is of a past that was undone by a restore.
    """
    return Epoch(**conn.execute(_NEWEST).mappings().one())


def begin_epoch(conn: Connection, reason: str, *, now: int) -> Epoch:
    """Begin a new one; done by a restore in the file that it brings back, before anybody sees that file."""
    latest: int = conn.scalar(select(func.max(epoch.c.begun_at))) or 0
    begun = Epoch(new_id(max(now, latest + 1)), now, reason)  # it sorts last, wherever the clock was then
    conn.execute(insert(epoch).values(**msgspec.structs.asdict(begun)))
    return begun
