"""The doors: first set-up, login (with a second step where two-factor is on), logout."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie

from fazt.apps.home.actions import open_login, seal_login
from fazt.core import Core
from fazt.core.auth import Caller, store
from fazt.core.clock import DAY, SECOND
from fazt.core.errors import FaztError, Invalid, NotFound, TooMany, Unauthorized
from fazt.core.http.access import check_same_origin, cookie_name, public
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import client_address, find_header, is_secure
from fazt.ui import Form, local_path, page, read_form, redirect

COOKIE_LASTS = 400 * DAY
"""As long as browsers keep any; the session itself ends earlier when it is not used."""

Asked = Request[Any, Any, Any]


def session_cookie(request: Asked, secret: str, max_age_s: int) -> Cookie:
    """The cookie that is the login: this host's alone, never seen by scripts."""
    scope: Any = request.scope
    return Cookie(
        key=cookie_name(scope),
        value=secret,
        max_age=max_age_s,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_secure(scope),
    )


async def welcome(core: Core, request: Asked, login: str, password: str, target: str, code: str = "") -> Response[Any]:
    """Log in and go on to `target`. Raises Unauthorized (with `code_needed`), TooMany.

    Forbidden for another site's page, which could log somebody in to an account that is not theirs.
    """
    scope: Any = request.scope
    check_same_origin(scope)
    agent = (find_header(scope["headers"], b"user-agent") or b"").decode("latin-1")
    secret = await core.auth.log_in(login, password, code, client_address(scope), agent, core.clock())
    response = redirect(request, local_path(target))
    response.set_cookie(session_cookie(request, secret, COOKIE_LASTS // SECOND))
    return response


@get("/setup", guards=[public])
async def show_setup(core: Core, request: Asked, token: str = "") -> Response[Any]:
    """The form that makes the owner; only by the link that `fazt serve` printed."""
    if await core.auth.has_owner():
        return redirect(request, "/login")
    try:
        core.auth.check_setup(token)
    except NotFound:
        return page(request, "home/setup_closed.html", status=404)
    return page(request, "home/setup.html", token=token, form=None, error=None)


@post("/setup", guards=[public])
async def set_up(core: Core, request: Asked) -> Response[Any]:
    """Make the owner, and log them in."""
    form = await read_form(request)
    token, email, password = form.text("token"), form.text("email"), form.raw("password")
    try:
        check_twice(form)
        await core.auth.set_up(token, email, password, core.clock(), name=form.text("name"))
    except FaztError as error:
        return page(request, "home/setup.html", status=STATUS[error.kind], token=token, form=form, error=error)
    return await welcome(core, request, email, password, "/")


@get("/login", guards=[public])
async def show_login(core: Core, caller: Caller | None, request: Asked) -> Response[Any]:
    """The form for e-mail and password."""
    target = local_path(request.query_params.get("next", "/"))
    if caller is not None and caller.kind == "session":
        return redirect(request, target)
    if not await core.auth.has_owner():
        return page(request, "home/setup_closed.html")
    return page(request, "home/login.html", next=target, login="", error=None)


@post("/login", guards=[public])
async def log_in(core: Core, request: Asked) -> Response[Any]:
    """Check the password; where two-factor is on, ask for the code next."""
    form = await read_form(request)
    login, password, target = form.text("login"), form.raw("password"), local_path(form.text("next"))
    try:
        return await welcome(core, request, login, password, target)
    except Unauthorized as error:
        if error.details.get("code_needed"):
            sealed = seal_login(login, password)
            return page(request, "home/login_code.html", sealed=sealed, next=target, error=None)
        return page(request, "home/login.html", status=401, next=target, login=login, error=error)
    except TooMany as error:
        return page(request, "home/login.html", status=429, next=target, login=login, error=error)


@post("/login/code", guards=[public])
async def log_in_with_code(core: Core, request: Asked) -> Response[Any]:
    """The second step."""
    form = await read_form(request)
    sealed, target = form.text("sealed"), local_path(form.text("next"))
    try:
        login, password = open_login(sealed)
        return await welcome(core, request, login, password, target, form.text("code") or "-")
    except Invalid as error:
        return page(request, "home/login.html", status=400, next=target, login="", error=error)
    except (Unauthorized, TooMany) as error:
        status = STATUS[error.kind]
        return page(request, "home/login_code.html", status=status, sealed=sealed, next=target, error=error)


@post("/logout", guards=[public])
async def log_out(core: Core, caller: Caller | None, request: Asked) -> Response[Any]:
    """End this session."""
    if caller is not None and caller.kind == "session":
        await core.db.write(store.delete_session, caller.user_id, caller.credential_id)
    response = redirect(request, "/login", "You are logged out.")
    response.set_cookie(session_cookie(request, "", 0))
    return response


def check_twice(form: Form) -> None:
    """Raises Invalid unless the password was typed the same way twice."""
    if form.raw("password") != form.raw("again"):
        raise Invalid("The two passwords are not the same.", hint="Type them again.")


PAGES = [show_setup, set_up, show_login, log_in, log_in_with_code, log_out]
