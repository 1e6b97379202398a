"""The API of pads: `/api/v1/pads…`. Texts are read and written at `/pad/{name}`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, delete, get, patch, post

from fazt.apps.pads import actions, store
from fazt.apps.pads.actions import Changes, NewShare
from fazt.apps.pads.engine import get_pads
from fazt.apps.pads.model import Pad
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.http.access import needs
from fazt.core.shares import Share, list_shares

READ = needs("pads:read", some=True)
WRITE = needs("pads:write", some=True)
ROOT = "/api/v1/pads"
AnyRequest = Request[Any, Any, Any]


class PadView(msgspec.Struct):
    """A pad. `size` is bytes of text when it last came to rest, `connected` who has it open now."""

    id: str
    name: str
    url: str
    is_own: bool
    members: str
    guests: str
    is_protected: bool
    size: int
    seq: int
    connected: int
    created_at: int
    changed_at: int
    expires_at: int | None


class VersionView(msgspec.Struct):
    """A moment of a pad's history."""

    seq: int
    at: int
    who: str
    bytes: int


class ShareView(msgspec.Struct):
    """A link to a pad."""

    id: str
    url: str
    may_write: bool
    label: str
    has_password: bool
    created_at: int
    expires_at: int | None


class NewPad(msgspec.Struct):
    """A pad to make; without a name it gets one that nobody guesses soon."""

    name: str = ""
    text: str = ""
    members: str | None = None
    guests: str | None = None
    password: str | None = None
    days: int | None = None


class Moment(msgspec.Struct):
    """A moment of the history, by the number of its update."""

    seq: int


class Written(msgspec.Struct):
    """What a text is now."""

    seq: int
    etag: str
    text: str


def to_view(core: Core, caller: Caller, request: AnyRequest, pad: Pad) -> PadView:
    """A pad as the API shows it."""
    scope: Any = request.scope
    room = get_pads(core).rooms.get(pad.id)
    return PadView(
        pad.id,
        pad.name,
        actions.pad_url(core, scope, pad.name),
        pad.user_id == caller.user_id,
        pad.members,
        pad.guests,
        bool(pad.password_hash),
        pad.size if room is None else room.document.size,
        pad.seq,
        len(room.lines) if room is not None else 0,
        pad.created_at,
        pad.changed_at,
        pad.expires_at,
    )


def to_share(core: Core, request: AnyRequest, pad: Pad, share: Share) -> ShareView:
    """A link as the API shows it."""
    scope: Any = request.scope
    url = actions.share_url(core, scope, pad.name, share)
    has_password = bool(share.password_hash)
    return ShareView(share.id, url, share.may_write, share.label, has_password, share.created_at, share.expires_at)


@get(ROOT, guards=[READ], summary="List pads")
async def list_pads(core: Core, caller: Caller, request: AnyRequest) -> list[PadView]:
    """Yours and those that others let you see, the newest change first; all of them where the cloud is yours."""
    shared = core.settings.get("pads.members") != "none"
    pads = await core.db.read(store.list_pads, caller.user_id, core.clock(), shared=shared, everything=caller.is_owner)
    return [to_view(core, caller, request, pad) for pad in pads if caller.may(f"pads:read:{pad.name}")]


@post(ROOT, guards=[WRITE], summary="Make a pad")
async def create_pad(core: Core, caller: Caller, request: AnyRequest, data: NewPad) -> PadView:
    """An empty one, or with a text."""
    name = data.name or actions.new_name()
    caller.check(f"pads:write:{name}")
    pad = await actions.make_pad(core, caller, name)
    changes = Changes(data.members, data.guests, data.password, data.days)
    if changes != Changes():
        pad = await actions.change_pad(core, pad, changes)
    if data.text:
        await actions.put_text(core, pad, data.text, caller.name)
        pad = await core.db.read(store.get_pad, name, core.clock())
    return to_view(core, caller, request, pad)


@get(ROOT + "/{name:str}", guards=[READ], summary="Show a pad")
async def get_pad(core: Core, caller: Caller, request: AnyRequest, name: str) -> PadView:
    """What its owner chose, and who is there; the text is at `/pad/{name}`."""
    pad = await actions.check_manager(core, caller, name, "pads:read")
    return to_view(core, caller, request, pad)


@patch(ROOT + "/{name:str}", guards=[WRITE], summary="Change a pad")
async def change_pad(core: Core, caller: Caller, request: AnyRequest, name: str, data: Changes) -> PadView:
    """Who may open it, its password, and when it ends."""
    pad = await actions.check_manager(core, caller, name)
    return to_view(core, caller, request, await actions.change_pad(core, pad, data))


@delete(ROOT + "/{name:str}", guards=[WRITE], summary="Erase a pad")
async def erase_pad(core: Core, caller: Caller, name: str) -> None:
    """Text, history and links; nothing of it stays in the file."""
    await actions.erase_pad(core, await actions.check_manager(core, caller, name))


@get(ROOT + "/{name:str}/history", guards=[READ], summary="List the history of a pad")
async def list_history(core: Core, caller: Caller, name: str) -> list[VersionView]:
    """Its moments, the newest first; the text of one is at `/pad/{name}/then?at=SEQ`."""
    pad = await actions.check_manager(core, caller, name, "pads:read")
    found = await core.db.read(store.list_versions, pad.id)
    return [VersionView(one.seq, one.at, one.who, one.bytes) for one in found]


@post(ROOT + "/{name:str}/restore", guards=[WRITE], status_code=200, summary="Restore a pad")
async def restore_pad(core: Core, caller: Caller, name: str, data: Moment) -> Written:
    """The text is again what it was at a moment of the history, as a new change."""
    pad = await actions.check_manager(core, caller, name)
    done = await actions.restore(core, pad, data.seq, caller.name)
    return Written(done.seq, f'"{done.tag}"', done.text)


@get(ROOT + "/{name:str}/shares", guards=[READ], summary="List links to a pad")
async def get_shares(core: Core, caller: Caller, request: AnyRequest, name: str) -> list[ShareView]:
    """Newest first."""
    pad = await actions.check_manager(core, caller, name)
    return [to_share(core, request, pad, share) for share in await core.db.read(list_shares, store.APP, pad.id)]


@post(ROOT + "/{name:str}/shares", guards=[WRITE], summary="Make a link to a pad")
async def make_share(core: Core, caller: Caller, request: AnyRequest, name: str, data: NewShare) -> ShareView:
    """Whoever has it reads the pad, and writes in it where you say so."""
    pad = await actions.check_manager(core, caller, name)
    return to_share(core, request, pad, await actions.create_share(core, caller, pad, data))


@delete(ROOT + "/{name:str}/shares/{share_id:str}", guards=[WRITE], summary="End a link to a pad")
async def end_share(core: Core, caller: Caller, name: str, share_id: str) -> None:
    """It leads nowhere from now on, and whoever came by it is shown out."""
    await actions.end_share(core, await actions.check_manager(core, caller, name), share_id)


HANDLERS: list[Any] = [
    list_pads,
    create_pad,
    get_pad,
    change_pad,
    erase_pad,
    list_history,
    restore_pad,
    get_shares,
    make_share,
    end_share,
]
