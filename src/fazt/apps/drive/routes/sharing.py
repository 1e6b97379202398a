"""The API of what is shared: folders for several people, and links."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import delete, get, post, put
from sqlalchemy import Connection

from fazt.apps.drive import actions, store
from fazt.apps.drive.model.naming import join_path, split_path
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.auth.store import find_account
from fazt.core.clock import DAY
from fazt.core.errors import Forbidden, Invalid, NotFound
from fazt.core.http.access import needs
from fazt.core.shares import Share, create_share, list_shares, list_shares_of, revoke_share

READ, WRITE = needs("drive:read"), needs("drive:write")
ROOT = "/api/v1/drive"
MIN_PASSWORD = 4


class SharedView(msgspec.Struct):
    """A shared folder: whether you made it, and who else sees it (user id: may write)."""

    name: str
    is_own: bool
    may_write: bool
    people: dict[str, bool]


class ShareView(msgspec.Struct):
    """A link by which others see a file or folder; `url` is its path on this host."""

    id: str
    path: str
    url: str
    has_password: bool
    created_at: int
    expires_at: int | None
    visits: int


class NewShare(msgspec.Struct):
    """A link to make: for so many days (0: until it is revoked), with a password or without."""

    path: str
    days: int = 0
    password: str = ""


class NewShared(msgspec.Struct):
    """A shared folder to make."""

    name: str


class Person(msgspec.Struct):
    """Whom to let in, by e-mail or handle."""

    person: str
    may_write: bool = False


# --- shared folders


@get(f"{ROOT}/shared", guards=[READ], summary="List shared folders")
async def list_shared(core: Core, caller: Caller) -> list[SharedView]:
    """Those that you made, and those that others let you see."""
    return await core.db.read(view_shared, caller.user_id)


def view_shared(conn: Connection, user_id: str) -> list[SharedView]:
    """Shared folders with the people in them, whom only their owner sees."""
    return [
        SharedView(
            space.name,
            space.owner == user_id,
            space.may_write,
            store.list_access(conn, space.id) if space.owner == user_id else {},
        )
        for space in store.list_shared(conn, user_id)
    ]


@post(f"{ROOT}/shared", guards=[WRITE], summary="Make a shared folder", status_code=204)
async def make_shared(core: Core, caller: Caller, data: NewShared) -> None:
    """Only you see it until you let others in."""
    await core.db.write(store.create_shared, data.name, caller.user_id, core.clock())


async def find_person(core: Core, login: str) -> str:
    """The id of somebody by e-mail or handle. Raises NotFound."""
    account = await core.db.read(find_account, login)
    if account is None:
        raise NotFound(f"Nobody here is called {login!r}.")
    return account.user.id


@put(f"{ROOT}/shared/{{name:str}}/people", guards=[WRITE], summary="Let somebody into a shared folder", status_code=204)
async def let_in(core: Core, caller: Caller, name: str, data: Person) -> None:
    """To look, or with `may_write` to change things."""
    person = await find_person(core, data.person)
    await core.db.write(store.put_access, name, caller.user_id, person, may_write=data.may_write)


@delete(f"{ROOT}/shared/{{name:str}}/people/{{person:str}}", guards=[WRITE], summary="Let somebody in no longer")
async def let_out(core: Core, caller: Caller, name: str, person: str) -> None:
    """By the owner of the folder, or by themselves."""
    known = person if person == caller.user_id else await find_person_or_id(core, name, caller, person)
    await core.db.write(store.delete_access, name, caller.user_id, known)


async def find_person_or_id(core: Core, name: str, caller: Caller, person: str) -> str:
    """An id that is on the list of a shared folder, or the id of a person by name."""
    found = await core.db.read(store.find_shared, name, caller.user_id)
    people = await core.db.read(store.list_access, found.id) if found is not None else {}
    return person if person in people else await find_person(core, person)


# --- links


def to_share(share: Share, path: str) -> ShareView:
    """A share as the API shows it."""
    return ShareView(
        share.id,
        path,
        f"/drive/s/{share.token}",
        bool(share.password_hash),
        share.created_at,
        share.expires_at,
        share.visits,
    )


@get(f"{ROOT}/shares", guards=[READ], summary="List links")
async def get_shares(core: Core, caller: Caller, path: str = "") -> list[ShareView]:
    """Your links; with `path` those to one file or folder."""
    if path:
        found = await core.db.read(store.get_node, await actions.spot_of(core, caller, path))
        shares = [
            one for one in await core.db.read(list_shares, "drive", str(found.id)) if one.user_id == caller.user_id
        ]
    else:
        shares = await core.db.read(list_shares_of, caller.user_id, app="drive")
    return [to_share(share, share.label) for share in shares]


@post(f"{ROOT}/shares", guards=[WRITE], summary="Make a link")
async def make_share(core: Core, caller: Caller, data: NewShare) -> ShareView:
    """Whoever has it sees the file or folder, and all that comes into the folder later."""
    spot = await actions.spot_of(core, caller, data.path)
    found = await core.db.read(store.get_node, spot)
    if not spot.space.may_write:
        raise Forbidden("Only who may change this folder may share it on.")
    if len(spot.segments) == 0:
        raise Invalid("Share a file or a folder, not the whole drive.")
    if data.password and len(data.password) < MIN_PASSWORD:
        raise Invalid(f"The password of a link has at least {MIN_PASSWORD} characters.")
    now = core.clock()
    hashed = await core.auth.gate.hash_password(data.password) if data.password else ""
    made = await core.db.write(
        create_share,
        app="drive",
        target=str(found.id),
        user_id=caller.user_id,
        now=now,
        label=join_path(split_path(data.path)),
        password_hash=hashed,
        expires_at=now + data.days * DAY if data.days else None,
    )
    return to_share(made, data.path)


@delete(f"{ROOT}/shares/{{share_id:str}}", guards=[WRITE], summary="End a link")
async def end_share(core: Core, caller: Caller, share_id: str) -> None:
    """It leads nowhere from now on."""
    await core.db.write(revoke_share, share_id, user_id=caller.user_id)


HANDLERS: list[Any] = [list_shared, make_shared, let_in, let_out, get_shares, make_share, end_share]
