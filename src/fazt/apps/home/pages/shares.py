"""Links: everything that one shares, the dialog in which all apps share, and the door before what has a password."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.datastructures import Cookie

from fazt.apps.home.actions import get_shareable, list_kept_links, make_share, to_share_view
from fazt.apps.home.model import NewShare
from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, TooMany
from fazt.core.http.access import member, public
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import client_address, is_secure
from fazt.core.shares import Share, cookie_of, get_shared, list_shares, list_shares_of, revoke_share
from fazt.ui import local_path, page, read_form, redirect

REMEMBERED_S = 7 * 24 * 3600
ENDS = [
    ("0", "when you end it"),
    ("0.0416667", "in an hour"),
    ("1", "in a day"),
    ("7", "in a week"),
    ("30", "in a month"),
]


@get("/shares", guards=[member])
async def show_shares(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """All links of this person, in all apps."""
    scope: Any = request.scope
    found = await core.db.read(list_shares_of, caller.user_id)
    return page(
        request,
        "home/shares.html",
        shares=[to_share_view(core, scope, one) for one in found],
        kept=await list_kept_links(core, caller),
        titles={app.name: app.title for app in core.apps},
        icons={app.name: app.icon or app.name for app in core.apps},
    )


async def share_page(
    core: Core, caller: Caller, request: Asked, app: str, target: str, *, part: str = "", error: FaztError | None = None
) -> Response[Any]:
    """The links to one thing, and the form for another; as a page, or (`part=dialog`) only what a dialog holds."""
    scope: Any = request.scope
    how = get_shareable(core, app)
    label = await how.check(core, caller, target)
    found = [one for one in await core.db.read(list_shares, app, target) if one.user_id == caller.user_id]
    return page(
        request,
        "home/share_form.html" if part == "dialog" else "home/share.html",
        status=STATUS[error.kind] if error else 200,
        app=app,
        target=target,
        label=label,
        may_write=how.may_write,
        shares=[to_share_view(core, scope, one) for one in found],
        ends=ENDS,
        error=error,
    )


@get("/shares/of", guards=[member])
async def show_share(
    core: Core, caller: Caller, request: Asked, app: str, target: str, part: str = ""
) -> Response[Any]:
    """The links to one thing."""
    return await share_page(core, caller, request, app, target, part=part)


@post("/shares", guards=[member], status_code=200)
async def add_share(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """One more link to a thing."""
    form = await read_form(request)
    app, target, part = form.text("app"), form.raw("target"), form.text("part")
    days = dict(ENDS).get(form.text("days")) and float(form.text("days"))
    wanted = NewShare(app, target, days=days or 0, password=form.raw("password"), may_write=form.is_on("may_write"))
    try:
        await make_share(core, caller, wanted)
    except FaztError as error:
        return await share_page(core, caller, request, app, target, part=part, error=error)
    if part == "dialog":
        return await share_page(core, caller, request, app, target, part=part)
    return redirect(request, "/shares/of?" + urlencode({"app": app, "target": target}), "Here is the link.")


@post("/shares/end", guards=[member], status_code=200)
async def end_share(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """End a link."""
    form = await read_form(request)
    ended = await core.db.write(revoke_share, form.text("id"), user_id=caller.user_id)
    if form.text("part") == "dialog":
        return await share_page(core, caller, request, ended.app, ended.target, part="dialog")
    return redirect(request, local_path(form.raw("back"), "/shares"), "The link has ended.")


def ask_password(request: Asked, share: Share, error: str = "", status: int = 200) -> Response[Any]:
    """The form for the password of a link."""
    return page(request, "home/share_locked.html", token=share.token, error=error, status=status)


@get("/shares/open/{token:str}", guards=[public])
async def show_door(core: Core, request: Asked, token: str) -> Response[Any]:
    """The question for the password of a link."""
    return ask_password(request, await get_shared(core, token))


@post("/shares/open/{token:str}", guards=[public], status_code=200)
async def enter(core: Core, request: Asked, token: str) -> Response[Any]:
    """Take the password, and go on to what is shared."""
    scope: Any = request.scope
    share, gate = await get_shared(core, token), core.auth.gate
    password, address = (await read_form(request)).raw("password"), client_address(scope)
    try:
        is_right = not share.password_hash or await gate.check_password(
            share.thing, share.password_hash, password, address, core.clock()
        )
    except TooMany as error:
        return ask_password(request, share, error.message, 429)
    if not is_right:
        return ask_password(request, share, "That is not the password.", 403)
    answer = redirect(request, get_shareable(core, share.app).path(share))
    answer.set_cookie(
        Cookie(
            key=cookie_of(share),
            value=gate.make_pass(share.thing, share.password_hash),
            path="/",
            max_age=REMEMBERED_S,
            httponly=True,
            samesite="lax",
            secure=is_secure(scope),
        )
    )
    return answer


PAGES = [show_shares, show_share, add_share, end_share, show_door, enter]
