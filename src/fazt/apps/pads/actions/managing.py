"""What owners of pads choose: who may come, links, the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.pads import store
from fazt.apps.pads.actions.access import is_manager_of
from fazt.apps.pads.engine import check_all, get_pads
from fazt.apps.pads.model import Pad, check_password
from fazt.core.clock import DAY
from fazt.core.errors import Forbidden, Invalid
from fazt.core.http.hosts import base_url
from fazt.core.ids import new_slug
from fazt.core.shares import Share, revoke_share
from fazt.core.shares import create_share as make_share

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

NAME_CHARS = 8


class Changes(msgspec.Struct, frozen=True):
    """What is to be changed; None stays as it is.

    `members` and `guests` are none, read, write, or "" for the cloud's setting; `password` "" takes it off; `days`
    counts from now, 0 is for ever.
    """

    members: str | None = None
    guests: str | None = None
    password: str | None = None
    days: int | None = None


class NewShare(msgspec.Struct, frozen=True):
    """A link to make: for so many days (0: until it is revoked), with a password or without."""

    may_write: bool = False
    days: int = 0
    password: str = ""
    label: str = ""


def pad_url(core: Core, scope: dict[str, Any], name: str) -> str:
    """Its address."""
    return f"{base_url(core.config, scope)}/pad/{name}"


def share_url(core: Core, scope: dict[str, Any], name: str, share: Share) -> str:
    """The address of a link to it."""
    return f"{pad_url(core, scope, name)}?share={share.token}"


def new_name() -> str:
    """A name that nobody guesses soon."""
    return new_slug(NAME_CHARS)


async def make_pad(core: Core, caller: Caller, name: str) -> Pad:
    """A new pad. Raises Invalid, Conflict and OverQuota."""
    now, days = core.clock(), core.settings.get("pads.default_days")
    most = core.settings.get("pads.user_pads")
    expires_at = now + days * DAY if days else None
    return await core.db.write(store.create_pad, name, caller.user_id, now, most=most, expires_at=expires_at)


async def change_pad(core: Core, pad: Pad, changes: Changes) -> Pad:
    """Change what its owner chooses; whoever may not be there any more is shown out. Raises Invalid."""
    values: dict[str, Any] = {
        name: value for name in ("members", "guests") if (value := getattr(changes, name)) is not None
    }
    if changes.password is not None:
        hashed = await core.auth.gate.hash_password(check_password(changes.password)) if changes.password else ""
        values["password_hash"] = hashed
    if changes.days is not None:
        values["expires_at"] = end_of(core, changes.days)
    changed = await core.db.write(store.change_pad, pad.id, core.clock(), **values)
    await check_all(get_pads(core), pad.id)
    return changed


def end_of(core: Core, days: int) -> int | None:
    """So many days from now; None for 0. Raises Invalid."""
    if not 0 <= days <= 36_500:
        raise Invalid("Days are 0, for no end, up to 36,500.")
    return core.clock() + days * DAY if days else None


async def erase_pad(core: Core, pad: Pad) -> None:
    """Text, history and links are gone, in memory and in the file."""
    await core.db.write(store.erase, pad.id, "erased", core.clock())
    get_pads(core).end(pad.id)
    await get_pads(core).scrub()


async def create_share(core: Core, caller: Caller, pad: Pad, wanted: NewShare) -> Share:
    """A link by which others come to a pad. Raises Invalid."""
    if not is_manager_of(caller, pad):
        raise Forbidden("Only the owner of a pad makes links to it.")
    hashed = await core.auth.gate.hash_password(check_password(wanted.password)) if wanted.password else ""
    return await core.db.write(
        make_share,
        app=store.APP,
        target=pad.id,
        user_id=caller.user_id,
        now=core.clock(),
        label=wanted.label,
        may_write=wanted.may_write,
        password_hash=hashed,
        expires_at=end_of(core, wanted.days),
    )


async def end_share(core: Core, pad: Pad, share_id: str) -> None:
    """It leads nowhere from now on, and whoever came by it is shown out. Raises NotFound."""
    await core.db.write(end_share_of, pad.id, share_id)
    await check_all(get_pads(core), pad.id)


def end_share_of(conn: Any, pad_id: str, share_id: str) -> None:
    """In one write."""
    found = revoke_share(conn, share_id, user_id=None)
    if found.app != store.APP or found.target != pad_id:
        raise Invalid("That link is to another pad.")
