"""Oneself: profile, password, devices, two-factor."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, patch, post, put

from fazt.apps.home.actions import start_two_factor
from fazt.apps.home.model import Code, NewPassword, OwnPassword, Profile, RecoveryCodes, TotpStart
from fazt.core import Core
from fazt.core.auth import Caller, Session, User, store
from fazt.core.http.access import member, needs
from fazt.core.http.hosts import client_address


@get("/api/v1/me", guards=[needs("me:read")])
async def show_me(core: Core, caller: Caller) -> User:
    """Who the credentials of this request belong to."""
    return await core.db.point(store.get_user, caller.user_id)


@patch("/api/v1/me", guards=[member])
async def change_me(core: Core, caller: Caller, data: Profile) -> User:
    """Change name, handle or e-mail."""
    return await core.db.write(store.update_user, caller.user_id, email=data.email, handle=data.handle, name=data.name)


@put("/api/v1/me/password", guards=[member], status_code=204)
async def change_my_password(core: Core, caller: Caller, request: Request[Any, Any, Any], data: NewPassword) -> None:
    """Change the password; every other session ends."""
    address = client_address(request.scope)  # type: ignore[arg-type] # Litestar's scope is a TypedDict
    await core.auth.change_password(caller, data.current, data.new, address, core.clock())


@get("/api/v1/me/sessions", guards=[member])
async def list_my_sessions(core: Core, caller: Caller) -> list[Session]:
    """The devices that are logged in, last seen first."""
    return await core.db.read(store.list_sessions, caller.user_id, core.clock())


@delete("/api/v1/me/sessions/{session_id:str}", guards=[member])
async def end_my_session(core: Core, caller: Caller, session_id: str) -> None:
    """Log one device out."""
    await core.db.write(store.delete_session, caller.user_id, session_id)


@delete("/api/v1/me/sessions", guards=[member])
async def end_my_other_sessions(core: Core, caller: Caller) -> None:
    """Log every device out but the one that asks."""
    await core.db.write(store.delete_sessions, caller.user_id, keep_session=caller.credential_id)


@post("/api/v1/me/two-factor", guards=[member])
async def start_my_two_factor(core: Core, caller: Caller) -> TotpStart:
    """Begin: the secret for the authenticator app. Two-factor is on once a code has been confirmed."""
    return await start_two_factor(core, caller)


@post("/api/v1/me/two-factor/confirm", guards=[member])
async def confirm_my_two_factor(core: Core, caller: Caller, data: Code) -> RecoveryCodes:
    """Turn two-factor on with a first code; the recovery codes are shown this once."""
    codes = await core.db.write(store.confirm_totp, caller.user_id, data.code, core.clock())
    return RecoveryCodes(codes)


@post("/api/v1/me/two-factor/recovery-codes", guards=[member])
async def renew_my_recovery_codes(
    core: Core, caller: Caller, request: Request[Any, Any, Any], data: OwnPassword
) -> RecoveryCodes:
    """New recovery codes; the old ones end."""
    await check_password(core, caller, request, data.password)
    return RecoveryCodes(await core.db.write(store.renew_recovery_codes, caller.user_id))


@post("/api/v1/me/two-factor/off", guards=[member], status_code=204)
async def end_my_two_factor(core: Core, caller: Caller, request: Request[Any, Any, Any], data: OwnPassword) -> None:
    """Turn two-factor off."""
    await check_password(core, caller, request, data.password)
    await core.db.write(store.delete_totp, caller.user_id)


async def check_password(core: Core, caller: Caller, request: Request[Any, Any, Any], password: str) -> None:
    """Raises Unauthorized unless this is the caller's own password; TooMany after some wrong ones."""
    scope: Any = request.scope
    await core.auth.check_own_password(caller, password, client_address(scope), core.clock())


ROUTES = [
    show_me,
    change_me,
    change_my_password,
    list_my_sessions,
    end_my_session,
    end_my_other_sessions,
    start_my_two_factor,
    confirm_my_two_factor,
    renew_my_recovery_codes,
    end_my_two_factor,
]
