"""Pages of functions: all sites with code, and each with its clock, its log, its store and its settings."""

from fazt.apps.runtime.pages.lists import PAGES as LISTS
from fazt.apps.runtime.pages.lists import card
from fazt.apps.runtime.pages.settings import PAGES as SETTINGS
from fazt.apps.runtime.pages.site import PAGES as SITE
from fazt.apps.runtime.pages.stores import PAGES as STORES

PAGES = [*LISTS, *SITE, *STORES, *SETTINGS]

__all__ = ["PAGES", "card"]
