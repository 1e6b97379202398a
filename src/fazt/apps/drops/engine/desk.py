"""What is known only while the program runs: who downloads now, who may go on, which request fills which upload."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fazt.apps.drops import store
from fazt.core.clock import HOUR, SECOND
from fazt.core.errors import Locked
from fazt.core.ids import encode_base32

if TYPE_CHECKING:
    from fazt.core import Core

GRANT_MS = HOUR
LINGER_MS = 20 * SECOND
MAX_GRANTS = 10_000
TAKE_OVER_S = 20.0


@dataclass(slots=True)
class Download:
    """One answer that is being sent. `who` is the browser and the neighbourhood it is in, for the drop's owner."""

    drop_id: str
    path: str
    size: int
    who: str
    started_at: int
    sent: int = 0
    number: int = field(default=0)


@dataclass(slots=True)
class Grant:
    """A counted download that broke off may be taken up again by whoever began it, where it broke off."""

    until: int
    reached: int


GrantKey = tuple[str, int, bytes]
"""Drop, file, and a hash of address and agent."""


class Desk:
    """One for each running program."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.downloads: dict[int, Download] = {}
        self._number = 0
        self._secret = b""
        self._grants: OrderedDict[GrantKey, Grant] = OrderedDict()
        self._filling: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}
        self._taken: set[asyncio.Task[None]] = set()
        self.on_idle: Callable[[], None] = lambda: None
        """Called when nobody reads a drop any more."""

    # --- secrets

    async def secret(self) -> bytes:
        """What owner tokens follow from; made when first asked for."""
        if not self._secret:
            found = await self.core.db.read(store.find_secret)
            self._secret = await self.core.db.write(store.ensure_secret, found or secrets.token_bytes(32))
        return self._secret

    async def owner_token(self, drop_id: str) -> str:
        """The token by which the sender of a drop may change and delete it: 160 bits, and kept nowhere."""
        mac = hmac.new(await self.secret(), f"owner {drop_id}".encode(), hashlib.sha256).digest()
        return encode_base32(int.from_bytes(mac[:20], "big"), 32)

    async def is_owner_token(self, drop_id: str, token: str) -> bool:
        """Whether this is that token."""
        return hmac.compare_digest((await self.owner_token(drop_id)).encode(), token.encode())

    async def visitor_of(self, place: str) -> str:
        """A stranger's place, in a form that tells nothing."""
        mac = hmac.new(await self.secret(), f"visitor {place}".encode(), hashlib.sha256)
        return mac.hexdigest()[:32]

    # --- downloads

    def begin(self, drop_id: str, path: str, size: int, who: str) -> Download:
        """Somebody downloads; `end` it."""
        self._number += 1
        found = Download(drop_id, path, size, who, self.core.clock(), number=self._number)
        self.downloads[found.number] = found
        return found

    def end(self, download: Download) -> None:
        """It is over, whole or not."""
        self.downloads.pop(download.number, None)
        if not any(other.drop_id == download.drop_id for other in self.downloads.values()):
            self.on_idle()

    def busy(self) -> set[str]:
        """Drops that are being read, or that somebody may still go on with."""
        now = self.core.clock()
        for key in [key for key, grant in self._grants.items() if grant.until <= now]:
            del self._grants[key]
        return {download.drop_id for download in self.downloads.values()} | {key[0] for key in self._grants}

    def reading(self) -> set[str]:
        """Drops that are being read at this moment."""
        return {download.drop_id for download in self.downloads.values()}

    def next_free(self) -> int | None:
        """The next moment at which a grant ends."""
        return min((grant.until for grant in self._grants.values()), default=None)

    def grant(self, key: GrantKey) -> None:
        """A counted download has begun."""
        self._grants[key] = Grant(self.core.clock() + GRANT_MS, 0)
        if len(self._grants) > MAX_GRANTS:
            self._grants.popitem(last=False)

    def may_begin_again(self, key: GrantKey) -> bool:
        """Whether a counted download of the whole, which has no ranges, broke off before its end."""
        found = self._grants.get(key)
        return found is not None and found.until > self.core.clock()

    def may_go_on(self, key: GrantKey, start: int) -> bool:
        """Whether a request that begins at byte `start` goes on with a download that was counted already."""
        found = self._grants.get(key)
        return found is not None and 0 < start <= found.reached and found.until > self.core.clock()

    def note_reached(self, key: GrantKey, reached: int, size: int) -> None:
        """So far it was sent. At the end nobody needs to go on, but for the last bytes that got lost on the way."""
        found = self._grants.get(key)
        if found is not None:
            found.reached = max(found.reached, reached)
            found.until = self.core.clock() + (GRANT_MS if found.reached < size else LINGER_MS)

    # --- uploads

    async def take_over(self, upload_id: str) -> None:
        """End the request that fills this upload, if any: its client has come back on another connection.

        A connection that was cut may look alive from here for minutes. Raises Locked where it does not end.
        """
        if upload_id not in self._filling:
            return
        task, over = self._filling[upload_id]
        self._taken.add(task)
        task.cancel()
        try:
            await asyncio.wait_for(over.wait(), TAKE_OVER_S)
        except TimeoutError as error:
            raise Locked("Bytes of this upload are coming in on another connection.") from error

    @asynccontextmanager
    async def filling(self, upload_id: str) -> AsyncIterator[None]:
        """This task fills the upload, alone. Raises Locked where another does, and when `take_over` ends it."""
        if upload_id in self._filling:
            raise Locked("Bytes of this upload are coming in on another connection.")
        task = asyncio.current_task()
        assert task is not None
        over = asyncio.Event()
        self._filling[upload_id] = task, over
        try:
            yield
        except asyncio.CancelledError as error:
            if task not in self._taken:
                raise
            task.uncancel()
            raise Locked("Another connection went on with this upload.") from error
        finally:
            self._taken.discard(task)
            del self._filling[upload_id]
            over.set()


def get_desk(core: Core) -> Desk:
    """The desk of this program, made when first asked for: commands without a server have one, too."""
    if Desk not in core.engines:
        core.add(Desk(core))
    return core.get(Desk)
