"""When credentials were last seen: gathered here, written at most once a minute each, never waited for."""

from __future__ import annotations

import asyncio

from fazt.core.auth import store
from fazt.core.auth.model import Credential, coarse_address
from fazt.core.auth.store import Seen
from fazt.core.clock import MINUTE
from fazt.core.db import Database
from fazt.core.errors import FaztError
from fazt.core.log import get_logger

log = get_logger(__name__)


class SeenBook:
    """`note` is called at every request; one task at a time writes what is due."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._due: dict[str, Seen] = {}
        self._writing: dict[str, Seen] = {}
        self._task: asyncio.Task[None] | None = None
        self._not_before = 0

    def note(self, credential: Credential, address: str, now: int) -> None:
        """Have it written that this credential was shown, unless that stands there for this minute."""
        key = credential.caller.credential_id
        if now - credential.seen_at < MINUTE or now < self._not_before or key in self._due or key in self._writing:
            return
        place = coarse_address(address) if address else credential.address
        self._due[key] = Seen(credential.caller.kind == "session", key, now, place)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._write(now))

    async def _write(self, now: int) -> None:
        while self._due:
            self._writing, self._due = self._due, {}
            try:
                await self._db.write(store.note_seen, tuple(self._writing.values()))
            except FaztError as error:  # a full disk must not keep people from reading; "last seen" can wait
                log.warning("cannot write when credentials were last seen: %s", error)
                self._not_before = now + MINUTE
                self._due.clear()
            finally:
                self._writing = {}

    async def close(self) -> None:
        """Finish what is being written."""
        if self._task is not None:
            await self._task
