"""Search: one full-text index over everything, which apps feed; one search box."""

from fazt.core.search.jobs import JOBS
from fazt.core.search.model import Found, Group, Part, as_html
from fazt.core.search.store import index, remove, remove_some, remove_user, search, search_by_app, tidy_up

__all__ = [
    "JOBS",
    "Found",
    "Group",
    "Part",
    "as_html",
    "index",
    "remove",
    "remove_some",
    "remove_user",
    "search",
    "search_by_app",
    "tidy_up",
]
