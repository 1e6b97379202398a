"""Having all names looked at."""

from __future__ import annotations

from sqlalchemy import Connection

from fazt.core.jobs import enqueue
from fazt.core.jobs.store import KEY

KEEP_JOB = "tls.keep"


def wake_keeper(conn: Connection, *, now: int, run_at: int | None = None) -> None:
    """Have all names looked at, at once or at `run_at` (ms). Of such jobs one waits and one runs, the clock's too."""
    enqueue(conn, KEEP_JOB, {}, now=now, run_at=run_at, key=KEY)
