"""Pages of sites: the list, each site with its versions and settings, and who visits."""

from fazt.apps.sites.pages.lists import PAGES as LISTS
from fazt.apps.sites.pages.lists import card
from fazt.apps.sites.pages.site import PAGES as SITE
from fazt.apps.sites.pages.visits import PAGES as VISITS
from fazt.apps.sites.pages.visits import VISITED

PAGES = [*LISTS, *VISITS, *SITE]

__all__ = ["PAGES", "VISITED", "card"]
