"""What is kept in memory between requests: collections by name, totals of lists, and who waits for changes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from fazt.apps.textdb.model.collection import Collection, Stale
from fazt.apps.textdb.model.document import Written
from fazt.apps.textdb.store.collections import SIGNAL, find_collection, missing
from fazt.apps.textdb.store.documents import New, create_documents
from fazt.apps.textdb.store.lists import Known
from fazt.core import Core
from fazt.core.db import Batch
from fazt.core.errors import FaztError

MAX_COLLECTIONS = 4_096
MAX_TOTALS = 4_096
TRIES = 5

T = TypeVar("T")
TotalKey = tuple[int, int, str, str]
"""(collection's id and revision, who asked, the list as it was asked for)"""


class Textdb:
    """The live side of all collections. What it knows is looked up again where the file says that it is old."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._collections: dict[str, Collection] = {}
        self._totals: OrderedDict[TotalKey, Known] = OrderedDict()
        self._new: Batch[New, Written | FaztError] = Batch(core.db, create_documents)

    async def find(self, name: str) -> Collection | None:
        """The collection of that name, or None."""
        found = self._collections.get(name)
        if found is None:
            found = await self._core.db.point(find_collection, name)
            if found is not None:
                if len(self._collections) >= MAX_COLLECTIONS:
                    self._collections.clear()
                self._collections[name] = found
        return found

    def known(self, name: str) -> Collection | None:
        """The collection of that name, if it was found before."""
        return self._collections.get(name)

    def forget(self, name: str) -> None:
        """It was changed: look it up again when it is next asked for."""
        self._collections.pop(name, None)

    async def use(self, name: str, call: Callable[[Collection], Awaitable[T]]) -> T:
        """`call(collection)`, again where the collection was changed in the meantime. Raises NotFound."""
        for _ in range(TRIES):
            collection = await self.find(name)
            if collection is None:
                raise missing(name)
            try:
                return await call(collection)
            except Stale:
                self.forget(name)
        raise Stale("The collection is changed all the time.", hint="Try again in a moment.")

    async def create(self, new: New) -> Written:
        """Save a document, together with those that others save at this moment. Raises as create_document does."""
        answer = await self._new.add(new)
        if isinstance(answer, FaztError):
            raise answer
        return answer

    def save(self, new: New, done: Callable[[Written | FaztError], None], failed: Callable[[Exception], None]) -> None:
        """As `create`, for who waits in no task: calls `done` with the error that create would raise, too."""
        self._new.put(new, done, failed)

    def known_total(self, key: TotalKey) -> Known | None:
        """What a total was when it was last counted."""
        return self._totals.get(key)

    def keep_total(self, key: TotalKey, known: Known) -> None:
        """Remember a total for as long as the collection keeps its sequence number."""
        self._totals[key] = known
        self._totals.move_to_end(key)
        if len(self._totals) > MAX_TOTALS:
            self._totals.popitem(last=False)

    @asynccontextmanager
    async def watching(self, collection: Collection) -> AsyncIterator[asyncio.Event]:
        """An Event that is set after each commit that wrote to the collection; whoever waits clears it first."""
        woken = asyncio.Event()
        stop = self._core.db.watch(f"{SIGNAL}/{collection.id}", woken.set)
        try:
            yield woken
        finally:
            stop()


def textdb_of(core: Core) -> Textdb:
    """The one Textdb of this program; commands that start no engines get one, too."""
    found: Any = core.engines.get(Textdb)
    if found is None:
        found = Textdb(core)
        core.add(found)
    engine: Textdb = found
    return engine
