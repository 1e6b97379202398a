"""The door before a share: who holds its link, and knows its password where it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.auth.store import get_user
from fazt.core.errors import NotFound
from fazt.core.http.access import find_cookie
from fazt.core.shares.model import Share
from fazt.core.shares.store import find_share

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fazt.core import Core

DEAD = "This link leads nowhere (any more)."


def find_living(conn: Connection, token: str, now: int) -> Share | None:
    """The share with this token, unless who made it is suspended."""
    found = find_share(conn, token, now=now)
    return None if found is None or get_user(conn, found.user_id).is_suspended else found


async def get_shared(core: Core, token: str, app: str = "") -> Share:
    """The live share with this token, of this app where one is named. Raises NotFound."""
    found = await core.db.read(find_living, token, core.clock())
    if found is None or (app and found.app != app):
        raise NotFound(DEAD, hint="Ask who sent it for a new one.")
    return found


def cookie_of(share: Share) -> str:
    """The cookie of those who know the password of a share."""
    return f"fazt-link-{share.id}"


def is_open(core: Core, scope: Any, share: Share) -> bool:
    """Whether this visitor needs no password, or has given it."""
    if not share.password_hash:
        return True
    return core.auth.gate.has_pass(share.thing, share.password_hash, find_cookie(scope, cookie_of(share)))


def door_of(share: Share) -> str:
    """Where the password is asked for; from there it goes on to what is shared."""
    return f"/shares/open/{share.token}"
