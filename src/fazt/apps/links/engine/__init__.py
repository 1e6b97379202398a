"""What is kept in memory of links: those asked for lately, clicks on their way to disk, and who guesses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fazt.apps.links import store
from fazt.apps.links.engine.guesses import Guesses
from fazt.apps.links.engine.live import LiveClicks
from fazt.apps.links.model import SLUG_MAX, Link
from fazt.core import Core
from fazt.core.db import Batch

REMEMBERED = 10_000

__all__ = ["LinkBook", "book_of", "run"]


class LinkBook:
    """Links by host and slug, as the file has them: after each change of any link it looks again."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.clicks: Batch[store.Click, bool] = Batch(core.db, store.follow)
        self.guesses = Guesses()
        self.live = LiveClicks(core.events)
        self._links: OrderedDict[tuple[str, str], Link | None] = OrderedDict()
        self.stop = core.db.watch(store.CHANGED_SIGNAL, self._forget)

    def recall(self, host: str, slug: str) -> Link | None:
        """As `find`, as far as it is in memory; None also where it is not known whether there is one."""
        found = self._links.get((host, slug)) if host else None
        if found is None and (not host or (host, slug) in self._links):
            found = self._links.get(("", slug))
        return found

    async def find(self, host: str, slug: str) -> Link | None:
        """The link of a host's own, or of all hosts, or None."""
        found = await self._find(host, slug) if host else None
        return found or await self._find("", slug)

    async def _find(self, host: str, slug: str) -> Link | None:
        if len(slug) > SLUG_MAX:  # nor is it remembered that there is none
            return None
        key = (host, slug)
        if key in self._links:
            return self._links[key]
        links = self._links
        found = await self.core.db.point(store.find_link, host, slug)
        links[key] = found  # nobody's, where a link has changed meanwhile
        if len(links) > REMEMBERED:
            links.popitem(last=False)
        return found

    def _forget(self) -> None:
        self._links = OrderedDict()

    def own_hosts(self) -> tuple[str, ...]:
        """The cloud's domain, and the hosts whose root holds short links."""
        return (self.core.config.domain, *short_hosts(self.core))


def short_hosts(core: Core) -> tuple[str, ...]:
    """Hosts whose root holds short links, as the owner set them."""
    return tuple(host.strip().lower().rstrip(".") for host in core.settings.get("links.hosts"))


def book_of(core: Core) -> LinkBook:
    """The one LinkBook of this program; commands that start no engines get one, too."""
    found: Any = core.engines.get(LinkBook)
    if found is None:
        found = LinkBook(core)
        core.add(found)
    book: LinkBook = found
    return book


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """The book is open for as long as the program runs."""
    book = book_of(core)
    try:
        yield
    finally:
        book.stop()
