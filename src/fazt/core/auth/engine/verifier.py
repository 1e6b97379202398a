"""Is this the right password? Asked a thousand times, it costs one hash; asked wrongly, ever more patience."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fazt.core.auth import store
from fazt.core.auth.engine.hashing import Hasher
from fazt.core.auth.engine.throttle import Throttle
from fazt.core.auth.model import Account, networks_of, normalize_login
from fazt.core.auth.model.rules import EMAIL_MAX
from fazt.core.clock import MINUTE, SECOND
from fazt.core.db import Database
from fazt.core.errors import TooMany

CACHED_FOR = 5 * MINUTE
CACHED_MOST = 4_096
LANE_MOST_WAITING = 64
MOST_SLOWED = 256

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found about one login and password: right or not for the hash that the account had then."""

    is_right: bool
    hashed: str | None
    at: int

    def holds(self, hashed: str | None, now: int) -> bool:
        """Whether this is still so: what was wrong for a hash is wrong for ever, what was right is for a while."""
        return self.hashed == hashed and (not self.is_right or now - self.at < CACHED_FOR)


@dataclass(slots=True)
class Lane:
    """The tries from one place, one after the other."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Verifier:
    """Verifies account passwords.

    Verdicts are kept under an HMAC of login and password with a key of this process, so that memory holds
    nothing to guess against. Each names the hash it was found for and counts only while the account
    has that one: a changed password, a suspension or a deletion ends it in that instant, whoever
    made it, without anybody having to be told. Wrong ones are kept as well, apart from the right ones: a
    device that goes on sending an old password costs nothing, and is no guesser who gets everybody behind
    its address refused.
    """

    def __init__(self, db: Database, hasher: Hasher, throttle: Throttle, sleep: Sleep = asyncio.sleep) -> None:
        self._db = db
        self._hasher = hasher
        self._throttle = throttle
        self._sleep = sleep
        self._key = os.urandom(32)
        self._right: OrderedDict[bytes, Verdict] = OrderedDict()
        self._wrong: OrderedDict[bytes, Verdict] = OrderedDict()
        self._running: dict[tuple[bytes, str | None], asyncio.Task[Verdict]] = {}
        self._lanes: dict[str, Lane] = {}
        self._slowed = 0

    async def verify(self, account: Account | None, login: str, password: str, address: str, now: int) -> str | None:
        """The account's password hash that `password` was found right for, or None.

        `account` None (nobody of this login, or a closed account) takes as long as a wrong password. Raises
        TooMany with `retry_after` while this place or account is refused.
        """
        hashed = account.password_hash if account else None
        key = self._key_of(login, password)
        verdict = self._recall(key, hashed, now)
        if verdict is None:
            task = self._running.get((key, hashed))
            if task is None:
                task = self._start(key, account, login, password, address, now)
            verdict = await asyncio.shield(task)
        return verdict.hashed if verdict.is_right else None

    def _recall(self, key: bytes, hashed: str | None, now: int) -> Verdict | None:
        for table in (self._right, self._wrong):
            verdict = table.get(key)
            if verdict is not None and verdict.holds(hashed, now):
                table.move_to_end(key)
                return verdict
        return None

    def _start(
        self, key: bytes, account: Account | None, login: str, password: str, address: str, now: int
    ) -> asyncio.Task[Verdict]:
        """One hash for all who ask the same meanwhile, also when the first of them has hung up."""
        run = (key, account.password_hash if account else None)
        name = normalize_login(login) or login[:EMAIL_MAX]
        task = asyncio.create_task(self._find(account, name, password, address, now))
        self._running[run] = task

        def end(done: asyncio.Task[Verdict]) -> None:
            del self._running[run]
            if not done.cancelled() and done.exception() is None:
                self._keep(key, done.result())

        task.add_done_callback(end)
        return task

    def _keep(self, key: bytes, verdict: Verdict) -> None:
        table = self._right if verdict.is_right else self._wrong
        table[key] = verdict
        table.move_to_end(key)
        if len(table) > CACHED_MOST:
            table.popitem(last=False)

    async def close(self) -> None:
        """Stop what runs; who waits for it hears CancelledError."""
        running = tuple(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _key_of(self, login: str, password: str) -> bytes:
        text = f"{len(login)}:{login}{password}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, text, "sha256")

    async def _find(self, account: Account | None, login: str, password: str, address: str, now: int) -> Verdict:
        hashed = account.password_hash if account else None
        async with self._lane(networks_of(address)[0]):
            wait = self._throttle.admit(login, address, now)
            if wait:
                await self._sleep(wait / SECOND)
            is_right = await self._hasher.verify(hashed, password)
            slow = self._throttle.succeed(login, address) if is_right else self._throttle.fail(login, address, now)
        if is_right and account is not None and not account.user.has_totp:
            self._throttle.know(login, address, now)
        if slow:
            await self._slow_down(slow)
        if is_right and account is not None and hashed is not None and self._hasher.is_outdated(hashed):
            hashed = await self._rehash(account.user.id, hashed, password)
        return Verdict(is_right, hashed, now)

    async def _rehash(self, user_id: str, hashed: str, password: str) -> str:
        """The parameters have changed since: hash again while the password is at hand."""
        newer = await self._hasher.hash(password)
        return newer if await self._db.write(store.replace_hash, user_id, hashed, newer) else hashed

    async def _slow_down(self, ms: int) -> None:
        """Let a failed answer wait; when too many wait already, say so instead of holding more connections."""
        if self._slowed >= MOST_SLOWED:
            raise TooMany("Too many failed attempts.", hint="Try again in a moment.", retry_after=2)
        self._slowed += 1
        try:
            await self._sleep(ms / SECOND)
        finally:
            self._slowed -= 1

    @asynccontextmanager
    async def _lane(self, place: str) -> AsyncIterator[None]:
        """One try at a time from each place, or a thousand at once are all admitted before the first has failed."""
        lane = self._lanes.setdefault(place, Lane())
        if lane.users >= LANE_MOST_WAITING:
            raise TooMany("Too many attempts at once.", hint="Try again in a moment.", retry_after=2)
        lane.users += 1
        try:
            async with lane.lock:
                yield
        finally:
            lane.users -= 1
            if not lane.users:
                del self._lanes[place]
