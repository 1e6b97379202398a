"""Litestream as a child of the program: started, asked whether it keeps up, started again, ended last of all."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import logging
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from fazt.apps.backup import store
from fazt.apps.backup.engine.desk import Desk, get_desk
from fazt.apps.backup.engine.replica import chosen_litestream, find_litestream, make_environment
from fazt.apps.backup.wire import Replication, make_config
from fazt.core.clock import SECOND
from fazt.core.errors import FaztError, Unavailable
from fazt.core.instance import socket_path
from fazt.core.log import get_logger

if TYPE_CHECKING:
    import httpx

    from fazt.core import Core

PROBE_S = 2.0
SYNC_S = 30
STOP_S = 10.0
RESTART_S = (0.5, 2.0, 5.0, 15.0, 60.0)
STEADY_S = 60.0
PATIENCE = 3
"""Failed starts after which fazt folds in its log by itself again, so that it does not grow for ever."""
ALARM = "replica"
PR_SET_PDEATHSIG = 1
SETTINGS = (
    "backup.replica",
    "backup.replica_seconds",
    "backup.replica_days",
    "backup.s3_endpoint",
    "backup.s3_region",
    "backup.s3_key_id",
    "backup.s3_secret_key",
)

log = get_logger(__name__)
libc = ctypes.CDLL(None)


class ReplicaState(msgspec.Struct, frozen=True):
    """How replication goes. `confirmed_at`: when the replica last was known to have everything; times in ms."""

    is_on: bool
    is_running: bool
    url: str
    epoch: str
    position: int
    confirmed_at: int | None
    lag_ms: int | None
    restarts: int
    problem: str


class Replicator:
    """Keeps Litestream running for as long as the settings ask for it."""

    def __init__(self, core: Core, desk: Desk) -> None:
        self.core, self.desk = core, desk
        self.position, self.restarts = 0, 0
        self.epoch = self.problem = ""
        self.confirmed_at: int | None = None
        self._changed = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._since = core.clock()

    def describe(self) -> ReplicaState:
        """How it goes now."""
        wanted = self.desk.replication
        since = self.confirmed_at or self._since
        return ReplicaState(
            is_on=wanted is not None,
            is_running=self._process is not None and self._process.returncode is None,
            url=wanted.url if wanted else "",
            epoch=self.epoch,
            position=self.position,
            confirmed_at=self.confirmed_at,
            lag_ms=max(0, self.core.clock() - since) if wanted else None,
            restarts=self.restarts,
            problem=self.problem,
        )

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Replicate inside the block, and beyond it until the file is closed: the last writes are copied, too."""
        stops = [self.core.settings.watch(name, lambda _value: self._changed.set()) for name in SETTINGS]
        self.core.after_close.push_async_callback(self.stop)
        task = asyncio.create_task(self._run_forever(), name="fazt replication")
        try:
            yield
        finally:
            for stop in stops:
                stop()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _run_forever(self) -> None:
        failures = 0
        while True:
            self._changed.clear()
            wanted = self.desk.replication
            if wanted is None:
                await self._rest()
                await self._changed.wait()
                continue
            self._since = self.core.clock()
            started = asyncio.get_running_loop().time()
            try:
                await self._replicate(wanted)
            except (FaztError, OSError) as error:
                self.problem = str(error)
                log.warning("replication: %s", error)
            if self._changed.is_set():
                failures = 0
                continue
            failures = 0 if asyncio.get_running_loop().time() - started > STEADY_S else failures + 1
            if failures >= PATIENCE:
                self.core.db.leave_checkpoints(to_others=False)
            await self._pause(RESTART_S[min(failures, len(RESTART_S) - 1)])
            self.restarts += 1

    async def _rest(self) -> None:
        """Nothing is to be replicated."""
        self.core.db.leave_checkpoints(to_others=False)
        self.problem, self.confirmed_at, self.epoch = "", None, ""
        await self._tell(None)

    async def _pause(self, pause_s: float) -> None:
        """Before it is started again, or until the settings change."""
        await self._tell(self.problem or "Litestream ended.")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), pause_s)

    async def _replicate(self, wanted: Replication) -> None:
        """Run Litestream until it ends or the settings change. Raises Unavailable where it cannot be started."""
        program = await asyncio.to_thread(find_litestream, chosen_litestream())
        self.epoch = await self.core.db.read(store.find_epoch)
        data = self.core.config.data
        control = socket_path(data.with_name(data.name + ".replica"))
        control.unlink(missing_ok=True)
        config = write_config(wanted, data, self.epoch, control)
        self.core.db.leave_checkpoints(to_others=True)
        with take_lock(data) as held:
            self._process = process = await asyncio.create_subprocess_exec(
                str(program),
                "replicate",
                "-config",
                str(config),
                "-no-expand-env",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=make_environment(self.desk.keys),
                pass_fds=(held.fileno(),),
                preexec_fn=end_with_parent,
            )
        assert process.stdout is not None
        self._reading = asyncio.create_task(self._listen(process.stdout))
        self.desk.control = str(control)
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(process.wait()),
            asyncio.create_task(self._changed.wait()),
        ]
        tasks.append(asyncio.create_task(self._probe(control)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.desk.control = ""
        await self.stop()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        """What Litestream says, into our log."""
        async for line in reader:
            try:
                told: dict[str, Any] = msgspec.json.decode(line)
            except msgspec.MsgspecError:
                told = {"level": "warn", "msg": line.decode(errors="replace").strip()}
            level = str(told.get("level", "info")).lower()
            said = f"{told.get('msg', '')} {told.get('error', '')}".strip()[:500]
            if level == "error":
                self.problem = said
            log.log({"error": logging.WARNING, "warn": logging.WARNING}.get(level, logging.DEBUG), "%s", said)

    async def _probe(self, control: Path) -> None:
        """Have it bring everything over, again and again: it may have stopped without a word."""
        import httpx  # noqa: PLC0415 - httpx is large, and seldom needed

        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(control)), timeout=SYNC_S + 5) as http:
            while True:
                asked_at = self.core.clock()
                try:
                    self.position = await ask_to_sync(http, self.core.config.data)
                    self.confirmed_at, self.problem = asked_at, ""
                except Unavailable as error:
                    self.problem = error.message
                await self._tell(self.problem)
                await asyncio.sleep(PROBE_S)

    async def _tell(self, problem: str | None) -> None:
        """Raise the alarm where it lags too far, clear it where it does not; None: nothing is replicated."""
        lag_ms = self.core.clock() - (self.confirmed_at or self._since)
        allowed_ms = self.core.settings.get("backup.replica_lag_seconds") * SECOND
        with suppress(FaztError):  # the file cannot be written just now, which has alarms of its own
            if problem and lag_ms > allowed_ms:
                text = f"The replica is {lag_ms // SECOND} s behind: {problem}"
                await self.core.db.write(store.raise_alarm, ALARM, text, now=self.core.clock())
            elif not problem and await self.core.db.read(store.has_alarm, ALARM):
                await self.core.db.write(store.clear_alarm, ALARM, now=self.core.clock())

    async def stop(self) -> None:
        """End Litestream when it has copied the rest; a second signal tells it to leave that."""
        process, self._process = self._process, None
        if process is None:
            return
        for sign in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if process.returncode is not None:
                break
            with suppress(ProcessLookupError):
                process.send_signal(sign)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_S)
        if self._reading is not None:
            await self._reading


