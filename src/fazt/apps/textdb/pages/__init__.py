"""Pages: collections, their documents with filter and history, the live feed, and settings."""

from fazt.apps.textdb.pages import collections, documents, feed, settings, shared
from fazt.apps.textdb.pages.collections import card
from fazt.apps.textdb.pages.shared import SHAREABLE

__all__ = ["PAGES", "SHAREABLE", "card"]

PAGES = [*collections.PAGES, *settings.PAGES, *feed.PAGES, *documents.PAGES, *shared.PAGES]
