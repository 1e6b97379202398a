"""Who may read, write and manage which pad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.pads import store
from fazt.apps.pads.model import GUEST, Pad, check_name
from fazt.core.clock import DAY
from fazt.core.errors import FaztError, Forbidden, NotFound, TooMany, Unauthorized
from fazt.core.http.access import find_cookie, identify, parse_basic
from fazt.core.http.hosts import client_address, find_header
from fazt.core.shares import Share, cookie_of, get_shared

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

READ, WRITE = "pads:read", "pads:write"
ORDER = {"none": 0, "read": 1, "write": 2}


class Access(msgspec.Struct, frozen=True):
    """What somebody may do with the pad `name`, which may not be there yet."""

    name: str
    pad: Pad | None
    caller: Caller | None
    share: Share | None
    may_write: bool
    may_create: bool
    is_manager: bool

    @property
    def who(self) -> str:
        """Their name in the history."""
        if self.caller is not None:
            return self.caller.name or self.caller.handle or "somebody"
        return GUEST

    def check_write(self) -> None:
        """Raises Forbidden for those who may only read."""
        if not self.may_write:
            raise Forbidden("You may read this pad, not change it.", hint="Ask its owner for a link for writing.")


async def find_caller(core: Core, scope: dict[str, Any]) -> Caller | None:
    """Who asks, if that is known: credentials that are somebody else's (a pad's password) name nobody."""
    try:
        return await identify(core, scope)
    except (Unauthorized, TooMany, Forbidden):
        return None


def level_of_member(core: Core, pad: Pad | None) -> str:
    """What members may do with each other's pads."""
    return (pad.members if pad is not None else "") or str(core.settings.get("pads.members"))


def level_of_guest(core: Core, pad: Pad | None) -> str:
    """What people without an account may do."""
    chosen = (pad.guests if pad is not None else "") or str(core.settings.get("pads.strangers"))
    return "write" if chosen == "create" else chosen


def is_manager_of(caller: Caller, pad: Pad) -> bool:
    """Whether this is the pad's owner, or the owner of the cloud."""
    return caller.is_owner or (bool(pad.user_id) and caller.user_id == pad.user_id)


def find_level(core: Core, caller: Caller | None, pad: Pad | None, name: str) -> str:
    """What who they are gives them. Raises Forbidden for a token without the scope."""
    if caller is None:
        return level_of_guest(core, pad)
    caller.check(f"{READ}:{name}")
    level = "write" if pad is None or is_manager_of(caller, pad) else level_of_member(core, pad)
    level = max(level, level_of_guest(core, pad), key=ORDER.__getitem__)
    return level if caller.may(f"{WRITE}:{name}") else min(level, "read", key=ORDER.__getitem__)


def use_token(scope: dict[str, Any], token: str) -> None:
    """`?token=` stands in for a header that browsers cannot send with a WebSocket."""
    if token and find_header(scope["headers"], b"authorization") is None:
        scope["headers"] = [*scope["headers"], (b"authorization", b"Bearer " + token.encode("utf-8", "replace"))]


async def admit(core: Core, scope: dict[str, Any], name: str, query: dict[str, str]) -> Access:
    """What whoever sends this request may do with a pad; to read it at least.

    Raises Unauthorized (with `password_needed` where that is all that is missing), Forbidden, and NotFound for a link
    that has ended.
    """
    check_name(name)
    use_token(scope, query.get("token", ""))
    pad = await core.db.point(store.find_pad, name, core.clock())
    refused: FaztError | None = None
    try:
        caller = await identify(core, scope)
    except (Unauthorized, TooMany) as error:
        caller, refused = None, error  # it may be the pad's password
    share = await find_link(core, pad, query.get("share", ""))
    level = "none"
    try:
        level = find_level(core, caller, pad, name)
    except Forbidden as error:
        refused = error
    is_manager = caller is not None and pad is not None and is_manager_of(caller, pad) and level == "write"
    if share is not None and not is_manager:
        await check_password(core, scope, share.thing, share.password_hash, cookie_of(share))
        level = max(level, "write" if share.may_write else "read", key=ORDER.__getitem__)
    elif level == "none":
        raise refused or refusal(caller)
    elif pad is not None and not is_manager:
        await check_password(core, scope, pad.thing, pad.password_hash, pad.cookie)
    if caller is None and refused is not None and pad is not None and not pad.password_hash and share is None:
        raise refused
    may_create = level == "write" and (caller is not None or core.settings.get("pads.strangers") == "create")
    return Access(name, pad, caller, share, level == "write", may_create, is_manager)


