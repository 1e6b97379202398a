"""Usage: what takes how much room in the file, to the byte, and what could go."""

from fazt.core.app import EventKind, Setting
from fazt.core.usage.jobs import FREE_JOB, JOBS, MEASURE_JOB, list_spares
from fazt.core.usage.model import Big, Could, Share, Usage
from fazt.core.usage.store import find_usage, list_totals, measure, put_usage

SETTINGS: tuple[Setting, ...] = ()
EVENTS: tuple[EventKind, ...] = ()

__all__ = [
    "EVENTS",
    "FREE_JOB",
    "JOBS",
    "MEASURE_JOB",
    "SETTINGS",
    "Big",
    "Could",
    "Share",
    "Usage",
    "find_usage",
    "list_spares",
    "list_totals",
    "measure",
    "put_usage",
]
