"""Works through what is due by the clock and by events, one run of a key after the other."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING

from fazt.apps.runtime.engine.codes import find_shown, request_path
from fazt.apps.runtime.engine.functions import Failed, Functions
from fazt.apps.runtime.model import Run
from fazt.apps.runtime.store import runs
from fazt.core.errors import FaztError
from fazt.core.jobs.model import delay_after_failure
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

SLOTS = 8
LONGEST_WAIT_S = 60.0
PAUSE_S = 1.0

log = get_logger(__name__)


class Runner:
    """The queue of runs at work."""

    def __init__(self, core: Core, functions: Functions) -> None:
        self._core = core
        self._functions = functions
        self._running: dict[asyncio.Task[None], Run] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look again for what is due."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled; what runs then waits again."""
        await self._core.db.write(runs.recover, now=self._core.clock())
        try:
            while True:
                self._woken.clear()
                try:
                    wait_s = await self._take()
                except Exception as error:  # a rim: runs go on when the database does
                    unforeseen = None if isinstance(error, FaztError) else error
                    log.warning("runs of functions wait %.1f s: %s", PAUSE_S, error, exc_info=unforeseen)
                    wait_s = PAUSE_S
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._woken.wait()
        finally:
            await self._stop()

    async def _take(self) -> float:
        """Start what is due, as far as there is room; how long there is nothing to do, in seconds."""
        now = self._core.clock()
        due = await self._core.db.read(runs.find_next)
        if due is not None and due <= now:
            for run in await self._core.db.write(runs.take_due, SLOTS - len(self._running), now=now):
                task = asyncio.create_task(self._work(run), name=f"fazt run {run.id}")
                self._running[task] = run
                task.add_done_callback(self._ended)
            if len(self._running) >= SLOTS:
                return LONGEST_WAIT_S
            due = await self._core.db.read(runs.find_next)
        wait_s = LONGEST_WAIT_S if due is None else (due - self._core.clock()) / 1_000
        return min(max(wait_s, 0.0), LONGEST_WAIT_S)

    def _ended(self, task: asyncio.Task[None]) -> None:
        run = self._running.pop(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("the end of run %d could not be kept", run.id, exc_info=error)
        self.wake()

    async def _work(self, run: Run) -> None:
        """One run, and how it went. It is done when that is on disk, and not before."""
        try:
            await self._call(run)
        except (Failed, FaztError) as error:
            await self._keep_failure(run, str(error))
            return
        while True:
            try:
                await self._core.db.write(runs.finish_run, run, now=self._core.clock())
                return
            except FaztError as error:
                log.warning("run %d went well; keeping that waits %.1f s: %s", run.id, PAUSE_S, error)
            await asyncio.sleep(PAUSE_S)

    async def _call(self, run: Run) -> None:
        code = await find_shown(self._functions, run.site_id)
        if code is None:
            raise Failed("The site has no code any more.")
        about = {**run.payload, "type": run.kind, "name": run.name, "attempt": run.attempts, "run": run.id}
        if run.kind == "scheduled" and run.payload["path"]:
            await request_path(self._functions, code, run.payload["path"], about)
        else:
            await self._functions.order(code, run.kind, about, run=f"run {run.id}")

    async def _keep_failure(self, run: Run, error: str) -> None:
        now = self._core.clock()
        retry_at = now + delay_after_failure(run.attempts, random.random())  # noqa: S311 - spreads retries
        state = await self._core.db.write(runs.fail_run, run, error, now=now, retry_at=retry_at)
        what = "was given up" if state == "dead" else "will be tried again"
        self._functions.book.add(
            run.site_id, "error", f"{run.kind} {run.name} failed and {what}: {error}", f"run {run.id}"
        )

    async def _stop(self) -> None:
        tasks = dict(self._running)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
            with suppress(FaztError):
                await self._core.db.write(runs.give_back, list(tasks.values()))
