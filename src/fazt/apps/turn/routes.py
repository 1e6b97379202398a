"""HTTP of calls: credentials, the relay's status and figures, invitations, and the room's signalling."""

from __future__ import annotations

from typing import Any

from litestar import WebSocket, delete, get, post, websocket
from msgspec import Struct

from fazt.apps.turn import store
from fazt.apps.turn.actions import find_seat
from fazt.apps.turn.engine.calls import get_hall
from fazt.apps.turn.engine.desk import get_desk
from fazt.apps.turn.model import Credentials, Invitation, Moment, RelayStatus, check_room
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.clock import HOUR
from fazt.core.http.access import member, needs, owner, public

MAX_HOURS = 24 * 30


class InvitationWish(Struct, forbid_unknown_fields=True):
    """How long an invitation is to last."""

    hours: int = 24


class InvitationIssued(Struct, frozen=True):
    """A new invitation. Its `path` holds the key, which is not shown again."""

    id: int
    room: str
    path: str
    expires_at: int


@get("/api/v1/turn/credentials", guards=[needs("turn:use")])
async def give_credentials(core: Core, caller: Caller) -> Credentials:
    """What a client needs to use the relay, for the next hours (the TURN REST scheme)."""
    return get_desk(core).issue(caller.user_id)


@get("/api/v1/turn/status", guards=[owner])
async def show_status(core: Core) -> RelayStatus:
    """Where the relay listens, what it has done since it started, and its allocations now."""
    return get_desk(core).describe()


@get("/api/v1/turn/history", guards=[owner])
async def show_history(core: Core, hours: int = 24) -> list[Moment]:
    """The relay's figures by the minute, without the minutes in which nothing happened."""
    return await core.db.read(store.list_moments, core.clock() - min(max(hours, 1), MAX_HOURS) * HOUR)


@get("/api/v1/turn/chart", guards=[owner])
async def show_chart(core: Core, hours: int = 24) -> dict[str, Any]:
    """The same for a chart: times in seconds, allocations and kilobytes a second."""
    moments = await core.db.read(store.list_moments, core.clock() - min(max(hours, 1), MAX_HOURS) * HOUR)
    return {
        "times": [moment.at // 1000 for moment in moments],
        "series": [
            {"label": "Allocations", "values": [moment.allocations for moment in moments]},
            {"label": "kB/s", "values": [round(moment.bytes / 60_000, 1) for moment in moments]},
        ],
    }


@post("/api/v1/turn/rooms/{room:str}/invitations", guards=[member])
async def invite(core: Core, caller: Caller, room: str, data: InvitationWish) -> InvitationIssued:
    """Make a link by which anybody may enter a room for a while."""
    made, key = await core.db.write(
        store.create_invitation, room, caller.user_id, lasts=data.hours * HOUR, now=core.clock()
    )
    return InvitationIssued(made.id, room, f"/call/{room}?key={key}", made.expires_at)


@get("/api/v1/turn/invitations", guards=[member])
async def list_invitations(core: Core, caller: Caller) -> list[Invitation]:
    """The caller's invitations that have not ended."""
    return await core.db.read(store.list_invitations, caller.user_id, core.clock())


@delete("/api/v1/turn/invitations/{number:int}", guards=[member])
async def take_back(core: Core, caller: Caller, number: int) -> None:
    """End an invitation early."""
    await core.db.write(store.delete_invitation, number, caller.user_id)


@websocket("/call/{room:str}/ws", guards=[public])
async def signal(socket: WebSocket[Any, Any, Any], core: Core, caller: Caller | None, room: str, key: str = "") -> None:
    """The signalling of a call: JSON messages between the people in a room (docs/guide/turn.md has them)."""
    check_room(room)
    seat = await find_seat(core, caller, room, key)
    await socket.accept()
    if seat is None:
        await socket.send_json({"type": "refused", "why": "This invitation has ended. Ask for a new one."})
        await socket.close(4403)
        return
    await get_hall(core).attend(seat, socket)


async def list_hosts(core: Core) -> list[str]:
    """The relay's own name, which needs a certificate where it is not the cloud's."""
    chosen: str = core.settings.get("turn.host")
    return [chosen] if chosen and core.config.turn_listen is not None else []


ROUTES = [
    give_credentials,
    show_status,
    show_history,
    show_chart,
    invite,
    list_invitations,
    take_back,
    signal,
]
