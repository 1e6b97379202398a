"""Takes what is due out of the queue and runs it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Concatenate

from prometheus_client import Counter
from sqlalchemy import Connection

from fazt.core.clock import MINUTE
from fazt.core.errors import FaztError, OverQuota, Unavailable
from fazt.core.jobs import store
from fazt.core.jobs.model import BACKOFF_CAP, JobEntry, delay_after_failure
from fazt.core.log import get_logger, request_id
from fazt.core.metrics import REGISTRY

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Job

SLOTS = 8
GRACE_S = 5.0
LONGEST_WAIT = 1 * MINUTE
"""How long the engine sleeps at most, since the clock may jump."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0

RUNS = Counter("fazt_jobs", "Runs of jobs.", ("name", "outcome"), registry=REGISTRY)

OnDead = Callable[Concatenate[Connection, JobEntry, ...], None]

log = get_logger(__name__)


class Jobs:
    """The queue at work. `jobs` are all kinds there are; `on_dead(conn, entry, now=…)` hears of those given up.

    Entries whose name is not among `jobs` (their app is gone) stay as they are, to be seen.
    """

    def __init__(
        self, jobs: Iterable[Job], *, on_dead: OnDead | None = None, slots: int = SLOTS, grace_s: float = GRACE_S
    ) -> None:
        self.kinds: Mapping[str, Job] = {job.name: job for job in jobs}
        self._on_dead = on_dead
        self._slots = slots
        self._grace_s = grace_s
        self._names = tuple(self.kinds)
        self._schedules = {job.name: job.cron for job in self.kinds.values() if job.cron}
        self._running: dict[asyncio.Task[None], JobEntry] = {}
        self._woken = asyncio.Event()
        self._latest = 0

    @asynccontextmanager
    async def run(self, core: Core) -> AsyncIterator[None]:
        """Work inside the block. At its end nothing new is taken, what runs gets a few seconds and then waits again.

        Raises Invalid where a job's schedule makes no sense.
        """
        self._latest = core.clock()
        await core.db.write(start, self._schedules, now=self._latest)
        stop_watching = core.db.watch(store.SIGNAL, self.wake)
        taker = asyncio.create_task(self._take_forever(core), name="fazt jobs")
        try:
            yield
        finally:
            stop_watching()
            taker.cancel()
            await asyncio.wait([taker])
            await self._stop(core)

    def wake(self) -> None:
        """Look again for what is due; done by itself after each commit that queued something."""
        self._woken.set()

    async def _take_forever(self, core: Core) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            self._woken.clear()
            try:
                wait_s = await self._take(core)
                pause_s = FIRST_PAUSE_S
            except Exception as error:  # a rim: the queue goes on when the database does
                unforeseen = None if isinstance(error, FaztError) else error
                log.warning("the queue stands still for %.1f s: %s", pause_s, error, exc_info=unforeseen)
                wait_s, pause_s = pause_s, min(LONGEST_PAUSE_S, pause_s * 2)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._woken.wait()

    async def _take(self, core: Core) -> float:
        """Start what is due, as far as slots are free; how long there is nothing to do, in seconds."""
        now = core.clock()
        if now < self._latest:
            await core.db.write(mend_clock, self._schedules, now=now)
        self._latest = now
        free = self._slots - len(self._running)
        if not free:
            return LONGEST_WAIT / 1_000
        due = await core.db.read(find_due, self._names)
        if due is not None and due <= now:
            for entry in await core.db.write(take, self._names, free, now=now):
                self._start(core, entry)
            due = await core.db.read(find_due, self._names) if len(self._running) < self._slots else None
        wait = LONGEST_WAIT if due is None else due - core.clock()
        return min(max(wait, 0), LONGEST_WAIT) / 1_000

    def _start(self, core: Core, entry: JobEntry) -> None:
        task = asyncio.create_task(self._work(core, entry), name=f"fazt job {entry.id} {entry.name}")
        self._running[task] = entry
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        entry = self._running.pop(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("the end of job %d %s could not be kept", entry.id, entry.name, exc_info=error)
        self.wake()

    async def _work(self, core: Core, entry: JobEntry) -> None:
        """Run it, and keep how it went."""
        request_id.set(f"job {entry.id}")
        error = await self._run_once(core, entry)
        RUNS.labels(entry.name, "failed" if error else "done").inc()
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self._keep(core, entry, error)
                return
            except (OverQuota, Unavailable) as trouble:
                log.warning("job %d %s ended; keeping that waits %.1f s: %s", entry.id, entry.name, pause_s, trouble)
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)

    async def _run_once(self, core: Core, entry: JobEntry) -> BaseException | None:
        """What it raised, or None. Is cancelled itself only where the engine stops."""
        job = self.kinds[entry.name]
        limit = asyncio.timeout(job.timeout_s)
        try:
            async with limit:
                await job.run(core, entry.payload)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return error
        except Exception as error:  # noqa: BLE001 - a rim: the queue keeps it and tries again
            if limit.expired():
                return Unavailable(f"It was stopped after {job.timeout_s:g} s.")
            return error
        return None

    async def _keep(self, core: Core, entry: JobEntry, error: BaseException | None) -> None:
        now = core.clock()
        if error is None:
            await core.db.write(keep_success, entry, now=now)
            return
        told = describe(error)
        tries = self.kinds[entry.name].max_attempts
        unforeseen = None if isinstance(error, FaztError) else error
        log.warning("%s failed (%d of %d): %s", entry.name, entry.attempts, tries, told, exc_info=unforeseen)
        if entry.attempts >= tries:
            await core.db.write(keep_death, entry, told, self._on_dead, now=now)
        else:
            await core.db.write(keep_failure, entry, told, run_at=now + delay_after(error, entry.attempts), now=now)

    async def _stop(self, core: Core) -> None:
        """Let what runs end by itself, then by force, and queue the latter again."""
        if not self._running:
            return
        running = dict(self._running)
        _, late = await asyncio.wait(running, timeout=self._grace_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=self._grace_s)
            try:
                await core.db.write(keep_interruption, [running[task] for task in late])
            except FaztError as error:
                log.warning("%d jobs were interrupted, which the next start mends: %s", len(late), error)


