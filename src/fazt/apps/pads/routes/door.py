"""`/pad/{name}…`: which address and method means what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fazt.apps.pads.model import split_ending
from fazt.apps.pads.routes.asked import Asked
from fazt.apps.pads.routes.changing import append, erase, restore, save, write
from fazt.apps.pads.routes.history import show_history, show_then
from fazt.apps.pads.routes.reading import ask_upgrade, show, show_preview, unlock
from fazt.apps.pads.routes.socket import connect
from fazt.apps.pads.routes.stream import stream_changes
from fazt.core.app import Mount
from fazt.core.errors import NotFound
from fazt.core.http.messages import respond

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

Handler = Callable[[Asked], Awaitable[None]]
ALLOW = b"GET, HEAD, OPTIONS, PUT, POST, DELETE"
ADDRESSES: dict[tuple[str, str], Handler] = {
    ("GET", ""): show,
    ("GET", "raw"): show,
    ("GET", "events"): stream_changes,
    ("GET", "sse"): stream_changes,
    ("GET", "history"): show_history,
    ("GET", "then"): show_then,
    ("GET", "preview"): show_preview,
    ("GET", "ws"): ask_upgrade,
    ("PUT", ""): write,
    ("PUT", "raw"): write,
    ("POST", ""): append,
    ("POST", "raw"): append,
    ("POST", "save"): save,
    ("POST", "restore"): restore,
    ("POST", "unlock"): unlock,
    ("DELETE", ""): erase,
}


async def answer(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """Everything at and below /pad."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].decode("latin-1").removeprefix("/pad").strip("/")
    first, _, rest = path.partition("/")
    name, ending = split_ending(unquote(first))
    asked = Asked(core, scope, receive, send, name, rest, ending)
    if scope["type"] == "websocket":
        await connect(asked)
    elif not name:
        await asked.redirect("/pads")
    elif asked.method == "OPTIONS":
        await respond(send, 204, [(b"allow", ALLOW)])
    else:
        await find_handler(asked)(asked)


def find_handler(asked: Asked) -> Handler:
    """Who answers. Raises NotFound."""
    method = "GET" if asked.method == "HEAD" else asked.method
    handler = ADDRESSES.get((method, asked.rest))
    if handler is not None:
        return handler
    if any(rest == asked.rest for _, rest in ADDRESSES):
        return refuse_method
    raise NotFound("There is nothing at this address of a pad.")


async def refuse_method(asked: Asked) -> None:
    """405."""
    await respond(asked.send, 405, [(b"allow", ALLOW)])


DOOR = Mount(
    "/pad",
    answer,
    access="own",
    help="Pads: the page, the text (`curl`), `PUT`, `POST` to append, changes as SSE, and y-websocket's protocol.",
    has_websockets=True,
)
