"""Credentials that were shown a moment ago: a thousand requests with one token are one look into the file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import msgspec
from sqlalchemy import Connection

from fazt.core.auth.model import Credential
from fazt.core.auth.store.changes import CHANGED
from fazt.core.clock import MINUTE
from fazt.core.db import Database

MOST = 4_096

Find = Callable[[Connection, bytes, int], Credential | None]
"""find_token or find_session."""


class Known:
    """What a digest stands for, by what it was found with; for a minute, and never beyond a change.

    Whatever changes people, tokens or sessions says so in its transaction. All is forgotten on the loop after that
    commit and before whoever asked for the change is answered, so that what was revoked opens no door any more.
    A look that was under way meanwhile is not kept.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._found: OrderedDict[tuple[Find, bytes], tuple[Credential, int]] = OrderedDict()
        self._changes = 0
        self.close = db.watch(CHANGED, self.forget)

    def forget(self) -> None:
        """Look everything up anew, also what is being looked up at this moment."""
        self._changes += 1
        self._found.clear()

    async def find(self, find: Find, digest: bytes, now: int) -> Credential | None:
        """The credential with this digest, while it lasts."""
        kept = self.recall(find, digest, now)
        if kept is not None:
            return kept
        changes = self._changes
        found = await self._db.point(find, digest, now)
        if found is not None and changes == self._changes:
            self._keep((find, digest), found, now)
        return found

    def recall(self, find: Find, digest: bytes, now: int) -> Credential | None:
        """As `find`, of what is remembered; None where it has to be looked up."""
        kept = self._found.get((find, digest))
        if kept is None:
            return None
        credential, at = kept
        is_good = 0 <= now - at < MINUTE and (credential.expires_at is None or credential.expires_at > now)
        return credential if is_good else None

    def _keep(self, key: tuple[Find, bytes], found: Credential, now: int) -> None:
        """Whoever gets it now has noted that it was seen, so it counts as seen."""
        seen_at = now if now - found.seen_at >= MINUTE else found.seen_at
        self._found[key] = (msgspec.structs.replace(found, seen_at=seen_at), now)
        self._found.move_to_end(key)
        if len(self._found) > MOST:
            self._found.popitem(last=False)
