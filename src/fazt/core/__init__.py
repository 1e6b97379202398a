"""Core: what every handler, job and engine is given."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from fazt.core.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from fazt.core.app import App, Endpoint, Front, HostFinder, HostLister, ScriptFunction
    from fazt.core.auth import Auth, Caller
    from fazt.core.blobs import Blobs
    from fazt.core.clock import Clock
    from fazt.core.config import Config
    from fazt.core.db import Database
    from fazt.core.events import Events
    from fazt.core.jobs import Jobs
    from fazt.core.settings import Settings
    from fazt.core.tls import Tls
    from fazt.core.visits import Visits

E = TypeVar("E")
Between = Callable[[], None]
"""What is done while the file is closed, between two lives of the program."""


class Core:
    """The parts that apps share, put together by `serve.py`. One for each running program.

    No dataclass, since Litestar would then validate it, field by field, at every request.
    `endpoints` are named ones that one app offers and another uses, e.g. `site.code`; `fronts` are what some of them
    have beside themselves at the front door.
    """

    def __init__(
        self,
        *,
        config: Config,
        clock: Clock,
        db: Database,
        settings: Settings,
        blobs: Blobs,
        events: Events,
        jobs: Jobs,
        auth: Auth,
        visits: Visits,
        tls: Tls,
        apps: tuple[App, ...] = (),
    ) -> None:
        self.config = config
        self.clock = clock
        self.db = db
        self.settings = settings
        self.blobs = blobs
        self.events = events
        self.jobs = jobs
        self.auth = auth
        self.visits = visits
        self.tls = tls
        self.apps = apps
        self.script: dict[str, ScriptFunction] = {}
        self.host_finders: list[HostFinder] = []
        self.host_fronts: dict[HostFinder, Front] = {}
        self.host_listers: dict[str, HostLister] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.fronts: dict[str, Front] = {}
        self.engines: dict[type, object] = {}
        self.after_close = AsyncExitStack()
        """What ends only after the file is closed: whoever copies the last writes elsewhere."""
        self.rest: Callable[[Between], None] = refuse_rest
        """Have the program drain, close its file, run this, and start anew on the same port."""

    def add(self, engine: object) -> None:
        """Make a live engine findable by its class."""
        self.engines[type(engine)] = engine

    def get(self, kind: type[E]) -> E:
        """The running engine of this class; KeyError where it is not running, which is a bug."""
        engine = self.engines[kind]
        assert isinstance(engine, kind)
        return engine

    async def call(self, name: str, caller: Caller, **arguments: Any) -> Any:
        """Call a script function of another app on behalf of `caller`, whose scopes hold.

        Raises NotFound for an unknown name, Forbidden without the scope, and what it raises.
        """
        function = self.script.get(name)
        if function is None:
            raise NotFound(f"There is no function fazt.{name}.")
        if not function.may(caller):
            caller.check(function.scope)
        return await function.run(self, caller, **arguments)


def refuse_rest(_between: Between) -> None:
    """What `Core.rest` is where no server runs."""
    raise Unavailable("The file is in use by a command.", hint="Try again when it has ended.")
