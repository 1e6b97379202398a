"""One's account: profile, password, devices, how pages look."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.datastructures import Cookie

from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.auth import Caller, store
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import client_address
from fazt.ui import Form, page, read_form, redirect
from fazt.ui.pages import THEME

YEAR_S = 365 * 86_400


async def account_page(
    core: Core, caller: Caller, request: Asked, *, error: FaztError | None = None, part: str = ""
) -> Response[Any]:
    """The page; an `error` stands in the `part` (profile, password) that caused it."""
    return page(
        request,
        "home/account.html",
        status=STATUS[error.kind] if error else 200,
        user=await core.db.point(store.get_user, caller.user_id),
        sessions=await core.db.read(store.list_sessions, caller.user_id, core.clock()),
        error=error,
        part=part,
    )


@get("/account", guards=[member])
async def show_account(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Profile, password, devices."""
    return await account_page(core, caller, request)


@post("/account/profile", guards=[member])
async def change_profile(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Change name, handle and e-mail."""
    form = await read_form(request)
    changes = {name: form.text(name) for name in ("name", "handle", "email")}
    try:
        await core.db.write(store.update_user, caller.user_id, **changes)
    except FaztError as error:
        return await account_page(core, caller, request, error=error, part="profile")
    return redirect(request, "/account", "Saved.")


@post("/account/password", guards=[member])
async def change_password(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Change the password; other devices are logged out."""
    form = await read_form(request)
    scope: Any = request.scope
    try:
        check_again(form)
        await core.auth.change_password(
            caller, form.raw("current"), form.raw("new"), client_address(scope), core.clock()
        )
    except FaztError as error:
        return await account_page(core, caller, request, error=error, part="password")
    return redirect(request, "/account", "Your password is changed, and your other devices are logged out.")


def check_again(form: Form) -> None:
    """Raises Invalid unless the new password was typed the same way twice."""
    if form.raw("new") != form.raw("again"):
        raise Invalid("The two new passwords are not the same.", hint="Type them again.")


@post("/account/sessions/end", guards=[member])
async def end_session(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Log one device out, or all others."""
    session_id = (await read_form(request)).text("id")
    if session_id:
        await core.db.write(store.delete_session, caller.user_id, session_id)
        return redirect(request, "/account#devices", "That device is logged out.")
    await core.db.write(store.delete_sessions, caller.user_id, keep_session=caller.credential_id)
    return redirect(request, "/account#devices", "All other devices are logged out.")


@post("/account/theme", guards=[member])
async def choose_theme(request: Asked) -> Response[Any]:
    """Light, dark, or as the device prefers; without script. The script sets the same cookie."""
    theme = (await read_form(request)).text("theme")
    response = redirect(request, "/account")
    age = YEAR_S if theme in {"light", "dark"} else 0
    response.set_cookie(Cookie(key=THEME, value=theme if age else "", max_age=age, path="/", samesite="lax"))
    return response


PAGES = [show_account, change_profile, change_password, end_session, choose_theme]