async def ask_to_sync(http: httpx.AsyncClient, data: Path) -> int:
    """The position up to which the replica has everything. Raises Unavailable, with what Litestream says."""
    import httpx  # noqa: PLC0415 - httpx is large, and seldom needed

    body = {"path": str(data), "wait": True, "timeout": SYNC_S}
    try:
        answer = await http.post("http://litestream/sync", json=body)
        found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(f"Litestream does not answer: {error}") from error
    if answer.is_error or "replicated_txid" not in found:
        raise Unavailable(str(found.get("error", "Litestream cannot replicate."))[:300])
    return int(found["replicated_txid"])


def write_config(wanted: Replication, data: Path, epoch: str, control: Path) -> Path:
    """Litestream's configuration, beside the file. What it kept of other epochs is removed."""
    state = data.with_name(f".{data.name}-litestream")
    state.mkdir(mode=0o700, exist_ok=True)
    for path in state.iterdir():
        if path.is_dir() and path.name != epoch:
            shutil.rmtree(path, ignore_errors=True)
    config = state / "litestream.yml"
    config.write_text(make_config(wanted, data=str(data), meta=str(state / epoch), epoch=epoch, socket=str(control)))
    return config


def take_lock(data: Path) -> IO[bytes]:
    """A lock that Litestream inherits and so holds to its end: never two of them on one file. Raises Unavailable."""
    file = (data.with_name(f".{data.name}-litestream") / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise Unavailable("A Litestream of before still copies the rest.") from error
    return file


def end_with_parent() -> None:
    """Before the program becomes Litestream: it gets SIGTERM when fazt dies, however that happens."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@asynccontextmanager
async def replicating(core: Core) -> AsyncIterator[None]:
    """The life of replication in a running program."""
    replicator = Replicator(core, get_desk(core))
    core.add(replicator)
    async with replicator.run():
        yield
