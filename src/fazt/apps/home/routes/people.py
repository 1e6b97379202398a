"""People, for the owner: members, invitations, reset links."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, patch, post, put

from fazt.apps.home.actions import find_person, invite, offer_reset
from fazt.apps.home.model import GivenPassword, Link, NewInvitation, NewUser, Profile
from fazt.core import Core
from fazt.core.auth import Invitation, User, store
from fazt.core.http.access import owner


@get("/api/v1/users", guards=[owner])
async def list_users(core: Core) -> list[User]:
    """Everybody: the owner, then the members by name."""
    return await core.db.read(store.list_users)


@post("/api/v1/users", guards=[owner])
async def create_user(core: Core, data: NewUser) -> User:
    """Add a member by hand; an invitation lets them choose their own password."""
    return await core.auth.create_member(data.email, data.password, core.clock(), name=data.name, handle=data.handle)


@get("/api/v1/users/{who:str}", guards=[owner])
async def show_user(core: Core, who: str) -> User:
    """One person, by id, e-mail or handle."""
    return await find_person(core, who)


@patch("/api/v1/users/{who:str}", guards=[owner])
async def change_user(core: Core, who: str, data: Profile) -> User:
    """Change name, handle or e-mail."""
    person = await find_person(core, who)
    return await core.db.write(store.update_user, person.id, email=data.email, handle=data.handle, name=data.name)


@delete("/api/v1/users/{who:str}", guards=[owner])
async def delete_user(core: Core, who: str) -> None:
    """Forget a member with all their credentials."""
    await core.db.write(store.delete_user, (await find_person(core, who)).id, core.clock())


@put("/api/v1/users/{who:str}/password", guards=[owner], status_code=204)
async def give_password(core: Core, who: str, data: GivenPassword) -> None:
    """Set a password; all sessions of this person end."""
    await core.auth.set_password((await find_person(core, who)).id, data.password, core.clock())


@post("/api/v1/users/{who:str}/reset", guards=[owner])
async def create_reset(core: Core, request: Request[Any, Any, Any], who: str) -> Link:
    """A link by which this person sets a new password, for a day."""
    scope: Any = request.scope
    return await offer_reset(core, scope, (await find_person(core, who)).id)


@post("/api/v1/users/{who:str}/suspend", guards=[owner], status_code=204)
async def suspend_user(core: Core, who: str) -> None:
    """Close all doors: sessions, tokens and links end."""
    await core.db.write(store.suspend_user, (await find_person(core, who)).id, core.clock())


@post("/api/v1/users/{who:str}/resume", guards=[owner], status_code=204)
async def resume_user(core: Core, who: str) -> None:
    """Open the doors again."""
    await core.db.write(store.resume_user, (await find_person(core, who)).id, core.clock())


@get("/api/v1/invitations", guards=[owner])
async def list_invitations(core: Core) -> list[Invitation]:
    """Those that can still be used, newest first."""
    return await core.db.read(store.list_invitations, core.clock())


@post("/api/v1/invitations", guards=[owner])
async def create_invitation(core: Core, request: Request[Any, Any, Any], data: NewInvitation) -> Link:
    """A link by which one person becomes a member, for a week."""
    scope: Any = request.scope
    return await invite(core, scope, data.email, data.name)


@delete("/api/v1/invitations/{invitation_id:str}", guards=[owner])
async def delete_invitation(core: Core, invitation_id: str) -> None:
    """Take it back."""
    await core.db.write(store.delete_invitation, invitation_id)


ROUTES = [
    list_users,
    create_user,
    show_user,
    change_user,
    delete_user,
    give_password,
    create_reset,
    suspend_user,
    resume_user,
    list_invitations,
    create_invitation,
    delete_invitation,
]
