"""People, for the owner: members, invitations, reset links."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post

from fazt.apps.home.actions import invite, offer_reset
from fazt.apps.home.model import Link
from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.auth import store
from fazt.core.errors import FaztError
from fazt.core.http.access import owner
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect


async def people_page(
    core: Core, request: Asked, *, link: Link | None = None, link_for: str = "", error: FaztError | None = None
) -> Response[Any]:
    """The lists, with a link that was just made above them; `link_for` says what it does."""
    return page(
        request,
        "home/people.html",
        status=STATUS[error.kind] if error else 200,
        people=await core.db.read(store.list_users),
        invitations=await core.db.read(store.list_invitations, core.clock()),
        link=link,
        link_for=link_for,
        error=error,
    )


@get("/people", guards=[owner])
async def show_people(core: Core, request: Asked) -> Response[Any]:
    """Members and invitations."""
    return await people_page(core, request)


@post("/people/invite", guards=[owner])
async def invite_person(core: Core, request: Asked) -> Response[Any]:
    """Make an invitation and show its link, this once."""
    form = await read_form(request)
    scope: Any = request.scope
    try:
        link = await invite(core, scope, form.text("email"), form.text("name"))
    except FaztError as error:
        return await people_page(core, request, error=error)
    return await people_page(core, request, link=link, link_for="Who opens this link becomes a member. It works once.")


@post("/people/uninvite", guards=[owner])
async def take_back_invitation(core: Core, request: Asked) -> Response[Any]:
    """End an invitation."""
    await core.db.write(store.delete_invitation, (await read_form(request)).text("id"))
    return redirect(request, "/people", "The invitation is taken back.")


@post("/people/reset", guards=[owner])
async def offer_new_password(core: Core, request: Asked) -> Response[Any]:
    """Make a reset link and show it, this once."""
    scope: Any = request.scope
    person = await core.db.point(store.get_user, (await read_form(request)).text("id"))
    try:
        link = await offer_reset(core, scope, person.id)
    except FaztError as error:
        return await people_page(core, request, error=error)
    return await people_page(
        core, request, link=link, link_for=f"By this link {person.name} sets a new password. It works once, for a day."
    )


@post("/people/suspend", guards=[owner])
async def suspend_person(core: Core, request: Asked) -> Response[Any]:
    """Close all doors to a member."""
    await core.db.write(store.suspend_user, (await read_form(request)).text("id"), core.clock())
    return redirect(request, "/people", "Suspended: every login and token of theirs has ended.")


@post("/people/resume", guards=[owner])
async def resume_person(core: Core, request: Asked) -> Response[Any]:
    """Open the doors again."""
    await core.db.write(store.resume_user, (await read_form(request)).text("id"), core.clock())
    return redirect(request, "/people", "They may log in again.")


@post("/people/delete", guards=[owner])
async def delete_person(core: Core, request: Asked) -> Response[Any]:
    """Forget a member."""
    await core.db.write(store.delete_user, (await read_form(request)).text("id"), core.clock())
    return redirect(request, "/people", "That person is gone from this cloud.")


PAGES = [
    show_people,
    invite_person,
    take_back_invitation,
    offer_new_password,
    suspend_person,
    resume_person,
    delete_person,
]
