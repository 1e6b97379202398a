"""Pages of calls: start one, be in one, and how the relay is doing."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from fazt.apps.turn import store
from fazt.apps.turn.actions import find_seat
from fazt.apps.turn.engine.calls import MAX_PEOPLE, get_hall
from fazt.apps.turn.engine.desk import get_desk
from fazt.apps.turn.model import check_room
from fazt.core import Core
from fazt.core.app import Card
from fazt.core.auth import Caller
from fazt.core.clock import HOUR
from fazt.core.errors import Unauthorized
from fazt.core.http.access import member, owner, public
from fazt.core.ids import new_slug
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]


async def card(core: Core, caller: Caller) -> Card:
    """What the dashboard says about calls."""
    people = sum(len(room) for room in get_hall(core).rooms.values())
    status = get_desk(core).describe()
    if status.is_on and not status.is_running and caller.is_owner:
        return Card("Relay down", status.problem or "It is being started again.", "Look", "/calls", attention=True)
    line = "The relay is running." if status.is_running else "Without a relay; fine in one network."
    return Card(f"{people} in calls" if people else "No calls", line, "Start a call", "/calls")


def connect(core: Core, _caller: Caller, _base: str) -> dict[str, Any]:
    """More for the steps of clients: whether there is a relay."""
    return {"relay_is_on": core.config.turn_listen is not None}


@get("/calls", guards=[member])
async def show_calls(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Start a call; one's invitations; the relay, for the owner."""
    return page(
        request,
        "turn/calls.html",
        invitations=await core.db.read(store.list_invitations, caller.user_id, core.clock()),
        rooms={name: len(people) for name, people in get_hall(core).rooms.items()},
        relay=get_desk(core).describe(),
    )


@get("/calls/relay", guards=[owner])
async def show_relay(core: Core, request: Asked) -> Response[Any]:
    """The live part of the page."""
    return page(request, "turn/relay.html", relay=get_desk(core).describe())


@post("/calls", guards=[member])
async def start_call(request: Asked) -> Response[Any]:
    """Go to a room, by default one that nobody guesses."""
    name = (await read_form(request)).text("room").strip().lower().replace(" ", "-")
    return redirect(request, f"/call/{check_room(name or new_slug(10))}")


@post("/calls/take-back", guards=[member])
async def take_back(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """End an invitation early."""
    await core.db.write(store.delete_invitation, (await read_form(request)).number("id"), caller.user_id)
    return redirect(request, "/calls", "The invitation has ended.")


@post("/calls/invite", guards=[member])
async def invite(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Make an invitation and show its link, this once."""
    form = await read_form(request)
    lasts = form.number("hours") * HOUR
    made, key = await core.db.write(
        store.create_invitation, form.text("room"), caller.user_id, lasts=lasts, now=core.clock()
    )
    link = f"{str(request.base_url).rstrip('/')}/call/{made.room}?key={key}"
    return page(request, "turn/invited.html", made=made, link=link)


def may_send_files(core: Core, caller: Caller | None) -> bool:
    """Whether there is somewhere for files to go, and it takes them from this person."""
    has_drops = any(app.name == "drops" for app in core.apps)
    return has_drops and (caller is not None or bool(core.settings.get("drops.strangers")))


@get("/call/{room:str}", guards=[public])
async def show_call(core: Core, caller: Caller | None, request: Asked, room: str, key: str = "") -> Response[Any]:
    """The call itself, for people with an account and for guests with an invitation."""
    check_room(room)
    seat = await find_seat(core, caller, room, key)
    if seat is None and not key:
        raise Unauthorized("Log in, or ask for an invitation.")
    if seat is None:
        return page(request, "turn/ended.html", status=403)
    # The key is in the address of this page: it must not leave with a request to elsewhere.
    headers = {"referrer-policy": "no-referrer", "cache-control": "no-store"}
    is_guest = caller is None
    return page(
        request,
        "turn/call.html",
        headers=headers,
        room=room,
        key=key,
        name=seat.name,
        is_guest=is_guest,
        max_people=MAX_PEOPLE,
        may_send_files=may_send_files(core, caller),
    )


PAGES = [show_calls, show_relay, start_call, take_back, invite, show_call]