def start(conn: Connection, schedules: Mapping[str, str], *, now: int) -> None:
    """Make the queue ready after a stop of whatever kind."""
    store.recover(conn, now=now)
    mend_clock(conn, schedules, now=now)


def mend_clock(conn: Connection, schedules: Mapping[str, str], *, now: int) -> None:
    """Bring times that a wrong clock has set too far ahead back to where they can be."""
    store.put_crons(conn, schedules, now=now)
    store.mend_times(conn, now + BACKOFF_CAP)


def find_due(conn: Connection, names: tuple[str, ...]) -> int | None:
    """When there is next something to take (ms)."""
    times = (store.find_next_due(conn, names), store.find_next_cron(conn, names))
    return min((at for at in times if at is not None), default=None)


def take(conn: Connection, names: tuple[str, ...], limit: int, *, now: int) -> list[JobEntry]:
    """What to run now, of the queue and of the clock."""
    store.queue_due_crons(conn, names, now=now)
    return store.take_due(conn, names, limit, now=now)


def keep_success(conn: Connection, entry: JobEntry, *, now: int) -> None:
    """It went well."""
    store.finish(conn, entry)
    store.note_run(conn, entry, error="", now=now)


def keep_failure(conn: Connection, entry: JobEntry, error: str, *, run_at: int, now: int) -> None:
    """It will be tried again."""
    store.fail(conn, entry, error, run_at=run_at)
    store.note_run(conn, entry, error=error, now=now)


def keep_death(conn: Connection, entry: JobEntry, error: str, on_dead: OnDead | None, *, now: int) -> None:
    """It is given up."""
    is_dead = store.give_up(conn, entry, error)
    store.note_run(conn, entry, error=error, now=now)
    if is_dead and on_dead is not None:
        on_dead(conn, store.get_job(conn, entry.id), now=now)


def keep_interruption(conn: Connection, entries: list[JobEntry]) -> None:
    """They were stopped and wait again."""
    for entry in entries:
        store.give_back(conn, entry)


def delay_after(error: BaseException, attempts: int) -> int:
    """How long to wait (ms): as the error says (`retry_after`, in seconds), at least what back-off says."""
    delay = delay_after_failure(attempts, random.random())  # noqa: S311 - spreads retries, is no secret
    asked = error.details.get("retry_after") if isinstance(error, FaztError) else None
    return max(delay, int(asked * 1_000)) if isinstance(asked, int | float) else delay


def describe(error: BaseException) -> str:
    """One line for whoever looks at the queue."""
    if isinstance(error, FaztError):
        return error.message
    return f"{type(error).__name__}: {error}".removesuffix(": ")
