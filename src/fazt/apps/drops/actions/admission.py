"""Who may send, and how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fazt.apps.drops import store
from fazt.apps.drops.engine import get_desk
from fazt.apps.drops.model import Drop, Policy, Request, Uploader, check_id
from fazt.core.auth.model.places import networks_of
from fazt.core.clock import DAY, HOUR
from fazt.core.errors import OverQuota, TooLarge, Unauthorized
from fazt.core.http.access import identify
from fazt.core.http.hosts import client_address

if TYPE_CHECKING:
    from fazt.core import Core

WRITE = "drops:write"


class Admitted(msgspec.Struct, frozen=True):
    """Who sends, what they are allowed, and through which request link, if through one."""

    uploader: Uploader
    policy: Policy
    request: Request | None = None


def read_policy(core: Core, *, is_stranger: bool, request: Request | None = None) -> Policy:
    """The owner's settings for people with an account, for strangers, or for guests of a request link."""
    get = core.settings.get
    max_days, max_bytes = get("drops.max_days"), get("drops.max_bytes")
    own_bytes, default_ms = get("drops.user_bytes"), get("drops.default_hours") * HOUR
    if is_stranger:
        max_days = min(max_days, get("drops.stranger_days"))
        max_bytes = min(max_bytes, get("drops.stranger_bytes"))
        own_bytes = get("drops.visitor_bytes")
    max_ms = max_days * DAY
    max_files = get("drops.max_files")
    if request is not None:
        default_ms = max_ms = request.keep_ms
        max_bytes = min(max_bytes, request.max_bytes or max_bytes)
        max_files = min(max_files, request.max_files or max_files)
    return Policy(min(default_ms, max_ms), max_ms, max_bytes, max_files, own_bytes, get("drops.all_bytes"))


async def admit(core: Core, scope: dict[str, Any], request_id: str = "") -> Admitted:
    """Who sends this request as a sender of files.

    Raises Unauthorized for strangers where they may send nothing, Forbidden for a token without `drops:write`,
    and NotFound for a request link that has ended.
    """
    place = networks_of(client_address(scope))[0]
    if request_id:
        request = await core.db.read(store.get_open_request, check_id(request_id), core.clock())
        uploader = Uploader(request.user_id, await get_desk(core).visitor_of(place))
        return Admitted(uploader, read_policy(core, is_stranger=False, request=request), request)
    caller = await identify(core, scope)
    if caller is not None:
        caller.check(WRITE)
        return Admitted(Uploader(caller.user_id), read_policy(core, is_stranger=False))
    if not core.settings.get("drops.strangers"):
        raise Unauthorized(
            "Only people with an account may send files here.",
            hint="curl -u NAME:APP_PASSWORD, or -H 'Authorization: Bearer TOKEN' with the scope drops:write.",
        )
    uploader = Uploader(visitor=await get_desk(core).visitor_of(place))
    return Admitted(uploader, read_policy(core, is_stranger=True))


async def admit_to(core: Core, drop: Drop) -> Admitted:
    """What may be added to a drop that is there: it counts for whoever made it."""
    request = None
    if drop.request_id:
        request = await core.db.read(store.get_request, drop.request_id)  # what began in time may be finished
    visitor = await core.db.read(store.get_visitor, drop.id)
    policy = read_policy(core, is_stranger=not drop.user_id, request=request)
    return Admitted(Uploader(drop.user_id, visitor), policy, request)


async def find_limit(core: Core, admitted: Admitted, announced: int | None) -> int:
    """How many bytes may come now. Raises TooLarge and OverQuota where `announced` are too many."""
    most = admitted.policy.max_bytes
    if announced is not None and announced > most:
        raise TooLarge(f"That is more than the {most} bytes that one drop may have.", max_bytes=most)
    room = await core.db.read(store.find_room, admitted.uploader, admitted.policy)
    if room <= 0 or (announced is not None and announced > room):
        raise OverQuota(
            "There is no room for this now.", hint="Delete drops that are not needed, or wait for them to end."
        )
    return min(most, room)
