"""Lines of the sites' logs."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from fazt.apps.runtime.model import LogLine
from fazt.apps.runtime.schema import log
from fazt.core.db import wake

SIGNAL = "runtime/log"

NewLine = tuple[int, int, str, str, str]
"""site, at (ms), level, text, run"""


def add_lines(conn: Connection, lines: Sequence[NewLine]) -> None:
    """Keep lines of whichever sites."""
    names = ("site_id", "at", "level", "text", "run")
    conn.execute(insert(log), [dict(zip(names, line, strict=True)) for line in lines])
    for site_id in {line[0] for line in lines}:
        wake(conn, f"{SIGNAL}/{site_id}")


def list_lines(
    conn: Connection, site_id: int, *, after_id: int = 0, before_id: int | None = None, run: str = "", limit: int = 200
) -> list[LogLine]:
    """Lines between two ids, oldest first: the earliest after `after_id` where that is given, else the latest."""
    wanted = select(log.c.id, log.c.at, log.c.level, log.c.text, log.c.run).where(log.c.site_id == site_id)
    if run:
        wanted = wanted.where(log.c.run == run)
    if before_id is not None:
        wanted = wanted.where(log.c.id < before_id)
    if after_id:
        wanted = wanted.where(log.c.id > after_id).order_by(log.c.id).limit(limit)
        return [LogLine(*row) for row in conn.execute(wanted)]
    rows = conn.execute(wanted.order_by(log.c.id.desc()).limit(limit)).all()
    return [LogLine(*row) for row in reversed(rows)]


def find_last_line(conn: Connection, site_id: int) -> int:
    """The id of the newest line, 0 where there is none."""
    return int(conn.execute(select(func.max(log.c.id)).where(log.c.site_id == site_id)).scalar() or 0)


def prune_lines(conn: Connection, site_id: int, keep: int) -> int:
    """Forget all but the newest `keep` lines of a site; how many went."""
    oldest = select(log.c.id).where(log.c.site_id == site_id).order_by(log.c.id.desc()).offset(keep).limit(1)
    last = conn.execute(oldest).scalar()
    if last is None:
        return 0
    return conn.execute(delete(log).where(log.c.site_id == site_id, log.c.id <= last)).rowcount
