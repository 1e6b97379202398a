"""What a link shows to whoever holds it: a topic or a board, live, and nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get

from fazt.apps.pubsub.actions import showing
from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.model.topic import check_topic
from fazt.apps.pubsub.pages.boards import live_of
from fazt.apps.pubsub.store.boards import get_board
from fazt.core import Core
from fazt.core.app import Shareable
from fazt.core.auth import Caller
from fazt.core.clock import to_iso
from fazt.core.http.access import public
from fazt.core.shares import count_visit, door_of, get_shared, is_open
from fazt.ui import page, redirect

Asked = Request[Any, Any, Any]


@get("/topics/shared/{token:str}", guards=[public])
async def show_shared(core: Core, request: Asked, token: str) -> Response[Any]:
    """The topic or the board of a link."""
    scope: Any = request.scope
    share = await get_shared(core, token, "pubsub")
    if not is_open(core, scope, share):
        return redirect(request, door_of(share))
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


async def check_share(core: Core, caller: Caller, target: str) -> str:
    """What a topic or a board is called, for who may read it. Raises NotFound, Forbidden, Invalid."""
    kind, _, name = target.partition("/")
    if kind == "topic":
        hub_of(core).rules.check(caller, check_topic(name), "read")
        return name
    board = await core.db.read(get_board, name, caller.user_id)
    for topic in board.topics:
        hub_of(core).rules.check(caller, topic, "read")
    return board.title


SHAREABLE = Shareable(check_share, lambda share: f"/topics/shared/{share.token}")
PAGES = [show_shared]
