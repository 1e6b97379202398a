"""The functions of all sites: a process for each that is in use, and none for the others."""

from __future__ import annotations

import asyncio
from functools import partial
from itertools import count
from secrets import randbits
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.runtime.engine.bridge import Bridge, effective_scopes
from fazt.apps.runtime.engine.exchange import Broken, Exchange
from fazt.apps.runtime.engine.folders import Code, Folders
from fazt.apps.runtime.engine.log_book import LogBook
from fazt.apps.runtime.engine.network import find_denied
from fazt.apps.runtime.engine.process import NotStarted, Process, Voice, build_config
from fazt.apps.runtime.engine.shell import Walls
from fazt.apps.runtime.engine.spares import Spares
from fazt.apps.runtime.model import LIMITS, Limits
from fazt.apps.runtime.store import sites as store
from fazt.apps.runtime.wire.http import build_order
from fazt.core.errors import TooLarge, TooMany, Unavailable
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

WATCH_S = 0.2
OPEN_TRIES = 2
DRAIN_S = 30.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 10.0
DENIED_S = 60.0
MAX_ANSWER_BYTES = 64 << 20

log = get_logger(__name__)


class Failed(Exception):
    """A run failed; `args[0]` is what the code said. `is_ours` where the process was at fault, not the code."""

    def __init__(self, said: str, *, is_ours: bool = False) -> None:
        super().__init__(said)
        self.is_ours = is_ours


class SiteProcesses:
    """What a site has running: the present process, and older ones that end what they began."""

    def __init__(self) -> None:
        self.present: Process | None = None
        self.starting: asyncio.Task[Process] | None = None
        self.old: list[Process] = []
        self.revision = 0
        self.failures = 0
        self.blocked_until = 0.0
        self.blocked_version = 0
        self.problem = ""
        """Why the code could not be loaded the last time."""


