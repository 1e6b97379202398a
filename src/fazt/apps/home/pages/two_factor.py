"""Two-factor login: turned on with a QR code, kept by recovery codes, turned off with the password."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from fazt.apps.home.actions import start_two_factor
from fazt.apps.home.model import TotpStart
from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.auth import Caller, store
from fazt.core.auth.model.totp import totp_uri
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import client_address
from fazt.ui import Form, page, read_form, redirect


async def two_factor_page(
    core: Core,
    caller: Caller,
    request: Asked,
    *,
    start: TotpStart | None = None,
    codes: list[str] | None = None,
    error: FaztError | None = None,
) -> Response[Any]:
    """Where one stands: off, half-way (`start`), just turned on (`codes`), on."""
    user = await core.db.point(store.get_user, caller.user_id)
    return page(
        request,
        "home/two_factor.html",
        status=STATUS[error.kind] if error else 200,
        is_on=user.has_totp,
        left=await core.db.point(store.count_recovery_codes, caller.user_id),
        start=start,
        codes=codes,
        error=error,
    )


@get("/account/two-factor", guards=[member])
async def show_two_factor(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Whether it is on, and what to do."""
    return await two_factor_page(core, caller, request)


@post("/account/two-factor/start", guards=[member])
async def start(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Show the QR code."""
    return await two_factor_page(core, caller, request, start=await start_two_factor(core, caller))


@post("/account/two-factor/confirm", guards=[member])
async def confirm(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Turn it on with a first code, and show the recovery codes."""
    form = await read_form(request)
    try:
        codes = await core.db.write(store.confirm_totp, caller.user_id, form.text("code"), core.clock())
    except Invalid as error:
        secret = form.text("secret")
        begun = TotpStart(secret, totp_uri(secret, caller.email))
        return await two_factor_page(core, caller, request, start=begun, error=error)
    return await two_factor_page(core, caller, request, codes=codes)


@post("/account/two-factor/codes", guards=[member])
async def renew_codes(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """New recovery codes, for the password."""
    try:
        await check_password(core, caller, request, await read_form(request))
    except FaztError as error:
        return await two_factor_page(core, caller, request, error=error)
    codes = await core.db.write(store.renew_recovery_codes, caller.user_id)
    return await two_factor_page(core, caller, request, codes=codes)


@post("/account/two-factor/off", guards=[member])
async def turn_off(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Turn it off, for the password."""
    try:
        await check_password(core, caller, request, await read_form(request))
    except FaztError as error:
        return await two_factor_page(core, caller, request, error=error)
    await core.db.write(store.delete_totp, caller.user_id)
    return redirect(request, "/account/two-factor", "Two-factor login is off.", "warn")


async def check_password(core: Core, caller: Caller, request: Asked, form: Form) -> None:
    """Raises Unauthorized unless the form has the caller's own password; TooMany after some wrong ones."""
    scope: Any = request.scope
    await core.auth.check_own_password(caller, form.raw("password"), client_address(scope), core.clock())


PAGES = [show_two_factor, start, confirm, renew_codes, turn_off]
