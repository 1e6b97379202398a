"""Callers who stay: whoever keeps an answer open hears when the credentials that opened it have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import islice

from fazt.core.auth.model import Caller
from fazt.core.auth.store.changes import CHANGED
from fazt.core.auth.store.standing import Basis, find_standing
from fazt.core.clock import Clock
from fazt.core.db import Database
from fazt.core.errors import FaztError
from fazt.core.log import get_logger

GATHER_S = 0.05
"""Changes that follow each other so closely are one look."""

LATELY_S = 10.0
"""Who was identified before a change and stays from after it on is looked at, too."""

CHECK_S = 60.0
"""How often those are looked for whose time is over, of which nobody tells."""

RETRY_S = 1.0
AT_ONCE = 500

Key = tuple[Basis, str]
log = get_logger(__name__)


class Follower:
    """Somebody who stays. `password` says which password they came with, if they came with one."""

    __slots__ = ("ended", "password")

    def __init__(self, ended: Callable[[], None], password: str) -> None:
        self.ended = ended
        self.password = password


class Standing:
    """Looks at all who stay after each change of people, tokens or sessions: one statement for hundreds of them."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._followers: dict[Key, dict[Follower, None]] = {}
        self._is_due = False
        self._changed_at = -LATELY_S
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stop = db.watch(CHANGED, self._note_change)

    async def close(self) -> None:
        """Nobody is told any more."""
        self._stop()
        self._followers.clear()
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def follow(self, caller: Caller, ended: Callable[[], None]) -> Callable[[], None]:
        """Call `ended()` once, when what this caller came with is good no longer; what is given back ends that.

        Who sits at this machine always stands.
        """
        key = key_of(caller)
        if key is None:
            return do_nothing
        follower = Follower(ended, caller.credential_id if caller.kind == "password" else "")
        self._followers.setdefault(key, {})[follower] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CHECK_S, self._check_again)
        if asyncio.get_running_loop().time() - self._changed_at < LATELY_S:
            self._look()

        def leave() -> None:
            others = self._followers.get(key)
            if others is not None:
                others.pop(follower, None)
                if not others:
                    del self._followers[key]

        return leave

    def _note_change(self) -> None:
        self._changed_at = asyncio.get_running_loop().time()
        self._look()

    def _check_again(self) -> None:
        self._timer = None
        if self._followers:
            self._timer = asyncio.get_running_loop().call_later(CHECK_S, self._check_again)
            self._look()

    def _look(self) -> None:
        self._is_due = True
        if self._task is None and self._followers:
            self._task = asyncio.get_running_loop().create_task(self._look_until_done(), name="fazt standing")

    async def _look_until_done(self) -> None:
        try:
            while self._is_due:
                await asyncio.sleep(GATHER_S)
                self._is_due = False
                await self._look_at_all()
        except FaztError as error:
            log.warning("who stays cannot be looked at just now: %s", error)
            asyncio.get_running_loop().call_later(RETRY_S, self._look)
        finally:
            self._task = None

    async def _look_at_all(self) -> None:
        keys = iter(tuple(self._followers))
        while some := tuple(islice(keys, AT_ONCE)):
            standing = await self._db.read(find_standing, some, self._clock())
            for key in some:
                self._tell(key, standing.get(key))

    def _tell(self, key: Key, changed_at: int | None) -> None:
        """Those of one key who stand no longer. `changed_at` is None where the key is gone."""
        for follower in tuple(self._followers.get(key, ())):
            others = self._followers.get(key, {})
            if follower not in others:
                continue  # whoever was told before took this one along
            if changed_at is None or (follower.password and follower.password != str(changed_at)):
                others.pop(follower)
                follower.ended()
        if not self._followers.get(key, True):
            del self._followers[key]


def key_of(caller: Caller) -> Key | None:
    """What a caller stands on; None for who sits at this machine."""
    if caller.kind == "local":
        return None
    if caller.kind == "session":
        return "session", caller.credential_id
    if caller.kind in {"token", "app"}:
        return "token", caller.credential_id
    return "person", caller.user_id


def do_nothing() -> None:
    """There is nothing to leave."""
