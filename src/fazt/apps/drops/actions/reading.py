"""Who may open, change and delete which drop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.drops import store
from fazt.apps.drops.engine import get_desk
from fazt.apps.drops.model import Drop, Request, check_id
from fazt.apps.drops.schema import DRAFT
from fazt.core.errors import Forbidden, NotFound, TooMany, Unauthorized
from fazt.core.http.access import find_cookie, identify, parse_basic
from fazt.core.http.hosts import client_address, find_header

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

READ, WRITE = "drops:read", "drops:write"
OWNER_TOKEN = b"x-owner-token"


async def find_caller(core: Core, scope: dict[str, Any]) -> Caller | None:
    """Who asks, if that is known: credentials that are somebody else's (a drop's password) name nobody."""
    try:
        return await identify(core, scope)
    except (Unauthorized, TooMany, Forbidden):
        return None


async def is_manager(core: Core, scope: dict[str, Any], drop: Drop, needed: str = WRITE, token: str = "") -> bool:
    """Whether this is the drop's sender, its owner, or the owner of the cloud."""
    shown = token or (find_header(scope["headers"], OWNER_TOKEN) or b"").decode("latin-1")
    if shown and await get_desk(core).is_owner_token(drop.id, shown):
        return not drop.is_private or drop.state == DRAFT  # who sent through a request link has given it away
    caller = await find_caller(core, scope)
    if caller is None or not (caller.is_owner or (drop.user_id and caller.user_id == drop.user_id)):
        return False
    return caller.may(needed)


async def check_manager(core: Core, scope: dict[str, Any], drop_id: str, token: str = "", needed: str = WRITE) -> Drop:
    """The drop, for somebody who may change it. Raises NotFound for everybody else."""
    drop = await core.db.read(store.get_drop, check_id(drop_id), core.clock())
    if not await is_manager(core, scope, drop, needed, token):
        raise NotFound("There is nothing here that you may change.", hint="Log in, or send the drop's owner token.")
    return drop


async def open_drop(core: Core, scope: dict[str, Any], drop_id: str) -> Drop:
    """A drop, for somebody who may read it.

    Raises NotFound for drafts and private drops of others, and Unauthorized with `password_needed` where the
    password is missing or wrong; TooMany after many wrong ones.
    """
    drop = await core.db.read(store.get_drop, check_id(drop_id), core.clock())
    if drop.state == DRAFT or drop.is_private:
        if not await is_manager(core, scope, drop, READ):
            raise NotFound("There is nothing here, or not any more.")
        return drop
    if drop.password_hash and not await has_entered(core, scope, drop):
        raise Unauthorized(
            "This drop has a password.", hint="Send it as X-Password, or as HTTP Basic.", password_needed=True
        )
    return drop


async def has_entered(core: Core, scope: dict[str, Any], drop: Drop) -> bool:
    """Whether the visitor has shown the password: by cookie, by header, or by Basic credentials."""
    if core.auth.gate.has_pass(drop.thing, drop.password_hash, find_cookie(scope, drop.cookie)):
        return True
    header = find_header(scope["headers"], b"x-password")
    if header is not None:
        return await is_password(core, scope, drop, header.decode("utf-8", "replace"))
    kind, _, value = (find_header(scope["headers"], b"authorization") or b"").decode("latin-1").partition(" ")
    if kind.lower() == "basic":
        try:
            _, password = parse_basic(value.strip())
        except Unauthorized:
            return False
        if await is_password(core, scope, drop, password):
            return True
    return await is_manager(core, scope, drop, READ)


async def take_password(core: Core, scope: dict[str, Any], drop: Drop, password: str) -> str | None:
    """The cookie's value for the right password, else None. Raises TooMany."""
    if not await is_password(core, scope, drop, password):
        return None
    return core.auth.gate.make_pass(drop.thing, drop.password_hash)


async def is_password(core: Core, scope: dict[str, Any], drop: Drop, password: str) -> bool:
    """Whether this is the drop's password. Raises TooMany after many wrong ones."""
    address, hashed = client_address(scope), drop.password_hash
    return await core.auth.gate.check_password(drop.thing, hashed, password, address, core.clock())


async def list_drops(core: Core, caller: Caller, request_id: str = "") -> list[Drop]:
    """The caller's drops; all of them for the owner of the cloud."""
    user_id = None if caller.is_owner else caller.user_id
    return await core.db.read(store.list_drops, user_id, core.clock(), request_id=request_id)


async def get_own_request(core: Core, caller: Caller, request_id: str) -> Request:
    """A request of the caller's. Raises NotFound."""
    found = await core.db.read(store.get_request, check_id(request_id))
    if found.user_id != caller.user_id and not caller.is_owner:
        raise NotFound("There is no such request, or it was taken back.")
    return found
