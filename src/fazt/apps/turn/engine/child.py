"""The relay's process as the program sees it: started, told, listened to, and started again when it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from fazt.apps.turn.model import Figures, Orders, Ready, Report
from fazt.core.log import get_logger

log = get_logger(__name__)

MODULE = "fazt.apps.turn.engine.process"
RESTART_S = (0.2, 1.0, 5.0, 15.0, 60.0)
STEADY_S = 60.0
STOP_S = 5.0
MAX_LINE = 1 << 20
# What the child needs of the environment; the rest may hold secrets that are none of its business.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_REPORT = msgspec.json.Decoder(Report)


class RelayChild:
    """`make_orders` is asked before each start; `on_figures` is called about once a second."""

    def __init__(self, make_orders: Callable[[], Awaitable[Orders]], on_figures: Callable[[Figures], object]) -> None:
        self.ready: Ready | None = None
        self.figures = Figures()
        self.restarts = 0
        self.problem = ""
        self._make_orders = make_orders
        self._on_figures = on_figures
        self._process: asyncio.subprocess.Process | None = None
        self._settled = asyncio.Event()
        self._port = 0

    async def run(self) -> None:
        """Keep the relay running until cancelled."""
        attempt = 0
        try:
            while True:
                started = asyncio.get_running_loop().time()
                await self._run_once()
                if asyncio.get_running_loop().time() - started > STEADY_S:
                    attempt = 0
                pause = RESTART_S[min(attempt, len(RESTART_S) - 1)]
                attempt += 1
                self.restarts += 1
                log.warning("the relay ended; it starts again in %s s", pause)
                await asyncio.sleep(pause)
        finally:
            await self._stop()

    async def wait_until_ready(self, timeout_s: float) -> bool:
        """Whether it listens: known once it does, once it has ended, or when the time is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), timeout_s)
        return self.ready is not None

    async def refresh(self) -> None:
        """Tell the running relay what has changed: secrets, settings, certificate."""
        if self._process is not None and self.ready is not None:
            await self._tell(self._process, await self._make_orders())

    async def _run_once(self) -> None:
        orders = await self._make_orders()
        if self._port and not orders.port:  # the system chose one, and clients know it by now
            orders = msgspec.structs.replace(orders, port=self._port)
        self._process = process = await asyncio.create_subprocess_exec(
            *command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        )
        await self._tell(process, orders)
        assert process.stdout is not None
        while line := await process.stdout.readline():
            self._take(_REPORT.decode(line))
        await process.wait()
        self.ready = None
        self._settled.set()

    async def _tell(self, process: asyncio.subprocess.Process, orders: Orders) -> None:
        assert process.stdin is not None
        with suppress(ConnectionError):  # it has ended; `run` sees that by its silence
            process.stdin.write(msgspec.json.encode(orders) + b"\n")
            await process.stdin.drain()

    def _take(self, report: Report) -> None:
        if isinstance(report, Figures):
            self.figures = report
            self._on_figures(report)
        elif isinstance(report, Ready):
            if self.ready is None:
                log.info("the relay listens at %s port %d", ", ".join(report.addresses), report.port)
            self.ready, self._port, self.problem = report, report.port, ""
            self._settled.set()
        else:
            if report.level == "error":
                self.problem = report.text
            log.log(logging.getLevelNamesMapping()[report.level.upper()], "%s", report.text)

    async def _stop(self) -> None:
        """The end of its input is the end of the relay."""
        process = self._process
        if process is None or process.returncode is not None or process.stdin is None:
            return
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def command() -> list[str]:
    """How the relay is started. A frozen program has no `-m`, but itself."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "turn", "relay"]
    return [sys.executable, "-m", MODULE]
