"""Time as fazt keeps it: whole milliseconds since 1970, UTC."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import time_ns

Clock = Callable[[], int]

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def system_clock() -> int:
    """The present moment, in milliseconds."""
    return time_ns() // 1_000_000


def to_datetime(at: int) -> datetime:
    """The moment `at` (milliseconds) as an aware datetime."""
    return datetime.fromtimestamp(at / 1_000, UTC)


def to_iso(at: int) -> str:
    """RFC 3339 with milliseconds: `2026-11-23T10:00:00.000Z`."""
    return to_datetime(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