def refusal(caller: Caller | None) -> FaztError:
    """Nobody hears here whether there is such a pad."""
    if caller is None:
        return Unauthorized("Log in to open this pad.", hint="Or ask its owner for a link.")
    return NotFound("There is no such pad, or it is not for you.", hint="Ask its owner for a link.")


async def find_link(core: Core, pad: Pad | None, token: str) -> Share | None:
    """The link that was followed to a pad. Raises NotFound where it has ended."""
    if not token:
        return None
    share = await get_shared(core, token, store.APP)
    if pad is None or share.target != pad.id:
        raise NotFound("This link has ended.", hint="Ask for a new one.")
    return share


async def check_password(core: Core, scope: dict[str, Any], thing: str, hashed: str, cookie: str) -> None:
    """Raises Unauthorized unless there is no password, or it was shown: by cookie, header, or Basic credentials."""
    if not hashed or core.auth.gate.has_pass(thing, hashed, find_cookie(scope, cookie)):
        return
    shown = [find_header(scope["headers"], b"x-password")]
    kind, _, value = (find_header(scope["headers"], b"authorization") or b"").decode("latin-1").partition(" ")
    if kind.lower() == "basic":
        shown.append(parse_basic(value.strip())[1].encode())
    for password in shown:
        if password is not None and await is_password(core, scope, thing, hashed, password.decode("utf-8", "replace")):
            return
    raise Unauthorized(
        "This pad has a password.", hint="Send it as X-Password, or as HTTP Basic.", password_needed=True
    )


async def is_password(core: Core, scope: dict[str, Any], thing: str, hashed: str, password: str) -> bool:
    """Whether this is the password. Raises TooMany after many wrong ones."""
    return await core.auth.gate.check_password(thing, hashed, password, client_address(scope), core.clock())


async def take_password(
    core: Core, scope: dict[str, Any], name: str, token: str, password: str
) -> tuple[str, str] | None:
    """The cookie (name, value) for the right password of a pad or link; None for a wrong one. Raises TooMany."""
    pad = await core.db.point(store.get_pad, check_name(name), core.clock())
    share = await find_link(core, pad, token)
    thing, hashed, cookie = (
        (share.thing, share.password_hash, cookie_of(share)) if share else (pad.thing, pad.password_hash, pad.cookie)
    )
    if not hashed or not await is_password(core, scope, thing, hashed, password):
        return None
    return cookie, core.auth.gate.make_pass(thing, hashed)


async def open_pad(core: Core, access: Access) -> Pad:
    """The pad, made where there is none and this person may make one. Raises NotFound and OverQuota."""
    if access.pad is not None:
        return access.pad
    if not access.may_create:
        raise store.no_such_pad(access.name)
    user_id = access.caller.user_id if access.caller is not None else ""
    days = core.settings.get("pads.default_days" if access.caller is not None else "pads.stranger_days")
    now = core.clock()
    return await core.db.write(
        store.ensure_pad,
        access.name,
        user_id,
        now,
        most=core.settings.get("pads.user_pads"),
        expires_at=now + days * DAY if days else None,
    )


async def check_manager(core: Core, caller: Caller, name: str, needed: str = WRITE) -> Pad:
    """The pad, for whoever may change what its owner chooses. Raises NotFound and Forbidden."""
    caller.check(f"{needed}:{name}")
    pad = await core.db.point(store.get_pad, check_name(name), core.clock())
    if not is_manager_of(caller, pad):
        raise NotFound(f"There is no pad {name!r} of yours.")
    return pad
