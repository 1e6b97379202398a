"""Pages: collections, their documents with filter and history, the live feed, and settings."""

from fazt.apps.textdb.pages import collections, documents, feed, settings
from fazt.apps.textdb.pages.collections import card

__all__ = ["PAGES", "card"]

PAGES = [*collections.PAGES, *settings.PAGES, *feed.PAGES, *documents.PAGES]
