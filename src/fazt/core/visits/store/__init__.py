"""Store functions of visits."""

from fazt.core.visits.store.report import Granularity, report
from fazt.core.visits.store.sums import HOURS_KEPT_MS, Gathered, apply, find_last, find_mark, gather
from fazt.core.visits.store.visits import (
    add,
    count_minutes,
    find_newest,
    forget_visits,
    get_salt,
    list_newest,
    prune,
    read_page,
)

__all__ = [
    "HOURS_KEPT_MS",
    "Gathered",
    "Granularity",
    "add",
    "apply",
    "count_minutes",
    "find_last",
    "find_mark",
    "find_newest",
    "forget_visits",
    "gather",
    "get_salt",
    "list_newest",
    "prune",
    "read_page",
    "report",
]
