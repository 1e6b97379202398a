"""One piece of work at a time, each in a process of its own: started, watched, noted."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import OrderedDict
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.backup import store
from fazt.apps.backup.engine.orders import Order, Work, keys_of, make_order, place_of, replication_of
from fazt.apps.backup.engine.place import Keys
from fazt.apps.backup.model import Kind, Run, RunState
from fazt.apps.backup.wire import Replication
from fazt.core import errors
from fazt.core.errors import Conflict, FaztError, Unavailable
from fazt.core.ids import new_id
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

MODULE = "fazt.apps.backup.engine.worker"
MAX_LINE = 1 << 22
KEEP_WORK = 20
KINDS: dict[str, type[FaztError]] = {
    kind.kind: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FaztError)
}

log = get_logger(__name__)


class Progress(msgspec.Struct):
    """A piece of work as it goes: `doing` is the step, `done` and `size` its bytes, `result` what came of it all."""

    id: str
    kind: Kind
    started_at: int
    state: RunState = "running"
    doing: str = ""
    done: int = 0
    size: int = 0
    name: str = ""
    said: str = ""
    hint: str = ""
    result: dict[str, Any] | None = None


class Desk:
    """Where work is asked for. There is one in every program, also in a command's."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.control = ""
        """Litestream's socket, while it runs."""
        self._work: OrderedDict[str, Progress] = OrderedDict()
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def place(self) -> str:
        """Where backups go."""
        return place_of(self.core.settings.get, self.core.config)

    @property
    def keys(self) -> Keys:
        """How to sign in to S3."""
        return keys_of(self.core.settings.get)

    @property
    def replication(self) -> Replication | None:
        """What Litestream is to do, if anything."""
        return replication_of(self.core.settings.get, self.core.config)

    def make_order(self, work: Work, **more: Any) -> Order:
        """An order with all that the settings say."""
        return make_order(self.core.settings.get, self.core.config, work, self.core.clock(), **more)

    def find(self, work_id: str) -> Progress | None:
        """How a piece of work goes or went, for as long as the program remembers."""
        return self._work.get(work_id)

    def find_ended(self, name: str) -> Progress | None:
        """The latest work on this backup that has ended, as long as the program remembers."""
        return next(
            (work for work in reversed(self._work.values()) if work.name == name and work.kind != "create"),
            None,
        )

    def find_things(self, name: str) -> list[tuple[str, str]] | None:
        """What was found in this backup that can be brought back alone, as choices; None where nobody has looked."""
        for work in reversed(self._work.values()):
            if work.kind == "bring" and work.name == name and work.result and "things" in work.result:
                things: dict[str, list[str]] = work.result["things"]
                return [(f"{kind}:{one}", f"{kind} {one}") for kind, names in things.items() for one in names]
        return None

    @property
    def current(self) -> Progress | None:
        """What is being done now."""
        return next((work for work in self._work.values() if work.state == "running"), None)

    def begin(self, kind: Kind, name: str = "") -> Progress:
        """Take up a piece of work. Raises Conflict while another is under way."""
        if (busy := self.current) is not None:
            raise Conflict(f"Another piece of work is under way ({busy.kind}).", hint="Try again when it has ended.")
        now = self.core.clock()
        progress = Progress(new_id(now), kind, now, name=name)
        self._work[progress.id] = progress
        while len(self._work) > KEEP_WORK:
            self._work.popitem(last=False)
        return progress

    def start(self, progress: Progress, work: Coroutine[Any, Any, Any]) -> None:
        """Have work done in the background; how it went is kept."""
        self.follow(self.note(progress, work))

    def follow(self, work: Coroutine[Any, Any, Any]) -> None:
        """Have work done in the background that keeps by itself how it went."""
        task = asyncio.create_task(quietly(work), name="fazt backup")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Break off what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def note(self, progress: Progress, work: Coroutine[Any, Any, Any]) -> Any:
        """Await the work, and keep how it went. Raises what it raises."""
        try:
            result = await work
        except FaztError as error:
            progress.said, progress.hint = error.message, error.hint
            await self._end(progress, "failed")
            raise
        except BaseException as error:
            progress.said = f"It was broken off: {type(error).__name__}."
            await self._end(progress, "failed")
            raise
        progress.result = result
        await self._end(progress, "done")
        return result

    async def _end(self, progress: Progress, state: RunState) -> None:
        now = self.core.clock()
        size = int((progress.result or {}).get("stored_bytes", 0))
        run = Run(progress.id, progress.kind, state, progress.name, progress.said, size, progress.started_at, now)
        try:
            await self.core.db.write(store.note_run, run, now=now)
        except FaztError as error:
            log.warning("how %s went (%s) could not be kept: %s", progress.kind, progress.said or state, error)
        progress.state = state

    async def do(self, progress: Progress, order: Order) -> dict[str, Any]:
        """Have a process do it; its result. Raises the FaztError that ended it."""
        process = await asyncio.create_subprocess_exec(
            *command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=MAX_LINE,
            env={name: value for name, value in os.environ.items() if not name.startswith("FAZT_")},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(msgspec.json.encode(order) + b"\n")
            with suppress(ConnectionError):  # it has ended; its silence says so
                await process.stdin.drain()
            return await listen(process.stdout, progress)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
            await process.wait()


async def quietly(work: Coroutine[Any, Any, Any]) -> None:
    """Await work whose failure stands in the database already."""
    with suppress(FaztError):
        await work


async def listen(reader: asyncio.StreamReader, progress: Progress) -> dict[str, Any]:
    """Take what the process tells, to its end."""
    while line := await reader.readline():
        told: dict[str, Any] = msgspec.json.decode(line)
        if "result" in told:
            found: dict[str, Any] = told["result"]
            return found
        if "error" in told:
            error = told["error"]
            raise KINDS.get(error["kind"], FaztError)(error["message"], hint=error["hint"])
        progress.doing, progress.done, progress.size = told["doing"], told["done"], told["size"]
    raise Unavailable("The work broke off; the log says why.")


def command() -> list[str]:
    """How the process is started. A frozen program has no `-m`, but itself."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "backup", "work"]
    return [sys.executable, "-m", MODULE]


def get_desk(core: Core) -> Desk:
    """The program's desk."""
    if Desk not in core.engines:
        core.add(Desk(core))
    return core.get(Desk)
