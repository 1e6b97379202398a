"""The bytes behind links, for strangers: whole or in parts, and nothing in them runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fazt.apps.drive import actions
from fazt.apps.drive.routes.asking import Ask, Refused, Reply
from fazt.apps.drive.routes.dav import answer
from fazt.apps.drive.routes.getting import file_reply
from fazt.apps.drive.wire.paths import quote_name

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Receive, Scope, Send


async def answer_link(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """GET and HEAD of `/drive/raw/TOKEN/PATH`."""
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": 1000})
        return
    await answer(core, scope, receive, send, give)


async def give(ask: Ask) -> Reply:
    """One file. With `?save` a browser saves it."""
    if ask.method not in {"GET", "HEAD"}:
        raise Refused(405, "A link is for reading.", headers=((b"allow", b"GET, HEAD"),))
    token, path = (ask.address.segments[2:3] or ("",))[0], ask.address.segments[3:]
    found = await actions.open_link(ask.core, ask.scope, token, path)
    if found.node.is_folder:
        raise Refused(404, "This is a folder.")
    reply = file_reply(ask, found.node, None)
    if b"save" in ask.scope["query_string"]:
        name = f"attachment; filename*=UTF-8''{quote_name(found.node.name)}"
        reply.headers.append((b"content-disposition", name.encode()))
    return reply
