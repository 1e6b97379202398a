"""Pages: all links, one link with its rules, and who followed it."""

from fazt.apps.links.pages import editor, lists, live, visits
from fazt.apps.links.pages.lists import card

__all__ = ["PAGES", "card"]

PAGES = [*lists.PAGES, *visits.PAGES, *live.PAGES, *editor.PAGES]
