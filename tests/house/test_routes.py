"""Every route names who may use it, says what it does, and hides no other."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
from litestar import Controller, get, post, route, websocket
from litestar.handlers import BaseRouteHandler

from fazt.apps import APPS
from fazt.core import Core
from fazt.core.app import Mount, Receive, Scope, Send
from fazt.core.http.access import Connection, member, needs, owner, public
from tools.reference import MOUNT_ACCESS, describe_guard, list_handlers, list_methods

LISTED = [(app.name, item) for app in APPS for item in list_handlers(app)]


def name_of(item: Any) -> str:
    """How a finding calls a handler or a mount."""
    if isinstance(item, Mount):
        return f"mount {item.prefix}"
    return f"{', '.join(list_methods(item))} {' '.join(sorted(item.paths))}"


def find_unguarded(items: list[Any]) -> list[str]:
    """What does not name exactly one of the house's guards, or says nothing about itself."""
    wrong = []
    for item in items:
        if isinstance(item, Mount):
            sound = item.access in MOUNT_ACCESS and bool(item.help) and item.prefix.startswith("/")
        elif isinstance(item, BaseRouteHandler):
            guards = list(item.guards or ())
            sound = len(guards) == 1 and bool(describe_guard(guards[0]) and item.fn.__doc__)
        else:
            wrong.append(f"{item!r} is neither a handler nor a Mount")
            continue
        if not sound:
            wrong.append(f"{name_of(item)}: names no guard, or says nothing")
    return wrong


def find_unknown_scopes(items: list[Any], scopes: set[str]) -> list[str]:
    """Guards that ask for a scope that no app declares, so that no token could have it."""
    asked = [(item, getattr(guard, "access", "")) for item in items for guard in getattr(item, "guards", None) or ()]
    return [f"{name_of(item)}: no app declares {scope}" for item, scope in asked if scope and scope not in scopes]


def to_shape(path: str) -> str:
    """A path with nameless parameters: those of two handlers at one place cannot be told apart."""
    return re.sub(r"\{[^}]*\}", "{}", path.rstrip("/") or "/")


def find_hidden(items: list[Any]) -> list[str]:
    """Handlers of the same method and shape, handlers below a mount, and mounts of the same prefix."""
    mounts = [item for item in items if isinstance(item, Mount)]
    handlers = [item for item in items if not isinstance(item, Mount)]
    hidden = [
        f"{name_of(one)} and {name_of(other)} are the same"
        for one, other in combinations(handlers, 2)
        if set(list_methods(one)).intersection(list_methods(other))
        and {to_shape(path) for path in one.paths}.intersection(to_shape(path) for path in other.paths)
    ]
    prefixes = [mount.prefix.rstrip("/") for mount in mounts]
    hidden += [f"two mounts at {prefix}" for prefix in sorted(set(prefixes)) if prefixes.count(prefix) > 1]
    for mount in mounts:
        below = f"{mount.prefix.rstrip('/')}/"
        for handler in handlers:
            if mount.prefix != "/" and any(f"{path}/".startswith(below) for path in handler.paths):
                hidden.append(f"{name_of(mount)} hides {name_of(handler)}")
    return hidden


async def nowhere(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """An endpoint for mounts that are never called."""


@get("/x/{name:str}", guards=[public], sync_to_thread=False)
def sound(name: str) -> str:
    """Say something."""
    return name


@post("/x", guards=[needs("x:write")], sync_to_thread=False)
def sound_too() -> None:
    """Do something."""


@get("/x/{number:int}", guards=[member], sync_to_thread=False)
def same_place(number: int) -> int:
    """Hide `sound`, or be hidden by it."""
    return number


def test_every_route_names_its_access() -> None:
    assert find_unguarded([item for _, item in LISTED]) == []


def test_every_scope_that_is_asked_for_is_declared() -> None:
    scopes = {scope.name for app in APPS for scope in app.scopes}
    assert find_unknown_scopes([item for _, item in LISTED], scopes) == []


def test_no_route_hides_another() -> None:
    assert find_hidden([item for _, item in LISTED]) == []


def test_sound_routes_pass() -> None:
    mounts = [
        Mount("/y", nowhere, "own", "Y."),
        Mount("/y/z", nowhere, "public", "Z."),
        Mount("/xy", nowhere, "own", "A."),
    ]
    assert find_unguarded([sound, sound_too, *mounts]) == []
    assert find_hidden([sound, sound_too, *mounts]) == []
    assert find_unknown_scopes([sound, sound_too], {"x:write"}) == []


async def own_guard(_connection: Connection, _handler: BaseRouteHandler) -> None:
    """Let everybody in, unseen."""


@pytest.mark.parametrize("guards", [None, [], [own_guard], [member, owner]])
def test_a_route_without_its_guard_is_refused(guards: list[Any] | None) -> None:
    @get("/y", guards=guards, sync_to_thread=False)
    def handler() -> None:
        """Do something."""

    assert find_unguarded([handler]) == ["GET /y: names no guard, or says nothing"]


def test_other_refused_routes() -> None:
    @route("/y", http_method=["GET", "POST"], guards=[public], sync_to_thread=False)
    def silent() -> None: ...

    @websocket("/w")
    async def unguarded(socket: Any) -> None:
        """Talk."""

    assert len(find_unguarded([silent, unguarded, Controller, Mount("/z", nowhere, "own", "")])) == 4


def test_an_undeclared_scope_is_refused() -> None:
    assert find_unknown_scopes([sound_too], {"x:read"}) == ["POST /x: no app declares x:write"]


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([sound, same_place], "are the same"),
        ([sound, Mount("/x", nowhere, "own", "X.")], "mount /x hides GET /x/{name:str}"),
        ([sound_too, Mount("/x/", nowhere, "own", "X.")], "mount /x/ hides POST /x"),
        ([Mount("/x", nowhere, "own", "X."), Mount("/x/", nowhere, "own", "X.")], "two mounts at /x"),
    ],
)
def test_a_hidden_route_is_refused(items: list[Any], said: str) -> None:
    (found,) = find_hidden(items)
    assert said in found
