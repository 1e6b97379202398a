"""Puts the parts together; the only file that starts anything."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from fazt.apps import APPS
from fazt.core import (
    Between,
    Core,
    auth,
    blobs,
    events,
    jobs,
    outbound,
    push,
    search,
    settings,
    shares,
    systemd,
    tls,
    usage,
    visits,
)
from fazt.core.app import App, Job, Mount, Setting
from fazt.core.auth import Auth
from fazt.core.blobs import open_blobs
from fazt.core.clock import system_clock
from fazt.core.config import Address, Config
from fazt.core.db import open_database
from fazt.core.errors import Unavailable
from fazt.core.events import Events
from fazt.core.http.litestar import create_litestar
from fazt.core.http.root import Root
from fazt.core.http.server import Encrypted, Listener, as_local, bind, bind_local
from fazt.core.http.status import MOUNTS
from fazt.core.instance import InstanceLock, remove_socket, socket_path
from fazt.core.jobs import Jobs
from fazt.core.log import get_logger, set_up_logging
from fazt.core.settings import Settings
from fazt.core.tls import Tls, keeping
from fazt.core.visits import Visits
from fazt.ui import error_page

CORE_PARTS: tuple[ModuleType, ...] = (
    auth,
    blobs,
    events,
    jobs,
    outbound,
    push,
    search,
    settings,
    shares,
    tls,
    usage,
    visits,
)

log = get_logger(__name__)


@dataclass(slots=True)
class Running:
    """A running program: its Core, and where it listens."""

    core: Core
    root: Root
    address: Address | None = None
    https_address: Address | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    between: Between | None = None
    sockets: list[socket.socket] = field(default_factory=list)

    def rest(self, between: Between) -> None:
        """See Core.rest."""
        self.between = between
        self.stopping.set()


def declared_settings(apps: tuple[App, ...]) -> list[Setting]:
    """Every setting there is, core's first."""
    core = [setting for part in CORE_PARTS for setting in getattr(part, "SETTINGS", ())]
    return core + [setting for app in apps for setting in app.settings]


def load_all(apps: tuple[App, ...], part: str, constant: str) -> list[Any]:
    """What the apps that have this part list in its constant, in the apps' order."""
    loaded = [module for app in apps if (module := app.load(part)) is not None]
    return [item for module in loaded for item in getattr(module, constant, ())]


async def create_core(config: Config, apps: tuple[App, ...]) -> Core:
    """Open the file and put core's parts together; nothing runs yet."""
    db = open_database(config, [app.name for app in apps])
    declared = Settings(declared_settings(apps))
    await declared.load(db)
    stores: list[tuple[str, Any]] = [(app.name, app.load("store")) for app in apps]
    handlers = [(name, store.on_event) for name, store in stores if hasattr(store, "on_event")]
    kinds: list[Job] = [job for part in CORE_PARTS for job in getattr(part, "JOBS", ())]
    kinds += load_all(apps, "jobs", "JOBS")
    core = Core(
        config=config,
        clock=system_clock,
        db=db,
        settings=declared,
        blobs=open_blobs(db, system_clock, declared.get("blobs.object_store")),
        events=Events(db, handlers, system_clock, {app.name: app.hears for app in apps}),
        jobs=Jobs(kinds, on_dead=events.tell_dead_job),
        auth=Auth(db),
        visits=Visits(db, system_clock, declared),
        tls=Tls(db, system_clock, declared, config),
        apps=apps,
    )
    core.script = {function.name: function for function in load_all(apps, "script", "SCRIPT")}
    await core.tls.load()
    return core


def is_known_host(core: Core, host: str) -> bool:
    """Whether anything here answers for a host."""
    return host == core.config.domain or any(finder(core, host) is not None for finder in core.host_finders)


def create_root(core: Core) -> Root:
    """All routes, pages and mounts of the apps behind one door."""
    listed = [*MOUNTS, *load_all(core.apps, "routes", "ROUTES"), *load_all(core.apps, "pages", "PAGES")]
    mounts = [item for item in listed if isinstance(item, Mount)]
    handlers = [item for item in listed if not isinstance(item, Mount)]
    for app in core.apps:
        routes = app.load("routes")
        if finder := getattr(routes, "find_host", None):
            core.host_finders.append(finder)
            if front := getattr(routes, "front_host", None):
                core.host_fronts[finder] = front
    listers = {app.name: getattr(app.load("routes"), "list_hosts", None) for app in core.apps}
    core.host_listers = {name: lister for name, lister in listers.items() if lister is not None}
    core.tls.is_ours = lambda host: is_known_host(core, host)
    return Root(core, create_litestar(core, handlers), mounts, error_page)


