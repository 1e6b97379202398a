"""Search: one full-text index over everything, which apps feed; one search box."""

from fazt.core.search.model import Found, Part, as_html
from fazt.core.search.store import index, remove, remove_user, search, tidy_up

__all__ = ["Found", "Part", "as_html", "index", "remove", "remove_user", "search", "tidy_up"]
