"""Clicks as they happen: a map, a list, and what came in the last minutes."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from litestar import Request, Response, get

from fazt.apps.links import actions
from fazt.apps.links.engine.live import CLICKED
from fazt.apps.links.model import CLICK
from fazt.apps.links.pages.visits import targets_of
from fazt.core import Core
from fazt.core.app import Mount
from fazt.core.auth import Caller
from fazt.core.clock import MINUTE
from fazt.core.errors import Unavailable
from fazt.core.events import Event
from fazt.core.http.access import demand, member
from fazt.core.http.hosts import base_url
from fazt.core.http.sse import send_events, to_event
from fazt.core.visits.store import count_minutes, find_newest
from fazt.ui import page

if TYPE_CHECKING:
    from fazt.core.app import Receive, Scope, Send

Asked = Request[Any, Any, Any]
NEWEST, MINUTES = 50, 30
MAX_WAITING, MAX_WATCHING = 100, 100


@get("/links/live", guards=[member])
async def show_live(core: Core, caller: Caller, request: Asked, link: int = 0) -> Response[Any]:
    """The last clicks, with more of them as they come; of one link, or of all that are one's own."""
    scope: Any = request.scope
    found, _, targets = await targets_of(core, caller, link)
    now = core.clock()
    minutes = await core.db.read(count_minutes, CLICK, targets, now - MINUTES * MINUTE, now)
    return page(
        request,
        "links/live.html",
        link=found,
        link_id=link,
        newest=await core.db.read(find_newest, CLICK, targets, NEWEST),
        minutes=minutes,
        spans=[(f"{span} min", sum(minutes[-span:])) for span in (1, 5, MINUTES)],
        has_countries=bool(core.settings.get("visits.country_database")),
        base=base_url(core.config, scope),
    )


class Watchers:
    """Who watches; each stream is a connection that stays."""

    def __init__(self) -> None:
        self.count = 0


async def stream(core: Core, scope: Scope, receive: Receive, send: Send) -> None:
    """GET /links/live/stream: server-sent events, until the page is left."""
    caller = await demand(core, scope)
    caller.check(actions.READ)
    owner = actions.owner_of(caller)
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("link", ["0"])[0]
    waiting: asyncio.Queue[Event] = asyncio.Queue(MAX_WAITING)

    def hear(fact: Event) -> None:
        if owner in {None, fact.data["owner"]} and asked in {"0", fact.key}:
            with suppress(asyncio.QueueFull):  # a page that does not read misses some
                waiting.put_nowait(fact)

    async def get_event() -> bytes:
        return to_event((await waiting.get()).data)

    watchers = watchers_of(core)
    if watchers.count >= MAX_WATCHING:
        raise Unavailable("Too many people watch just now.", hint="Load the page again for the last clicks.")
    watchers.count += 1
    stop = core.events.listen_live(hear, CLICKED.__eq__)
    try:
        await send_events(core, scope, receive, send, get_event)
    finally:
        stop()
        watchers.count -= 1


def watchers_of(core: Core) -> Watchers:
    """The one count of this program."""
    found: Any = core.engines.get(Watchers)
    if found is None:
        found = Watchers()
        core.add(found)
    watchers: Watchers = found
    return watchers


PAGES = [show_live, Mount("/links/live/stream", stream, "member", "Server-sent events: clicks as they happen.")]
