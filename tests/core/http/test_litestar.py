"""All handlers are taken in at once, and nothing is different for it."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar, WebSocket, get, post, websocket
from litestar.exceptions import ImproperlyConfiguredException
from litestar.params import FromPath
from litestar.routes import HTTPRoute

from fazt.core.http.litestar import create_litestar


@get(["/things", "/things/{number:int}"], sync_to_thread=False)
def show(number: FromPath[int] = 0) -> int:
    """A thing."""
    return number


@post("/things", sync_to_thread=False)
def create() -> str:
    """A thing more."""
    return "made"


@post("/", sync_to_thread=False)
def begin() -> str:
    """The root."""
    return "begun"


@websocket("/things/live")
async def live(socket: WebSocket[Any, Any, Any]) -> None:
    """Things as they come."""
    await socket.close()


async def ask(app: Litestar, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope: Any = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
        "scheme": "http",
        "root_path": "",
        "server": ("localhost", 80),
        "client": ("localhost", 1),
        "extensions": {},
    }
    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


def make(*handlers: Any) -> Litestar:
    core: Any = None
    return create_litestar(core, list(handlers))


async def test_every_path_has_its_handlers_and_says_which() -> None:
    app = make(show, create, begin, live)
    assert (await ask(app, "GET", "/things"))[2] == b"0"
    assert (await ask(app, "GET", "/things/7"))[2] == b"7"
    assert (await ask(app, "POST", "/things"))[2] == b"made"
    for path, allowed in (("/things", "GET, OPTIONS, POST"), ("/things/7", "GET, OPTIONS"), ("/", "OPTIONS, POST")):
        status, headers, body = await ask(app, "OPTIONS", path)
        assert (status, headers["allow"], body) == (204, allowed, b"")
    assert {route.path for route in app.routes} >= {"/things", "/things/{number:int}", "/", "/things/live"}


def test_a_path_is_made_once_and_options_are_answered_by_one_handler() -> None:
    routes = [route for route in make(show, create, begin).routes if not route.path.startswith("/api/docs")]
    assert sorted(route.path for route in routes) == ["/", "/things", "/things/{number:int}"]
    found = [handler for route in routes if isinstance(route, HTTPRoute) for handler in route.route_handlers]
    assert len({id(handler) for handler in found if handler.http_methods == {"OPTIONS"}}) == 1
    assert len({id(handler) for handler in found}) == 4


def test_two_handlers_for_one_method_of_a_path_are_refused() -> None:
    with pytest.raises(ImproperlyConfiguredException, match="already registered"):
        make(show, get("/things", sync_to_thread=False)(show.fn))