@asynccontextmanager
async def running(
    config: Config, apps: tuple[App, ...] = APPS, *, serving: bool = True, doors: Sequence[socket.socket] = ()
) -> AsyncIterator[Running]:
    """The program, from open file to closed file.

    With `serving` it listens (at `doors`, where there are some already), delivers events and works through
    jobs; without, only the local socket answers, for a command that runs while no server does. Raises
    Unavailable when another program holds the file.
    """
    lock = InstanceLock(config.data)
    if not lock.acquire():
        raise Unavailable(f"Another fazt already serves {config.data}.", hint="`fazt service status` shows it.")
    async with AsyncExitStack() as stack:
        stack.callback(lock.release)
        sockets = [door.dup() for door in doors] or bind_all(config) if serving else []
        for bound in sockets:
            stack.callback(bound.close)
        core = await create_core(config, apps)
        await stack.enter_async_context(core.after_close)
        stack.push_async_callback(core.db.close)
        stack.push_async_callback(core.auth.close)
        if config.owner_email and not await core.auth.has_owner():
            await core.auth.create_owner(config.owner_email, config.owner_password, core.clock())
        program = Running(core, create_root(core), sockets=sockets)
        if serving:
            core.rest = program.rest
            await start_parts(core, stack)
        await listen(program, sockets, stack)
        yield program


async def start_parts(core: Core, stack: AsyncExitStack) -> None:
    """Core's engines, then each app's engines and servers, in the apps' order; undone in reverse."""
    await stack.enter_async_context(core.tls.run())
    await stack.enter_async_context(core.visits.run())  # first, so that it ends last: apps note visits to their end
    for part in ("engine", "server"):
        for app in core.apps:
            module = app.load(part)
            if module is not None and hasattr(module, "run"):
                await stack.enter_async_context(module.run(core))
    await stack.enter_async_context(core.events.run())
    await stack.enter_async_context(core.jobs.run(core))
    await stack.enter_async_context(keeping(core))  # last, so that it ends first: its jobs wait for the network


def bind_all(config: Config) -> list[socket.socket]:
    """The socket of HTTP, and that of HTTPS where it is asked for. Raises Unavailable."""
    sockets = [bind(config.listen)]
    if config.https_listen is not None:
        try:
            sockets.append(bind(config.https_listen, "--https-listen"))
        except Unavailable:
            sockets[0].close()
            raise
    return sockets


async def listen(program: Running, sockets: list[socket.socket], stack: AsyncExitStack) -> None:
    """Open the doors, the local one too."""
    data = program.core.config.data
    local = Listener(as_local(program.root), [bind_local(socket_path(data))])
    stack.callback(remove_socket, data)
    await local.start()
    stack.push_async_callback(local.stop)
    if sockets:
        program.address = Address(*sockets[0].getsockname()[:2])
        public = Listener(program.root, sockets[:1])
        await public.start()
        stack.push_async_callback(public.stop)
    if sockets[1:]:
        program.https_address = Address(*sockets[1].getsockname()[:2])
        tls = program.core.tls
        encrypted = Listener(Encrypted(program.root), sockets[1:], tls.server_context(alpn=("http/1.1",)))
        await encrypted.start()
        stack.push_async_callback(encrypted.stop)
        tls.https_port = program.https_address.port


async def serve_until_stopped(config: Config) -> None:
    """Serve until SIGTERM or SIGINT; a second signal ends the program at once."""
    doors: list[socket.socket] = []
    while True:
        async with running(config, doors=doors) as program:
            doors = doors or [bound.dup() for bound in program.sockets]
            await serve_once(program)
            if program.between is None:
                for door in doors:
                    door.close()
                return
        await asyncio.to_thread(do_between, program.between)


async def serve_once(program: Running) -> None:
    """Serve until a signal comes, or until the program is to rest and start anew."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, program.stopping.set)
    gc.enable()
    gc.freeze()  # what is loaded stays, and need not be looked at again
    await announce(program)
    systemd.notify("READY=1")
    await program.stopping.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
    systemd.notify("STOPPING=1" if program.between is None else "STATUS=Resting, to start anew")
    log.info("stopping" if program.between is None else "resting, to start anew")


def do_between(between: Between) -> None:
    """Do what the program was put to rest for. Where that fails, it goes on with what it had."""
    try:
        between()
    except Exception:  # a rim: a cloud that goes on as before is better than none
        log.exception("what the program was put to rest for failed")


async def announce(program: Running) -> None:
    """Say where to go; without an owner, how to become it."""
    config = program.core.config
    port = program.address.port if program.address else 0
    name = "localhost" if config.is_local else config.domain
    url = f"http://{name}" if port == 80 else f"http://{name}:{port}"
    print(
        f"fazt serves {'PostgreSQL' if config.database_url else config.data} at {url}\n", end="", file=sys.stderr
    )  # in one piece: logs are written by other threads
    if program.https_address:
        port = program.https_address.port
        encrypted = f"https://{name}" if port == 443 else f"https://{name}:{port}"
        print(f"fazt serves HTTPS at {encrypted}", file=sys.stderr)
        url = encrypted if program.core.tls.is_trusted(name) else url
    if not await program.core.auth.has_owner():
        secret = program.core.auth.setup_secret()
        print(f"Set it up here (the link works once): {url}/setup?token={secret}", file=sys.stderr)
    sys.stderr.flush()


def serve(config: Config) -> None:
    """Serve in this process, until it is told to stop."""
    import uvloop  # noqa: PLC0415 - only the server needs it

    set_up_logging(config.log_level, as_json=config.log_json)
    for app in APPS:
        before_open = getattr(app.load("engine"), "before_open", None)
        if before_open is not None:
            before_open(config)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_until_stopped(config))
