"""`/d/…`: which address and method means what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fazt.apps.drops.routes.asked import Asked
from fazt.apps.drops.routes.download import answer_drop, answer_file, answer_zip
from fazt.apps.drops.routes.manage import delete_by_address, manage_by_form, unlock
from fazt.apps.drops.routes.screens import show_request, show_upload_page, show_worker
from fazt.apps.drops.routes.tus import answer_tus
from fazt.apps.drops.routes.upload import post_form, put_file
from fazt.core.app import Mount
from fazt.core.errors import NotFound
from fazt.core.http.messages import respond

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send

Handler = Callable[[Asked, list[str]], Awaitable[None]]
ALLOW = b"GET, HEAD, OPTIONS, PUT, POST, DELETE"


async def answer(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """Everything at and below /d."""
    if scope["type"] != "http":
        raise NotFound("There is no WebSocket here.")
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0].decode("latin-1").removeprefix("/d").removeprefix("/")
    segments = [unquote(segment) for segment in path.split("/")] if path else []
    asked = Asked(core, scope, receive, send)
    handler = find_tus(asked, segments) or METHODS.get(asked.method)
    if handler is None:
        await respond(send, 405, [(b"allow", ALLOW)])
        return
    await handler(asked, segments)


def find_tus(asked: Asked, segments: list[str]) -> Handler | None:
    """Tus has its own methods; a PUT to its address sends a file of that name."""
    return answer_tus if segments[:1] == ["tus"] and asked.method != "PUT" else None


async def get(asked: Asked, segments: list[str]) -> None:
    """Pages, drops, files; `get/…` and `inline/…` are transfer.sh's names for the same."""
    match [segment for segment in segments if segment]:
        case []:
            await show_upload_page(asked)
        case ["sw.js"]:
            await show_worker(asked)
        case ["r", request_id]:
            await show_request(asked, request_id)
        case ["get" | "inline" as way, drop_id, *rest] if rest:
            await answer_file(asked, drop_id, "/".join(rest), "inline" if way == "inline" else "get")
        case [name] if name.endswith(".zip"):
            await answer_zip(asked, name.removesuffix(".zip"))
        case [drop_id]:
            await answer_drop(asked, drop_id)
        case [drop_id, *rest]:
            await answer_file(asked, drop_id, "/".join(rest), "")


async def post(asked: Asked, segments: list[str]) -> None:
    """A form with files; the password of a drop; 0x0's way to change a drop."""
    match [segment for segment in segments if segment]:
        case []:
            await post_form(asked, "")
        case ["r", request_id]:
            await post_form(asked, request_id)
        case [drop_id, "-", "unlock"]:
            await unlock(asked, drop_id)
        case [drop_id, *_]:
            await manage_by_form(asked, drop_id)


async def put(asked: Asked, segments: list[str]) -> None:
    """`curl -T`: a new drop, a file more for one that is there, or one for a request link."""
    match segments:
        case ["r", request_id, *rest] if rest:
            await put_file(asked, "/".join(rest), request_id=request_id)
        case [drop_id, *rest] if rest and "/".join(rest):
            await put_file(asked, "/".join(rest), drop_id=drop_id)
        case _:
            await put_file(asked, "".join(segments))


async def delete(asked: Asked, segments: list[str]) -> None:
    """The address in X-Url-Delete, or the drop's own with its owner token in a header."""
    await delete_by_address(asked, [segment for segment in segments if segment])


async def options(asked: Asked, _segments: list[str]) -> None:
    """What there is."""
    await respond(asked.send, 204, [(b"allow", ALLOW)])


METHODS: dict[str, Handler] = {
    "GET": get,
    "HEAD": get,
    "POST": post,
    "PUT": put,
    "DELETE": delete,
    "OPTIONS": options,
}

DOOR = Mount(
    "/d",
    answer,
    access="own",
    help="Drops: `curl -T`, `curl -F`, tus at `/d/tus`, pages and downloads. Strangers send only where they may.",
)
