"""One-time links: an invitation accepted, a password set anew."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from fazt.apps.home.pages.entry import Asked, check_twice, welcome
from fazt.core import Core
from fazt.core.auth import store
from fazt.core.errors import FaztError
from fazt.core.http.access import public
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect

DEAD_INVITATION = ("This invitation is no longer good", "It was used, taken back, or is older than a week.")
DEAD_RESET = ("This link is no longer good", "It was used, or is older than a day.")


def dead_link(request: Asked, what: tuple[str, str]) -> Response[Any]:
    """Says so, and whom to ask."""
    return page(request, "home/dead_link.html", status=404, title=what[0], text=what[1])


@get("/join", guards=[public])
async def show_join(core: Core, request: Asked, token: str = "") -> Response[Any]:
    """The form by which an invited person becomes a member."""
    invitation = await core.db.point(store.find_invitation, token, core.clock())
    if invitation is None:
        return dead_link(request, DEAD_INVITATION)
    return page(request, "home/join.html", token=token, email=invitation.email, name=invitation.name, error=None)


@post("/join", guards=[public])
async def join(core: Core, request: Asked) -> Response[Any]:
    """Make the member, and log them in."""
    form = await read_form(request)
    token, email, name = form.text("token"), form.text("email"), form.text("name")
    try:
        check_twice(form)
        await core.auth.accept_invitation(token, email, form.raw("password"), core.clock(), name=name)
    except FaztError as error:
        return page(
            request, "home/join.html", status=STATUS[error.kind], token=token, email=email, name=name, error=error
        )
    return await welcome(core, request, email, form.raw("password"), "/")


@get("/reset", guards=[public])
async def show_reset(core: Core, request: Asked, token: str = "") -> Response[Any]:
    """The form for a new password."""
    person = await core.db.point(store.find_reset, token, core.clock())
    if person is None:
        return dead_link(request, DEAD_RESET)
    return page(request, "home/reset.html", token=token, email=person.email, error=None)


@post("/reset", guards=[public])
async def reset(core: Core, request: Asked) -> Response[Any]:
    """Set the password."""
    form = await read_form(request)
    token = form.text("token")
    try:
        check_twice(form)
        await core.auth.use_reset(token, form.raw("password"), core.clock())
    except FaztError as error:
        context: dict[str, Any] = {"token": token, "email": form.text("email"), "error": error}
        return page(request, "home/reset.html", status=STATUS[error.kind], **context)
    return redirect(request, "/login", "Your password is set. Log in with it.")


PAGES = [show_join, join, show_reset, reset]
