"""What an app is: its manifest, and the kinds of things a manifest lists.

Manifests are read by every command, so this module and the apps' `__init__` import nothing heavy.
A manifest names its `parts`; `load` imports them when the server starts, by the fixed names below.

| part     | constant or function in it                                          |
|----------|---------------------------------------------------------------------|
| `routes` | `ROUTES`: Litestar handlers and `Mount`s; optional `find_host`, `list_hosts` |
| `pages`  | `PAGES`: the same, for people; optional `card(core, caller) -> Card` |
| `engine` | `run(core)`: an async context manager around the app's life          |
| `server` | `run(core)`: the same, for listeners that are not HTTP               |
| `jobs`   | `JOBS`: tuple of `Job`                                              |
| `script` | `SCRIPT`: tuple of `ScriptFunction`                                 |
| `store`  | `on_event(conn, event)`, run once for each event after its commit;  |
|          | `THINGS`: tuple of `Thing`                                          |
| `cli`    | `COMMANDS`: tuple of click commands, named in `App.commands`         |
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fazt.core import Core

SettingValue = bool | int | float | str | list[str]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Endpoint = Callable[["Core", Scope, Receive, Send], Awaitable[None]]
"""A plain ASGI callable that is also given the Core."""

HostFinder = Callable[["Core", str], Endpoint | None]
"""(core, host name without port, lower case) -> who answers it, or None. Quick and without I/O."""

HostLister = Callable[["Core"], Awaitable[list[str]]]
"""(core) -> the host names that need a certificate; asked anew after each event of the app."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing the owner may choose. The kind is the type of `default`.

    `minimum`/`maximum` bound numbers; `choices` lists the allowed texts; a `secret` is never shown again.
    """

    name: str
    default: SettingValue
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    secret: bool = False
    unit: str = ""


@dataclass(frozen=True, slots=True)
class EventKind:
    """A fact this app tells, e.g. `mail.received`; `fields` says what its data holds, by name.

    One that is not kept happens too often to be written down: who listens at that moment hears it (`Events.tell_live`).
    """

    name: str
    help: str
    fields: Mapping[str, str] = field(default_factory=dict)
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class ScopeKind:
    """Something a token may be allowed, e.g. `drive:rw`."""

    name: str
    help: str


@dataclass(frozen=True, slots=True)
class Job:
    """Background work. `run(core, payload)` is called at least once for each entry in the queue.

    `cron` (five fields, UTC) queues one entry at each such time, never two at once.
    """

    name: str
    run: Callable[[Core, dict[str, Any]], Awaitable[None]]
    help: str
    cron: str = ""
    max_attempts: int = 8
    timeout_s: float = 600.0


@dataclass(frozen=True, slots=True)
class ScriptFunction:
    """What JavaScript may call as `fazt.<name>(args)`, and other apps as `core.call`.

    `run(core, caller, **arguments)`; arguments and answer are JSON. `scope` is what the caller must have.
    """

    name: str
    scope: str
    run: Callable[..., Awaitable[Any]]
    help: str
    example: str = ""


@dataclass(frozen=True, slots=True)
class Mount:
    """A plain ASGI endpoint for every path at or below `prefix`.

    `access` documents who may call; an endpoint that is not "public" authenticates by itself
    with `core.http.access.identify`, since each protocol asks for credentials in its own way.
    With `methods`, all others pass by: they find the page at that address.
    """

    prefix: str
    endpoint: Endpoint
    access: Literal["public", "member", "owner", "own"]
    help: str
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that can be brought back alone out of a backup, e.g. one site: listed as `THINGS` in the app's store.

    Sync functions of a Connection. `source` is a backup, for reading, brought to this version's tables.
    `names(source)` are those there are. `blobs(source, name)` are the hashes of the blobs it refers to; by the time
    of `copy` they are here, to be kept. `copy(conn, source, name, new_name, user_id, now)` makes it anew in one write,
    under `new_name`, and answers the path of its page. It raises NotFound, and Conflict where the name is taken.
    """

    kind: str
    title: str
    names: Callable[[Connection], list[str]]
    blobs: Callable[[Connection, str], list[str]]
    copy: Callable[[Connection, Connection, str, str, str, int], str]


@dataclass(frozen=True, slots=True)
class Card:
    """An app's place on the dashboard: a headline figure, a line of state, something to do next."""

    figure: str
    line: str
    action: str = ""
    action_path: str = ""
    attention: bool = False


@dataclass(frozen=True, slots=True)
class App:
    """The manifest."""

    name: str
    title: str
    does: str
    parts: tuple[str, ...]
    path: str = ""
    icon: str = ""
    settings: tuple[Setting, ...] = ()
    events: tuple[EventKind, ...] = ()
    scopes: tuple[ScopeKind, ...] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    """Top-level commands in `cli`, with the line that `fazt --help` shows for each."""

    def load(self, part: str) -> Any | None:
        """The module of a part that the manifest names, or None."""
        return import_module(f"fazt.apps.{self.name}.{part}") if part in self.parts else None
