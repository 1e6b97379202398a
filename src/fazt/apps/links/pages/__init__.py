"""Pages: all links, one link with its rules, and who followed it."""

from fazt.apps.links.pages import editor, lists, live, visits
from fazt.apps.links.pages.lists import card
from fazt.apps.links.pages.visits import VISITED

__all__ = ["PAGES", "VISITED", "card"]

PAGES = [*lists.PAGES, *visits.PAGES, *live.PAGES, *editor.PAGES]
