"""Attachments at `/joplin/files/ID`, for who may read the notes."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Connection

from fazt.apps.joplin.actions.rendering import send_attachment
from fazt.apps.joplin.store import reading
from fazt.apps.joplin.store.items import read_data
from fazt.core import Core
from fazt.core.app import Mount, Receive, Scope, Send
from fazt.core.errors import NotFound
from fazt.core.http.access import demand

PATH = re.compile(r"/joplin/files/([0-9a-f]{32})")


async def answer(core: Core, scope: Scope, _receive: Receive, send: Send) -> None:
    """One attachment. Raises NotFound, Unauthorized, Forbidden."""
    caller = await demand(core, scope)
    caller.check("joplin:read")
    found = PATH.fullmatch(scope["path"])
    if found is None or scope["method"] not in {"GET", "HEAD"}:
        raise NotFound("There is no such attachment.")
    facts, data, inline = await core.db.read(read_attachment, caller.user_id, found[1])
    await send_attachment(core, scope, send, facts, data, inline)


def read_attachment(conn: Connection, user_id: str, id: str) -> tuple[Any, Any, bytes]:
    """Facts, row and, where they stand there, bytes of an attachment. Raises NotFound."""
    found = reading.find_attachment(conn, user_id, id)
    if found is None:
        raise NotFound("There is no such attachment.")
    facts, data = found
    return facts, data, read_data(conn, data.id) if data.hash is None else b""


MOUNT = Mount("/joplin/files", answer, "own", "Attachments of notes; a login, or a token with joplin:read.")
