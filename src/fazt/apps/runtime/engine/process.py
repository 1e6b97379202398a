"""One function process: from its start to its end, with all that watches it."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

import msgspec

from fazt.apps.runtime.engine.exchange import Broken, Exchange, Heads
from fazt.apps.runtime.engine.folders import Loaded
from fazt.apps.runtime.engine.shell import READ_BYTES, Shell
from fazt.apps.runtime.model import Limits
from fazt.apps.runtime.wire.frames import Frame, FrameReader, encode
from fazt.core.errors import FaztError
from fazt.core.http.protocol import UNTRUSTED
from fazt.core.ids import new_secret
from fazt.core.log import get_logger

START_S = 20.0
MAX_CALLS = 256
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
REFILL = 0.25
"""Processor time, in seconds a second, that a process may use besides what its runs may."""
LONGEST_LINE = 16_384

log = get_logger(__name__)

Answerer = Callable[[Frame], Awaitable[bytes]]


class Voice(NamedTuple):
    """Where a process is heard: `say(level, text, run)` for its code, `tell(text)` for the program's words on it."""

    say: Callable[[str, str, str], None]
    tell: Callable[[str], None]


class NotStarted(Exception):
    """The code could not be loaded; `args[0]` says why, for whoever wrote it."""


class Process:
    """A process of one version of a site. `answer` serves its calls; `voice` keeps its log."""

    def __init__(self, shell: Shell, loaded: Loaded, limits: Limits, answer: Answerer, voice: Voice) -> None:
        self.shell, self.loaded, self.limits = shell, loaded, limits
        self.version = 0
        self.secret = new_secret()
        self.handlers: frozenset[str] = frozenset()
        self.in_flight = 0
        self.is_stale = False
        """Whether new requests go elsewhere: it answers what it has begun, and is stopped then."""
        self.end_reason = ""
        self.used_at = 0.0
        self.used_mb = 0
        self.debt_s = 0.0
        self.exchanges: set[Exchange] = set()
        self._answer, self._say, self._tell = answer, voice.say, voice.tell
        self._free: deque[Exchange] = deque()
        self._heads: Heads = {}
        self._loop = asyncio.get_running_loop()
        self._bridge: asyncio.StreamWriter | None = None
        self._ready: asyncio.Future[None] = self._loop.create_future()
        self._pending = 0
        self._calls = asyncio.Semaphore(MAX_CALLS)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._cpu_s = 0.0
        self._seen_at = 0.0
        self._ping = 0
        self._ping_cpu_s: float | None = None

    @property
    def pid(self) -> int:
        """Its number."""
        return self.shell.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.shell.is_alive and not self.end_reason

    def is_usable(self, version: int) -> bool:
        """Whether a request for this version may go here."""
        return self.is_alive and not self.is_stale and self.version == version

    @property
    def is_idle(self) -> bool:
        """Whether nothing is going on in it."""
        return not self.in_flight and self._pending <= 0

    # --- beginning and end

    async def start(self, config: dict[str, Any]) -> None:
        """Load the code. Raises NotStarted."""
        self.used_at = self._seen_at = self._loop.time()
        config = {"main": self.loaded.main, "form": self.loaded.form, "secret": self.secret, **config}
        try:
            self._begin(self._read_output())
            self._begin(self._read_bridge(config))
            async with asyncio.timeout(START_S):
                await asyncio.shield(self._ready)
        except TimeoutError as error:
            await self.stop("it took too long to load")
            raise NotStarted(f"The code was not loaded after {START_S:g} s.") from error
        except BaseException:
            await self.stop("it could not be loaded")
            raise

    def _begin(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self, reason: str) -> None:
        """Kill it and wait for its end; open requests hear `reason`."""
        self.kill(reason)
        await self.shell.stop()
        current = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not current]
        if tasks:
            await asyncio.wait(tasks, timeout=1)  # what it said last is still being read
        for task in tasks:
            task.cancel()

    def kill(self, reason: str) -> None:
        """End it at once."""
        self.end_reason = self.end_reason or reason
        self.shell.kill()
        if not self._ready.done():
            self._ready.set_exception(NotStarted(f"The process ended: {reason}."))
            self._ready.exception()  # whoever started it may have gone
        for exchange in tuple(self.exchanges):
            exchange.close(self.end_reason)

    async def _read_output(self) -> None:
        """What it writes past the console goes into its log, too; its end is noticed here."""
        process = self.shell.process
        assert process is not None
        assert process.stdout is not None
        rest = b""
        said = 0
        while data := await process.stdout.read(READ_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[-LONGEST_LINE:]
            for line in lines:
                said += 1
                if said <= self.limits.log_lines:
                    self._say("warn", line[:LONGEST_LINE].decode(errors="replace"), "")
        code = await process.wait()
        UNTRUSTED.discard(process.pid)
        if not self.end_reason:
            reason = "its memory was used up" if code in {-5, -6, -11, 133, 134} else f"it ended by itself ({code})"
            self._tell(f"The process was replaced: {reason}.")
            self.kill(reason)

    # --- the bridge

    async def _read_bridge(self, config: dict[str, Any]) -> None:
        reader, self._bridge = await self.shell.bridge
        self._bridge.write(encode({"config": config}))
        frames = FrameReader()
        try:
            while data := await reader.read(READ_BYTES):
                for frame in frames.feed(data):
                    await self._take_frame(frame)
        except FaztError as error:
            self._tell(f"The process was replaced: what it told the program was wrong ({error}).")
            self.kill("what it told the program was wrong")
        except ConnectionError:
            pass  # it has ended, which _read_output notices

    async def _take_frame(self, frame: Frame) -> None:
        if frame.m:
            await self._calls.acquire()
            self._begin(self._serve(frame))
        elif frame.l:
            self._say(frame.l, frame.t, frame.r)
        elif frame.w:
            self._pending += frame.w
            self.used_at = self._loop.time()
        elif frame.pong:
            self._ping_cpu_s = None
        elif self._ready.done():
            return
        elif frame.failed is not None:
            self._ready.set_exception(NotStarted(frame.failed))
        elif frame.ready is not None:
            self.handlers = frozenset(frame.ready)
            self._ready.set_result(None)

    async def _serve(self, frame: Frame) -> None:
        try:
            body = await self._answer(frame)
            if self._bridge is not None:
                self._bridge.write(body)
                await self._bridge.drain()
        except ConnectionError:
            pass  # it has ended, and nobody waits for the answer
        finally:
            self._calls.release()

    # --- requests

    async def open(self) -> Exchange:
        """A connection that is free. Raises Broken."""
        found = self.find_free()
        if found is not None:
            return found
        try:
            _, exchange = await self._loop.create_unix_connection(
                partial(Exchange, self._heads), str(self.shell.home / "s.sock")
            )
        except OSError as error:
            raise Broken(self.end_reason or "the process does not answer") from error
        self._count(exchange)
        return exchange

    def find_free(self) -> Exchange | None:
        """A connection that is there already, or None."""
        while self._free:
            exchange = self._free.popleft()
            if exchange.is_free:
                self._count(exchange)
                return exchange
        return None

    def _count(self, exchange: Exchange) -> None:
        exchange.moved_at = self._loop.time()
        self.exchanges.add(exchange)
        self.in_flight += 1

    def release(self, exchange: Exchange, *, may_continue: bool) -> None:
        """The answer on this connection is done with."""
        self.exchanges.discard(exchange)
        self.in_flight -= 1
        self.used_at = self._loop.time()
        self.debt_s = 0.0
        exchange.finish(may_continue=may_continue)
        if exchange.was_cut:  # it is ending, which takes a moment to be known
            self.is_stale = True
        if exchange.is_free:
            self._free.append(exchange)

    # --- watching

    def watch(self) -> None:
        """Look at what it uses, and end it where that is too much. To be called a few times a second."""
        now = self._loop.time()
        try:
            cpu_s, used_mb = read_usage(self.pid)
            self.used_mb = used_mb
        except (OSError, ValueError):
            return  # it has just ended
        elapsed, spent = now - self._seen_at, cpu_s - self._cpu_s
        self._seen_at, self._cpu_s = now, cpu_s
        self.debt_s = max(0.0, self.debt_s - REFILL * elapsed) + spent
        self._check_pulse(cpu_s, spent)
        limits = self.limits
        if self._ping_cpu_s is not None and cpu_s - self._ping_cpu_s > limits.cpu_s:
            self._end(f"it was busy for more than {limits.cpu_s:g} s of processor time (cpu_s)")
        elif self.debt_s > limits.cpu_s * max(1, self.in_flight):
            self._end(f"its runs used more than {limits.cpu_s:g} s of processor time (cpu_s)")
        elif used_mb > 2 * limits.memory_mb + 32:
            self._end(f"it used {used_mb} MiB of memory, with a heap of {limits.memory_mb} (memory_mb)")
        for exchange in tuple(self.exchanges):
            if exchange.is_waiting and now - exchange.moved_at > limits.wall_s:
                exchange.close("late")

    def _check_pulse(self, cpu_s: float, spent: float) -> None:
        """Ask a process that does something, however slowly the machine lets it, whether it still turns its loop."""
        if self._ping_cpu_s is None and spent > 0 and self._bridge is not None:
            self._ping += 1
            self._ping_cpu_s = cpu_s - spent
            self._bridge.write(encode({"ping": self._ping}))

    def _end(self, reason: str) -> None:
        self._tell(f"The process was replaced: {reason}.")
        self.kill(reason)


def read_usage(pid: int) -> tuple[float, int]:
    """Seconds of processor time, and MiB of memory of its own. Raises OSError where it has ended."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - four times a second
        fields = file.read().rpartition(")")[2].split()
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - as above
        resident, shared = [int(text) for text in file.read().split()[1:3]]
    return (int(fields[11]) + int(fields[12])) / TICKS, (resident - shared) * PAGE >> 20


def build_config(site: str, version: int, env: dict[str, str], limits: Limits, *, is_dev: bool) -> dict[str, Any]:
    """What the inside of a process is told."""
    told = {"site": site, "version": version, "env": env, "isDev": is_dev, "logLines": limits.log_lines}
    told |= {"fetches": limits.fetches, "fetchMs": round(limits.fetch_s * 1_000), "fetchBytes": limits.fetch_mb << 20}
    return msgspec.to_builtins(told)  # type: ignore[no-any-return]
