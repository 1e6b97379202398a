"""What goes out: the queue for everybody; relays, stopped addresses and the doctor for the owner."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from fazt.apps.mail.actions.doctor import examine
from fazt.apps.mail.model.addresses import parse_address
from fazt.apps.mail.model.outgoing import STATES
from fazt.apps.mail.store import outgoing, relays, suppression
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member, owner
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]


@get("/mail/sending", guards=[member])
async def show_sending(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """What waits, what failed, and for the owner through whom it goes."""
    return await sending_page(core, caller, request)


async def sending_page(core: Core, caller: Caller, request: Asked, error: Any = None) -> Response[Any]:
    """The page, with what went wrong."""
    is_owner = caller.is_owner
    return page(
        request,
        "mail/sending.html",
        queue=await core.db.read(outgoing.list_outgoing, caller.user_id, limit=30),
        states=STATES,
        relays=await core.db.read(relays.list_relays) if is_owner else [],
        counts=await core.db.read(outgoing.count_states) if is_owner else {},
        suppressed=await core.db.read(suppression.list_suppressed, limit=100) if is_owner else [],
        error=error,
    )


@post("/mail/sending/queue", guards=[member])
async def change_queue(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Try again, or stop."""
    form = await read_form(request)
    out_id, what = form.text("id"), form.text("do")
    try:
        if what == "retry":
            await core.db.write(outgoing.retry, out_id, caller.user_id, now=core.clock())
        elif what == "cancel":
            await core.db.write(outgoing.cancel, out_id, caller.user_id, now=core.clock())
        else:
            raise Invalid("It is not clear what is to be done.")
    except FaztError as error:
        return redirect(request, "/mail/sending", error.message, kind="bad")
    return redirect(request, "/mail/sending", "It is being tried again." if what == "retry" else "Stopped.")


@post("/mail/sending/relays", guards=[owner])
async def change_relays(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Add, move, switch or remove a relay."""
    form = await read_form(request)
    relay_id, what = form.text("id"), form.text("do")
    try:
        match what:
            case "add":
                url, limit = form.text("url"), form.number("per_minute")
                await core.db.write(relays.add_relay, url, per_minute=limit, now=core.clock())
            case "up" | "down":
                await core.db.write(relays.change_relay, relay_id, by=-1 if what == "up" else 1)
            case "on" | "off":
                await core.db.write(relays.change_relay, relay_id, is_on=what == "on")
            case "remove":
                await core.db.write(relays.delete_relay, relay_id)
            case _:
                raise Invalid("It is not clear what is to be done.")
    except FaztError as error:
        return await sending_page(core, caller, request, error)
    return redirect(request, "/mail/sending", "Done.")


@post("/mail/sending/suppressions", guards=[owner])
async def change_suppressions(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Stop an address, or let it have mail again."""
    form = await read_form(request)
    try:
        if form.text("do") == "release":
            await core.db.write(suppression.release, form.text("address"))
        else:
            address = str(parse_address(form.text("address")))
            await core.db.write(suppression.suppress, address, "manual", "", now=core.clock())
    except FaztError as error:
        return await sending_page(core, caller, request, error)
    return redirect(request, "/mail/sending", "Done.")


@get("/mail/doctor", guards=[owner])
async def show_doctor(core: Core, request: Asked) -> Response[Any]:
    """The findings, with records ready to be copied."""
    return page(request, "mail/doctor.html", findings=await examine(core), domain=core.config.domain)


HANDLERS = [show_sending, change_queue, change_relays, change_suppressions, show_doctor]
