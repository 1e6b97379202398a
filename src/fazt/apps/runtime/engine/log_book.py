"""What code says, on its way into the file: gathered for a moment, then written together."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from fazt.apps.runtime.store import logs
from fazt.core.errors import FaztError
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

FLUSH_S = 0.2
MAX_WAITING = 5_000
BURST, RATE = 2_000.0, 100.0
"""Lines that a site may say at once, and then each second; what is more is counted, not kept."""
CALM = 50
MAX_TEXT = 16_384
PRUNE_EVERY = 1_000

log = get_logger(__name__)


class Bucket:
    """How many lines a site may still say."""

    __slots__ = ("at", "dropped", "left", "since_prune")

    def __init__(self, now: float) -> None:
        self.at = now
        self.left = BURST
        self.dropped = 0
        self.since_prune = 0

    def take(self, now: float) -> bool:
        """Whether one more line may be said."""
        self.left = min(BURST, self.left + (now - self.at) * RATE)
        self.at = now
        if self.left < 1:
            self.dropped += 1
            return False
        self.left -= 1
        return True


class LogBook:
    """Takes lines at any speed, and keeps as many as are allowed."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._waiting: list[logs.NewLine] = []
        self._buckets: dict[int, Bucket] = {}
        self._woken = asyncio.Event()

    def tell(self, site_id: int, text: str, run: str = "") -> None:
        """One line by the program itself, which is always kept."""
        self._waiting.append((site_id, self._core.clock(), "error", text[:MAX_TEXT].replace("\0", ""), run))
        self._woken.set()

    def add(self, site_id: int, level: str, text: str, run: str = "") -> None:
        """One line that the code said."""
        now = asyncio.get_running_loop().time()
        bucket = self._buckets.get(site_id)
        if bucket is None:
            bucket = self._buckets[site_id] = Bucket(now)
        if len(self._waiting) >= MAX_WAITING or not bucket.take(now):
            return
        if bucket.dropped and bucket.left > CALM:
            said = f"{bucket.dropped:,} lines were left out, since there were too many at once."
            self._waiting.append((site_id, self._core.clock(), "warn", said, ""))
            bucket.dropped = 0
        level = level if level in {"debug", "info", "warn", "error"} else "info"
        text = text[:MAX_TEXT].replace("\0", "\ufffd").encode(errors="replace").decode()
        self._waiting.append((site_id, self._core.clock(), level, text, run[:40].replace("\0", "")))
        bucket.since_prune += 1
        self._woken.set()

    async def run(self) -> None:
        """Write what comes, until cancelled; then write the rest."""
        try:
            while True:
                await self._woken.wait()
                await asyncio.sleep(FLUSH_S)
                self._woken.clear()
                await self.flush()
        except asyncio.CancelledError:
            with suppress(FaztError):
                await self.flush()
            raise

    async def flush(self) -> None:
        """Write what waits. Where the disk is full the lines are lost, and the program's own log says so."""
        lines, self._waiting = self._waiting, []
        if not lines:
            return
        try:
            await self._core.db.write(logs.add_lines, lines)
            await self._prune()
        except FaztError as error:
            log.warning("%d lines of functions' logs are lost: %s", len(lines), error)

    async def _prune(self) -> None:
        """Keep as many lines of each site as the owner wants to see."""
        for site_id, bucket in self._buckets.items():
            if bucket.since_prune >= PRUNE_EVERY:
                bucket.since_prune = 0
                await self._core.db.write(logs.prune_lines, site_id, self._core.settings.get("runtime.log_lines_kept"))
