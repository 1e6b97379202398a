"""The WebSocket of a pad, for y-websocket's clients: at `/pad/{name}`, `/pad/{name}/ws`, and below."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fazt.apps.pads import actions
from fazt.apps.pads.actions import Access
from fazt.apps.pads.engine import Line, Who, get_pads
from fazt.apps.pads.routes.asked import Asked
from fazt.core.errors import FaztError, TooMany
from fazt.core.http.errors import encode_problem, to_headers, to_problem
from fazt.core.http.takeover import take_over

KEPT_HEADERS = frozenset({b"authorization", b"cookie", b"host", b"origin", b"sec-fetch-site", b"x-password"})


async def connect(asked: Asked) -> None:
    """Let a client in. It is refused with a status of HTTP, which browsers do not show: pages ask beforehand."""
    pads = get_pads(asked.core)
    try:
        access = await asked.admit()
        pad = await actions.open_pad(asked.core, access)
        room = await pads.open(pad.id)
        if len(room.lines) >= pads.limits().max_clients:
            raise TooMany("Too many are in this pad at once.", hint="Try again in a moment.")
    except FaztError as error:
        await refuse(asked, error)
        return
    who = Who(
        access.who,
        access.may_write,
        asked.query.get("saved") == "1",
        checker(asked, access),
        access.share is not None,
        access.caller,
    )
    take_over(asked.scope, Line(room, who, pads.limits().max_message))


async def refuse(asked: Asked, error: FaztError) -> None:
    """An answer of HTTP instead of a WebSocket."""
    problem = to_problem(error)
    headers = [*to_headers(problem), (b"content-type", b"application/problem+json")]
    await asked.send({"type": "websocket.http.response.start", "status": problem.status, "headers": headers})
    await asked.send({"type": "websocket.http.response.body", "body": encode_problem(problem)})


def checker(asked: Asked, access: Access) -> Callable[[], Awaitable[bool]]:
    """How to find out, later, whether this client may still do what it may now."""
    core, query, name = asked.core, asked.query, asked.name
    kept = {
        "type": "http",
        "method": "GET",
        "scheme": asked.scope.get("scheme"),
        "client": asked.scope.get("client"),
        "headers": [pair for pair in asked.scope["headers"] if pair[0] in KEPT_HEADERS],
        "fazt.local": asked.scope.get("fazt.local", False),
    }

    async def check() -> bool:
        try:
            found = await actions.admit(core, dict(kept), name, query)
        except FaztError:
            return False
        same_pad = found.pad is not None and (access.pad is None or found.pad.id == access.pad.id)
        return same_pad and found.may_write == access.may_write

    return check
