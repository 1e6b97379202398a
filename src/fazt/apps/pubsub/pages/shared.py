"""What a link shows to whoever holds it: a topic or a board, live, and nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get

from fazt.apps.pubsub.actions import showing
from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.pages.boards import live_of
from fazt.apps.pubsub.store.boards import get_board
from fazt.core import Core
from fazt.core.clock import to_iso
from fazt.core.errors import NotFound
from fazt.core.http.access import public
from fazt.core.shares import count_visit, find_share
from fazt.ui import page

Asked = Request[Any, Any, Any]


@get("/topics/shared/{token:str}", guards=[public])
async def show_shared(core: Core, request: Asked, token: str) -> Response[Any]:
    """The topic or the board of a link."""
    share = await core.db.read(find_share, token, now=core.clock())
    if share is None or share.app != "pubsub":
        raise NotFound("This link has ended.", hint="Ask for a new one.")
    await core.db.write(count_visit, share.id)
    kind, _, target = share.target.partition("/")
    if kind == "topic":
        return await topic_page(core, request, target, token)
    board = await core.db.read(get_board, target)
    live = live_of(core, board.topics, token)
    tiles = await showing.shown_tiles(core, board)
    return page(
        request,
        "pubsub/shared.html",
        me=None,
        title=board.title,
        tiles=tiles,
        shown=showing.to_shown,
        source=live,
        iso=to_iso,
    )


async def topic_page(core: Core, request: Asked, topic: str, token: str) -> Response[Any]:
    """A topic for strangers."""
    before = hub_of(core).last
    messages = await showing.recent(core, topic, showing.POINTS)
    last = messages[-1] if messages else None
    return page(
        request,
        "pubsub/shared.html",
        title=topic,
        tiles=None,
        topic=topic,
        last=last,
        shown=showing.to_shown,
        at=to_iso(last.at) if last is not None else "",
        messages=list(reversed(messages[-showing.LOG :])),
        plot=showing.to_plot(messages),
        source=f"/hub/{quote(topic)}/sse?since={last.seq if last is not None else before}&share={token}",
    )


PAGES = [show_shared]
