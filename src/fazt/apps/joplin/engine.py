"""What is kept in memory between requests: sessions that devices were given, and the locks of old clients."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fazt.apps.joplin.store.seq import begin_epoch
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.clock import HOUR, SECOND
from fazt.core.errors import Conflict

MAX_SESSIONS = 4_096
MAX_LOCKS = 64
MAX_PEOPLE = 4_096
LOCK_MS = 180 * SECOND
SHARED, EXCLUSIVE = 1, 2

SessionKey = tuple[str, str, int, int, str]
"""(user, token or "", platform, type, address)"""


@dataclass(slots=True)
class Lock:
    """One lock of an old client, whose name is `type_clientType_clientId`."""

    type: int
    client_type: int
    client_id: str
    at: int

    @property
    def id(self) -> str:
        """Its name in addresses."""
        return f"{self.type}_{self.client_type}_{self.client_id}"


class Joplin:
    """The live side of the sync server. Apps log in twice a sync, so sessions are handed out again."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._sessions: OrderedDict[SessionKey, tuple[str, int]] = OrderedDict()
        self._locks: OrderedDict[str, dict[str, Lock]] = OrderedDict()
        self._has_epoch = False

    async def begin(self) -> None:
        """Begin the epoch of this start, once, before anything is written."""
        if not self._has_epoch:
            await self._core.db.write(begin_epoch, self._core.clock())
            self._has_epoch = True

    async def find_session(self, key: SessionKey, now: int) -> str | None:
        """A session that this device was given within the hour and that still opens the door."""
        secret, at = self._sessions.get(key, ("", 0))
        if not secret or now - at > HOUR:
            return None
        caller = await self._core.auth.identify_session(secret, now, key[4])
        return secret if caller is not None and caller.user_id == key[0] else None

    def keep_session(self, key: SessionKey, secret: str, now: int) -> None:
        """Remember a session for the next log-in of the same device."""
        self._sessions[key] = (secret, now)
        self._sessions.move_to_end(key)
        if len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)

    def list_locks(self, caller: Caller, now: int) -> list[Lock]:
        """The locks of one person that hold."""
        found = self._locks.get(caller.user_id, {})
        for lock in [lock for lock in found.values() if now - lock.at > LOCK_MS]:
            del found[lock.id]
        return list(found.values())

    def take_lock(self, caller: Caller, wanted: Lock, now: int) -> Lock:
        """Take a lock or refresh one's own. Raises Conflict with the code that clients know."""
        held = self.list_locks(caller, now)
        others = [lock for lock in held if lock.type == EXCLUSIVE and lock.id != wanted.id]
        if others:
            raise Conflict("Another device is changing the whole of the notes.", code="hasExclusiveLock")
        me = (wanted.client_type, wanted.client_id)
        sharing = [lock for lock in held if lock.type == SHARED]
        if wanted.type == EXCLUSIVE and any((lock.client_type, lock.client_id) != me for lock in sharing):
            raise Conflict("Another device is synchronising.", code="hasSyncLock")
        mine = self._locks.setdefault(caller.user_id, {})
        if wanted.type == EXCLUSIVE:
            for lock in sharing:
                del mine[lock.id]
        if len(mine) >= MAX_LOCKS and wanted.id not in mine:
            raise Conflict("Too many devices hold a lock.", code="hasSyncLock")
        mine[wanted.id] = wanted
        self._locks.move_to_end(caller.user_id)
        if len(self._locks) > MAX_PEOPLE:
            self._locks.popitem(last=False)
        return wanted

    def release_lock(self, caller: Caller, id: str) -> None:
        """Let a lock go, whether it is held or not."""
        self._locks.get(caller.user_id, {}).pop(id, None)


async def joplin_of(core: Core) -> Joplin:
    """The one Joplin of this program; commands that start no engines get one, too."""
    found: Any = core.engines.get(Joplin)
    if found is None:
        found = Joplin(core)
        core.add(found)
    engine: Joplin = found
    await engine.begin()
    return engine


@asynccontextmanager
async def run(core: Core) -> AsyncIterator[None]:
    """The epoch of this start begins before the doors open."""
    await joplin_of(core)
    yield
