"""All open pads. A pad is opened once, however many come at the same moment, and leaves memory when nobody uses it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fazt.apps.pads import store
from fazt.apps.pads.engine.line import GONE
from fazt.apps.pads.engine.room import Limits, Room
from fazt.apps.pads.wire.updates import find_pairs
from fazt.core.epoch import get_epoch
from fazt.core.errors import Unavailable
from fazt.core.search import tidy_up

if TYPE_CHECKING:
    from fazt.core import Core

MAX_ROOMS = 2_000


class Pads:
    """One for each running program."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.rooms: dict[str, Room] = {}
        self._opening: dict[str, asyncio.Future[Room]] = {}
        self._epoch = ""

    def limits(self) -> Limits:
        """As the settings are now."""
        get = self.core.settings.get
        return Limits(max_bytes=get("pads.max_kb") * 1024, max_clients=get("pads.max_clients"))

    @asynccontextmanager
    async def using(self, pad_id: str) -> AsyncIterator[Room]:
        """The room of a pad, for the length of a block. Raises NotFound and Unavailable."""
        room = await self.open(pad_id)
        room.users += 1
        try:
            yield room
        finally:
            room.users -= 1
            room.idle_since = room.loop.time()

    async def open(self, pad_id: str) -> Room:
        """The room of a pad, which stays for some seconds where nobody uses it. Raises NotFound and Unavailable."""
        room = self.rooms.get(pad_id)
        if room is not None:
            return room
        opening = self._opening.get(pad_id)
        if opening is None:
            opening = asyncio.ensure_future(self._load(pad_id))
            self._opening[pad_id] = opening
            opening.add_done_callback(lambda _: self._opening.pop(pad_id, None))
        return await asyncio.shield(opening)

    async def _load(self, pad_id: str) -> Room:
        if len(self.rooms) >= MAX_ROOMS:
            raise Unavailable("Too many pads are open at once.", hint="Try again in a moment.")
        life = await self.life_of(pad_id)
        stored = await self.core.db.read(store.read_document, pad_id, self.core.clock())
        pairs = await asyncio.to_thread(find_pairs, stored.updates)
        room = Room(self.core, stored, pairs, self.limits, int(life[:8], 16) | 1 << 31)
        room.on_broken = lambda: self.forget(room)
        self.rooms[pad_id] = room
        return room

    async def life_of(self, pad_id: str) -> str:
        """A name for this pad in this life of the file, for ETags and for what the server itself writes.

        After a restore the same numbers mean other updates, and other characters, than those that clients remember.
        """
        if not self._epoch:
            self._epoch = (await self.core.db.read(get_epoch)).id
        return hashlib.sha256(f"{pad_id} {self._epoch}".encode()).hexdigest()[:16]

    def forget(self, room: Room) -> None:
        """It is not to be found any more; who is in it stays until it ends."""
        if self.rooms.get(room.pad.id) is room:
            del self.rooms[room.pad.id]

    def end(self, pad_id: str) -> None:
        """A pad was erased: whoever is in it hears so."""
        room = self.rooms.pop(pad_id, None)
        if room is not None:
            room.error = store.no_such_pad()
            room.end_all(GONE, "This pad was erased.")

    async def scrub(self) -> None:
        """After erasing: the words of what is gone leave the index, and with them the file."""
        begins = True
        while await self.core.db.write(tidy_up, begins=begins):
            begins = False

    @property
    def clients(self) -> int:
        """Connections to all pads."""
        return sum(len(room.lines) for room in self.rooms.values())


def get_pads(core: Core) -> Pads:
    """The open pads of this program: commands without a server have them, too."""
    if Pads not in core.engines:
        core.add(Pads(core))
    return core.get(Pads)
