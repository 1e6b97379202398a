"""What an app is: its manifest, and the kinds of things a manifest lists.

Manifests are read by every command, so this module and the apps' `__init__` import nothing heavy.
A manifest names its `parts`; `load` imports them when the server starts, by the fixed names below.

| part     | constant or function in it                                          |
|----------|---------------------------------------------------------------------|
| `routes` | `ROUTES`: Litestar handlers and `Mount`s; optional `find_host`, `list_hosts`, `front_host` |
| `pages`  | `PAGES`: the same, for people; optional `card(core, caller) -> Card`, |
|          | `concerns(core, caller) -> list[Concern]`,                          |
|          | `connect(core, caller, base) -> dict`: more for the template `connect.html`, |
|          | `VISITED`, a `Visited`, and `SHAREABLE`, a `Shareable`              |
| `engine` | `run(core)`: an async context manager around the app's life;         |
|          | optional `before_open(config)`, run before the file is opened        |
| `server` | `run(core)`: the same, for listeners that are not HTTP               |
| `jobs`   | `JOBS`: tuple of `Job`                                              |
| `script` | `SCRIPT`: tuple of `ScriptFunction`                                 |
| `store`  | `on_event(conn, event)`, run once after the commit of each event in `hears`; |
|          | `THINGS`: tuple of `Thing`; `SPARES`: tuple of `Spare`;              |
|          | `list_blob_queries(dialect) -> list[str]`: SELECTs of kept hashes   |
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
    from fazt.core.auth import Caller
    from fazt.core.http.front import Reply
    from fazt.core.shares import Share

SettingValue = bool | int | float | str | list[str]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Endpoint = Callable[["Core", Scope, Receive, Send], Awaitable[None]]
"""A plain ASGI callable that is also given the Core."""

Front = Callable[["Core", Scope, "Reply"], bool]
"""(core, scope, reply) -> whether it takes this GET or HEAD. See core.http.front for what it may do."""

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

    `run(core, caller, **arguments)`; arguments and answer are JSON. `scope` is what the caller must have; with
    `by_resource` a caller held to one resource of it (`textdb:read:posts`) may call it, and `run` checks which.
    """

    name: str
    scope: str
    run: Callable[..., Awaitable[Any]]
    help: str
    example: str = ""
    by_resource: bool = False

    def may(self, caller: Caller) -> bool:
        """Whether the caller has the scope, for everything or for some of it."""
        return caller.may_some(self.scope) if self.by_resource else caller.may(self.scope)


@dataclass(frozen=True, slots=True)
class Mount:
    """A plain ASGI endpoint for every path at or below `prefix`.

    `access` documents who may call; an endpoint that is not "public" authenticates by itself
    with `core.http.access.identify`, since each protocol asks for credentials in its own way.
    With `methods`, all others pass by: they find the page at that address. `front` is asked first; `front_post` and
    `front_put` for a POST or a PUT whose body is short, when all of it has come. WebSockets come only to who
    `has_websockets`.
    """

    prefix: str
    endpoint: Endpoint
    access: Literal["public", "member", "owner", "own"]
    help: str
    methods: tuple[str, ...] = ()
    front: Front | None = None
    front_post: Front | None = None
    front_put: Front | None = None
    has_websockets: bool = False


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
class Concern:
    """Something that needs this person: what, and where to see to it. `is_bad`: something does not work."""

    text: str
    action: str
    path: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Visited:
    """That visits to this app's things are counted: listed as `VISITED` in its pages, for the page Analytics.

    `kind` is that of `core.visits`. `targets(core, caller)` are those that this person may know of; None is all.
    `names(core, targets)` are (title, path of its page) by target; what is gone has none.
    """

    kind: str
    title: str
    targets: Callable[[Core, Caller], Awaitable[list[str] | None]]
    names: Callable[[Core, list[str]], Awaitable[dict[str, tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class Shareable:
    """That this app's things can be shared by link: listed as `SHAREABLE` in its pages.

    `check(core, caller, target)` answers what a thing is called, and raises NotFound or Forbidden where this person
    may not share it. `path(share)` is where its link leads, a page of the app: it finds the share by its token with
    `core.shares.get_shared`, and sends who is not `is_open` to `door_of(share)`. `may_write`: links may allow that.
    """

    check: Callable[[Core, Caller, str], Awaitable[str]]
    path: Callable[[Share], str]
    may_write: bool = False


@dataclass(frozen=True, slots=True)
class KeptLink:
    """A link that an app keeps itself, in a table of its own, as the page of all links shows it. Times in ms.

    Listed by `list_kept_links(conn, user_id, now)` in the app's store: those that are open alone. `path` is where it
    leads, `care` the page of the app where it is changed and ended.
    """

    label: str
    path: str
    care: str
    created_at: int
    expires_at: int | None
    visits: int
    has_password: bool = False


@dataclass(frozen=True, slots=True)
class Spare:
    """Something that an app could do without, e.g. its trash: listed as `SPARES` in the app's store.

    Sync functions of a Connection. `measure(conn)` is how many things they are, and their bytes. `free(conn, now)`
    lets some of them go, of everybody, and answers whether there are more; None where `path` is where one does so.
    """

    name: str
    title: str
    help: str
    measure: Callable[[Connection], tuple[int, int]]
    free: Callable[[Connection, int], bool] | None = None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """An app's place on the dashboard: a headline figure, a line of state, something to do next."""

    figure: str
    line: str
    action: str = ""
    action_path: str = ""
    attention: bool = False


@dataclass(frozen=True, slots=True)
class Connect:
    """What clients of this app log in with: the panel «Connect a client» of its pages makes it on the spot.

    `app`: a user name and an app password; `token`: a token. The steps are the app's template `connect.html`.
    """

    kind: Literal["app", "token"]
    scopes: tuple[str, ...]


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
    hears: tuple[str, ...] = ("*",)
    """The events that `store.on_event` is called for; `*` is all of them."""
    scopes: tuple[ScopeKind, ...] = ()
    commands: Mapping[str, str] = field(default_factory=dict)
    """Top-level commands in `cli`, with the line that `fazt --help` shows for each."""
    connect: Connect | None = None

    def load(self, part: str) -> Any | None:
        """The module of a part that the manifest names, or None."""
        return import_module(f"fazt.apps.{self.name}.{part}") if part in self.parts else None