class Functions:
    """All function processes. `open` finds or starts the one of a site."""

    def __init__(self, core: Core, *, is_dev: bool = False) -> None:
        self.core = core
        self.book = LogBook(core)
        self.folders = Folders(core)
        self.spares = Spares(self.folders)
        self.is_dev = is_dev
        self.sites: dict[int, SiteProcesses] = {}
        self.codes: dict[int, tuple[Any, Code]] = {}
        """The code that a site's requests were last answered with, by what the app that keeps sites calls it."""
        self.shown: dict[int, tuple[float, Code | None]] = {}
        """What runs that no visitor made have found lately; forgotten when a site changes."""
        self._loop = asyncio.get_running_loop()
        self._numbers = count(randbits(40))
        self._denied: tuple[str, ...] | None = None
        self._denied_at = 0.0
        self._changed = asyncio.Event()

    def name_run(self) -> str:
        """What a run is called in the log: nobody can tell how many there were before."""
        return f"{next(self._numbers) & 0xFFFFFFFFFF:010x}"

    # --- processes

    async def ensure(self, code: Code) -> Process:
        """The process of this version; started where there is none. Raises Unavailable, saying why not."""
        here = self.sites.setdefault(code.site_id, SiteProcesses())
        while True:
            present = here.present
            if present is not None and present.is_usable(code.version):
                return present
            if here.starting is None:
                self._check_blocked(code, here)
                self._retire(here)
                await self._make_room()
                if here.starting is None:
                    here.starting = asyncio.create_task(self._start(code, here), name=f"fazt start {code.site}")
                    here.starting.add_done_callback(partial(self._started, here, code.version))
            try:
                await asyncio.shield(here.starting)
            except NotStarted as error:
                raise Unavailable(f"The code of {code.site} could not be loaded. Its log says why.") from error

    def _check_blocked(self, code: Code, here: SiteProcesses) -> None:
        if here.blocked_version == code.version and self._loop.time() < here.blocked_until:
            raise Unavailable(f"The code of {code.site} could not be loaded. Its log says why.", retry_after=1)

    def _started(self, here: SiteProcesses, version: int, task: asyncio.Task[Process]) -> None:
        here.starting = None
        if task.cancelled() or task.exception() is not None:
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**here.failures)
            here.failures += 1
            here.blocked_version = version
            here.blocked_until = self._loop.time() + pause_s
        else:
            here.failures = 0
            here.problem = ""

    async def _start(self, code: Code, here: SiteProcesses) -> Process:
        revision = here.revision
        known = await self.core.db.read(store.find_site, code.site_id)
        env = await self.core.db.read(store.read_secrets, code.site_id)
        limits = self.limits_of(known.limits if known else {})
        scopes = effective_scopes(known.asked, known.granted) if known else frozenset[str]()
        bridge = Bridge(self.core, code.site_id, code.owner, scopes, limits.db_mb << 20)
        shell = await self.spares.take(Walls(limits.memory_mb, await self._find_denied()))
        try:
            loaded = await self.folders.load(code, shell.folder)
        except BaseException:
            await shell.stop()
            raise
        voice = Voice(partial(self.book.add, code.site_id), partial(self.book.tell, code.site_id))
        process = Process(shell, loaded, limits, bridge.answer, voice)
        process.version = code.version
        config = build_config(code.site, code.version, env, limits, is_dev=self.is_dev)
        try:
            await process.start(config)
        except NotStarted as error:
            here.problem = str(error)
            self.book.tell(code.site_id, f"Version {code.version} could not be loaded: {error}")
            raise
        process.is_stale = here.revision != revision  # a secret or a limit changed meanwhile
        here.present = process
        self.folders.forget(code.site_id, code.version)
        await self._keep_spare()
        self._changed.set()
        return process

    async def _keep_spare(self) -> None:
        walls = Walls(self.limits_of({}).memory_mb, await self._find_denied())
        self.spares.prepare(walls, self.core.settings.get("runtime.spare_s"))

    def limits_of(self, chosen: dict[str, float]) -> Limits:
        """A site's limits: its own, else those of the settings."""
        values = {name: self.core.settings.get(f"runtime.{name}") for name in LIMITS}
        return msgspec.convert(values | chosen, Limits)

    async def _find_denied(self) -> tuple[str, ...]:
        """Where no code may connect to; looked up again now and then, since names lead elsewhere one day."""
        now = self._loop.time()
        if self._denied is None or now - self._denied_at > DENIED_S:
            self._denied, self._denied_at = tuple(await find_denied(self.core)), now
        return self._denied

    def forget_denied(self) -> None:
        """The owner changed what is let through."""
        self._denied = None
        self.refresh_all()

    def _retire(self, here: SiteProcesses) -> None:
        if here.present is not None:
            here.present.is_stale = True
            here.present.used_at = self._loop.time()
            here.old.append(here.present)
            here.present = None

    async def _make_room(self) -> None:
        """With too many processes, stop the one that has been idle longest. Raises Unavailable where all are busy."""
        running = [here.present for here in self.sites.values() if here.present is not None and here.present.is_alive]
        if len(running) < self.core.settings.get("runtime.processes"):
            return
        idle = min((process for process in running if process.is_idle), key=lambda p: p.used_at, default=None)
        if idle is None:
            raise Unavailable("Too many sites are busy at this moment.", retry_after=2)
        await idle.stop("another site needed its place")

    def refresh(self, site_id: int) -> None:
        """Something that a process is given at its start changed: the next request gets a new one."""
        here = self.sites.get(site_id)
        if here is not None:
            here.revision += 1
            here.blocked_until = 0.0
            if here.present is not None:
                here.present.is_stale = True

    def refresh_all(self) -> None:
        """The same, for all sites."""
        for site_id in self.sites:
            self.refresh(site_id)

    def problem_of(self, site_id: int) -> str:
        """Why a site's code could not be loaded the last time, or ""."""
        here = self.sites.get(site_id)
        return here.problem if here else ""

    def count_processes(self) -> int:
        """How many run at this moment."""
        all_of = [process for here in self.sites.values() for process in (here.present, *here.old) if process]
        return sum(process.is_alive for process in all_of)

    def find_process(self, site_id: int) -> Process | None:
        """The present process of a site, if it has one."""
        here = self.sites.get(site_id)
        return here.present if here and here.present and here.present.is_alive else None

    async def watch(self) -> None:
        """Look after the processes: limits, idleness, old versions."""
        while True:
            if not self.count_processes() and not self.spares.is_kept:
                self._changed.clear()
                await self._changed.wait()
            await asyncio.sleep(WATCH_S)
            for here in [None, *self.sites.values()]:
                try:
                    await (self.spares.watch() if here is None else self._watch_site(here))
                except Exception:  # a rim: the processes of other sites are looked after all the same
                    log.exception("a function process could not be looked after")

    async def _watch_site(self, here: SiteProcesses) -> None:
        now = self._loop.time()
        present = here.present
        if present is not None:
            if not present.is_alive:
                here.present = None
                await present.stop(present.end_reason)
            else:
                present.watch()
                if present.is_idle and now - present.used_at > self.core.settings.get("runtime.idle_s"):
                    here.present = None
                    await present.stop("it had nothing to do")
        for process in tuple(here.old):
            process.watch()
            if process.is_idle or not process.is_alive or now - process.used_at > DRAIN_S:
                here.old.remove(process)
                await process.stop("a newer version took its place")

    async def close(self) -> None:
        """Stop all processes, and remove what was written for them."""
        for here in self.sites.values():
            if here.starting is not None:
                here.starting.cancel()
            for process in (here.present, *here.old):
                if process is not None:
                    await process.stop("the cloud stops")
        await self.spares.close()
        await asyncio.to_thread(self.folders.close)

    # --- requests and runs

    def open_now(self, code: Code) -> tuple[Process, Exchange] | None:
        """As `open`, where nothing has to be waited for or refused."""
        here = self.sites.get(code.site_id)
        process = None if here is None else here.present
        if process is None or not process.is_usable(code.version) or process.in_flight >= process.limits.concurrency:
            return None
        exchange = process.find_free()
        return None if exchange is None else (process, exchange)

    async def open(self, code: Code) -> tuple[Process, Exchange]:
        """A connection to the code of a site. Raises Unavailable and TooMany."""
        here = self.sites.get(code.site_id)
        process = here.present if here is not None else None
        for _ in range(OPEN_TRIES):
            if process is None or not process.is_usable(code.version):
                process = await self.ensure(code)
            if process.in_flight >= process.limits.concurrency:
                raise TooMany(f"{code.site} answers {process.limits.concurrency} requests at once.", retry_after=1)
            try:
                return process, await process.open()
            except Broken:  # it has just ended; the next one answers
                process.is_stale = True
        raise Unavailable(f"The code of {code.site} ended. Its log says why.", retry_after=1)

    async def order(self, code: Code, kind: str, about: dict[str, Any], body: bytes = b"", run: str = "") -> Any:
        """Have a handler other than `fetch` run; what it answered. Raises Failed and Unavailable."""
        run = run or self.name_run()
        process, exchange = await self.open(code)
        is_whole = False
        try:
            if kind not in process.handlers:
                raise Failed(f"The code has no {kind}() handler.")
            await exchange.send(build_order(process.secret, {"kind": kind, "run": run, "about": about}, len(body)))
            if body:
                await exchange.write(body)
            await exchange.read_head()
            answer = await read_whole(exchange)
            is_whole = True
        except Broken as error:
            raise Failed(f"It was ended: {explain(error, process)}.", is_ours=True) from error
        finally:
            process.release(exchange, may_continue=is_whole)
        if exchange.status != 200:
            raise Failed("The code answered nonsense.")
        told = msgspec.json.decode(answer)
        if not told["ok"]:
            raise Failed(str(told["error"]))
        return told["value"]


async def read_whole(exchange: Exchange) -> bytes:
    """An answer whole. Raises TooLarge and Broken."""
    pieces, size = [], 0
    async for piece in exchange.read_pieces():
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise TooLarge("The handler answered too much.")
        pieces.append(piece)
    return b"".join(pieces)


def explain(error: Broken, process: Process) -> str:
    """Why a run was ended, in words for the log."""
    if error.reason == "late":
        return f"it took longer than {process.limits.wall_s:g} s (wall_s)"
    return process.end_reason or error.reason
