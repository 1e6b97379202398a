"""Pages of drops for people with an account: send, list, change, ask for files."""

from fazt.apps.drops.pages.drops import PAGES as DROPS
from fazt.apps.drops.pages.drops import card
from fazt.apps.drops.pages.requests import PAGES as REQUESTS
from fazt.apps.drops.pages.visits import VISITED

PAGES = [*REQUESTS, *DROPS]

__all__ = ["PAGES", "VISITED", "card"]
