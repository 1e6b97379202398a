"""Core: what every handler, job and engine is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from fazt.core.errors import NotFound

if TYPE_CHECKING:
    from fazt.core.app import App, Endpoint, HostFinder, ScriptFunction
    from fazt.core.auth import Auth, Caller
    from fazt.core.blobs import Blobs
    from fazt.core.clock import Clock
    from fazt.core.config import Config
    from fazt.core.db import Database
    from fazt.core.events import Events
    from fazt.core.jobs import Jobs
    from fazt.core.settings import Settings

E = TypeVar("E")


@dataclass(slots=True)
class Core:
    """The parts that apps share, put together by `serve.py`. One for each running program."""

    config: Config
    clock: Clock
    db: Database
    settings: Settings
    blobs: Blobs
    events: Events
    jobs: Jobs
    auth: Auth
    apps: tuple[App, ...] = ()
    script: dict[str, ScriptFunction] = field(default_factory=dict)
    host_finders: list[HostFinder] = field(default_factory=list)
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    """Named endpoints that one app offers and another uses, e.g. `site.code` (see `App` docs)."""
    engines: dict[type, object] = field(default_factory=dict)

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
        caller.check(function.scope)
        return await function.run(self, caller, **arguments)
