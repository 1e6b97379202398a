"""Spaces by their owner, and answers to what is asked often.

Each space has a generation, which its commits raise before anybody hears that they happened. An
answer of an older generation is not given any more; so nothing has to be told what it makes stale. It stays until a
newer one takes its place: a listing is made from the one before.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from fazt.apps.drive import store
from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.nodes import Content, Put, Space, SpaceKind, Spot
from fazt.core.db import Batch
from fazt.core.errors import FaztError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fazt.core import Core

CACHE_BYTES = 48 << 20
ENTRY_BYTES = 4 << 20
MAX_SPACES = 10_000
PUTS = 64
"""Files that are written at once: 8 MiB of small ones at the most."""


class Drive:
    """One for each running program."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._spaces: dict[tuple[SpaceKind, str], Space] = {}
        self._generations: dict[int, int] = {}
        self._answers: OrderedDict[tuple[int, Any], tuple[int, Any, int]] = OrderedDict()
        self._bytes = 0
        self._puts: Batch[tuple[Spot, Content, Terms], Put | FaztError] = Batch(core.db, store.put_files, PUTS)
        self._site_locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def space(self, kind: SpaceKind, name: str, owner: str) -> Space:
        """A space, made where there is none yet. Its facts never change."""
        found = self._spaces.get((kind, name))
        if found is None:
            found = await self.core.db.write(store.create_space, kind, name, owner, self.core.clock())
            if len(self._spaces) >= MAX_SPACES:
                self._spaces.clear()
            self._spaces[kind, name] = found
        return found

    async def home(self, user_id: str) -> Space:
        """Somebody's own files."""
        found = self._spaces.get(("home", user_id))
        return found if found is not None else await self.space("home", user_id, user_id)

    def known_home(self, user_id: str) -> Space | None:
        """As `home`, for who cannot wait: None where it has to be looked up."""
        return self._spaces.get(("home", user_id))

    def put_soon(
        self,
        spot: Spot,
        content: Content,
        terms: Terms,
        done: Callable[[Put | FaztError], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """As `put_file` for who waits in no task. Calls one of them on the loop."""
        self._puts.put((spot, content, terms), done, failed)

    async def put_file(self, spot: Spot, content: Content, terms: Terms) -> Put:
        """As the store's, with what others put at this moment. Raises what that raises."""
        done = await self._puts.add((spot, content, terms))
        if isinstance(done, FaztError):
            raise done
        return done

    def forget(self, kind: SpaceKind, name: str) -> None:
        """A space is gone."""
        self._spaces.pop((kind, name), None)

    def site_lock(self, space_id: int) -> asyncio.Lock:
        """Held by whoever makes a site and its working copy alike."""
        found = self._site_locks.get(space_id)
        if found is None:
            self._site_locks[space_id] = found = asyncio.Lock()
        return found

    def generation(self, space_id: int) -> int:
        """A number that is another after each change of the space."""
        found = self._generations.get(space_id)
        if found is None:
            self._generations[space_id] = found = 0
            self.core.db.watch(store.signal(space_id), partial(self._raise, space_id))
        return found

    def _raise(self, space_id: int) -> None:
        self._generations[space_id] += 1

    def find_answer(self, space_id: int, key: Any) -> Any | None:
        """What was kept for `key`, if nothing in the space has changed since."""
        kept = self._answers.get((space_id, key))
        if kept is None or kept[0] != self._generations.get(space_id):
            return None
        self._answers.move_to_end((space_id, key))
        return kept[1]

    def find_older(self, space_id: int, key: Any) -> Any | None:
        """What was kept for `key`, whatever has changed since."""
        kept = self._answers.get((space_id, key))
        return None if kept is None else kept[1]

    def put_answer(self, space_id: int, generation: int, key: Any, answer: Any, size: int) -> None:
        """Keep what was found since the space had this generation."""
        if size > ENTRY_BYTES:
            return
        self._drop((space_id, key))
        self._answers[space_id, key] = (generation, answer, size)
        self._bytes += size
        while self._bytes > CACHE_BYTES:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: tuple[int, Any]) -> None:
        gone = self._answers.pop(key, None)
        if gone is not None:
            self._bytes -= gone[2]


def drive_of(core: Core) -> Drive:
    """The drive of a running program; also of one that only serves a command."""
    found = core.engines.get(Drive)
    if not isinstance(found, Drive):
        found = Drive(core)
        core.add(found)
    return found
