"""The list of topics, and the page of each: its last value, its chart, its log, alerts, links, and what it keeps."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from litestar import Request, Response, get, post

from fazt.apps.pubsub import actions
from fazt.apps.pubsub.actions import managing, showing
from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.model.message import Publication
from fazt.apps.pubsub.model.options import Options
from fazt.apps.pubsub.model.topic import check_topic
from fazt.apps.pubsub.store import alerts, boards
from fazt.core import Core
from fazt.core.app import Card
from fazt.core.auth import Caller
from fazt.core.clock import to_iso
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import base_url
from fazt.ui import local_path, page, read_form, redirect

Asked = Request[Any, Any, Any]
ROWS = 100


def page_of(topic: str) -> str:
    """The address of a topic's page."""
    return f"/topics/t/{quote(topic)}"


async def card(core: Core, caller: Caller) -> Card:
    """How many topics there are, and who listens."""
    found = await managing.list_topics(core, caller, limit=1_000, by_time=True)
    if not found:
        return Card("None yet", "Post a value, and see it live.", "Publish one", "/topics")
    listeners = len(hub_of(core).readers)
    said = f"{listeners} {'listener' if listeners == 1 else 'listeners'} now; {found[0].name} changed last."
    return Card(f"{len(found)} {'topic' if len(found) == 1 else 'topics'}", said)


async def list_page(
    core: Core,
    caller: Caller,
    request: Asked,
    *,
    prefix: str = "",
    after: str = "",
    topic: str = "",
    error: FaztError | None = None,
) -> Response[Any]:
    """Topics, with what went wrong above them."""
    by_time = not prefix and not after
    found = await managing.list_topics(core, caller, prefix=prefix, after=after, limit=ROWS + 1, by_time=by_time)
    scope: Any = request.scope
    base = base_url(core.config, scope)
    older = f"/topics?prefix={quote(prefix)}&after={quote(found[ROWS - 1].name)}" if len(found) > ROWS else ""
    return page(
        request,
        "pubsub/list.html",
        status=STATUS[error.kind] if error else 200,
        topics=found[:ROWS],
        shown=showing.to_shown,
        boards=await core.db.read(boards.list_boards, caller.user_id),
        base=base,
        prefix=prefix,
        older=older,
        topic=topic,
        error=error,
    )


def connect(core: Core, _caller: Caller, base: str) -> dict[str, Any]:
    """More for the steps of clients: where ntfy's apps find this cloud, by a host of their own if names lead here."""
    scheme, _, authority = base.partition("://")
    host, _, port = authority.partition(":")
    chosen = str(core.settings.get("pubsub.ntfy_host"))
    if not chosen and (host != core.config.domain or core.config.is_local):
        return {"ntfy": f"{base}/ntfy"}
    return {"ntfy": f"{scheme}://{chosen or f'ntfy.{host}'}{f':{port}' if port else ''}"}


@get("/topics", guards=[member])
async def show_topics(core: Core, caller: Caller, request: Asked, prefix: str = "", after: str = "") -> Response[Any]:
    """All topics that one may read, the newest first."""
    return await list_page(core, caller, request, prefix=prefix, after=after)


@post("/topics", guards=[member])
async def publish(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Publish what was typed."""
    form = await read_form(request)
    topic = form.text("topic")
    try:
        data = form.raw("message").encode()
        await actions.publish_one(core, caller, Publication(check_topic(topic), data, user_id=caller.user_id))
    except FaztError as error:
        return await list_page(core, caller, request, topic=topic, error=error)
    return redirect(request, page_of(topic))


async def topic_page(
    core: Core, caller: Caller, request: Asked, topic: str, *, error: FaztError | None = None
) -> Response[Any]:
    """One topic."""
    before = hub_of(core).last
    found = await managing.get_topic(core, caller, topic)
    messages = await showing.recent(core, topic, showing.POINTS)
    last = messages[-1] if messages else (found.last if found is not None else None)
    scope: Any = request.scope
    return page(
        request,
        "pubsub/topic.html",
        status=STATUS[error.kind] if error else 200,
        topic=topic,
        options=found.options if found is not None else Options(),
        last=last,
        shown=showing.to_shown,
        at=to_iso(last.at) if last is not None else "",
        messages=list(reversed(messages[-showing.LOG :])),
        plot=showing.to_plot(messages),
        source=f"/hub/{quote(topic)}/sse?since={last.seq if last is not None else before}",
        can_write=hub_of(core).rules.may(caller, topic, "write"),
        watching=await core.db.read(alerts.is_watching, caller.user_id, topic),
        alerts=await core.db.read(alerts.list_alerts, caller.user_id, topic),
        base=base_url(core.config, scope),
        error=error,
    )


@get("/topics/t/{topic:path}", guards=[member])
async def show_topic(core: Core, caller: Caller, request: Asked, topic: str) -> Response[Any]:
    """One topic."""
    return await topic_page(core, caller, request, topic.strip("/"))


@post("/topics/watch", guards=[member])
async def watch(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Begin or end a notice for each message."""
    form = await read_form(request)
    topic, wanted = form.text("topic"), bool(form.text("wanted"))
    await managing.watch(core, caller, topic, wanted=wanted)
    said = "You get a notice for each message." if wanted else "No more notices."
    return redirect(request, page_of(topic), said)


@post("/topics/alerts", guards=[member])
async def add_alert(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """A new alert."""
    form = await read_form(request)
    topic = form.text("topic")
    try:
        value = to_float(form.text("value"))
        await managing.create_alert(core, caller, topic, form.text("kind"), value)
    except FaztError as error:
        return await topic_page(core, caller, request, topic, error=error)
    return redirect(request, page_of(topic), "You will be told.")


def to_float(text: str) -> float:
    """A number that was typed, with a comma if need be. Raises Invalid."""
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is not a number.") from error


@post("/topics/alerts/delete", guards=[member])
async def delete_alert(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Delete an alert."""
    form = await read_form(request)
    await core.db.write(alerts.delete_alert, caller.user_id, form.number("id"), now=core.clock())
    return redirect(request, page_of(form.text("topic")), "The alert is gone.")


@post("/topics/shares", guards=[member])
async def add_share(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """A link to a topic or a board."""
    form = await read_form(request)
    if board := form.text("board"):
        await managing.share_board(core, caller, board)
        return redirect(request, f"/topics/boards/{board}/edit", "Whoever has the link sees the board.")
    topic = form.text("topic")
    await managing.share_topic(core, caller, topic)
    return redirect(request, page_of(topic), "Whoever has the link sees the topic.")


@post("/topics/shares/end", guards=[member])
async def end_share(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """End a link."""
    form = await read_form(request)
    await managing.end_share(core, caller, form.text("id"))
    return redirect(request, local_path(form.text("back"), "/topics"), "The link has ended.")


@post("/topics/options", guards=[member])
async def set_options(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """What a topic keeps."""
    form = await read_form(request)
    topic = form.text("topic")
    try:
        options = Options(
            keep_hours=form.number("keep_hours"),
            keep_count=form.number("keep_count"),
            retain=form.is_on("retain"),
            volatile=form.is_on("volatile"),
        )
        await managing.set_options(core, caller, topic, options)
    except FaztError as error:
        return await topic_page(core, caller, request, topic, error=error)
    return redirect(request, page_of(topic), "Saved.")


@post("/topics/delete", guards=[member])
async def delete_topic(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Delete a topic with all its messages."""
    topic = (await read_form(request)).text("topic")
    await managing.delete_topic(core, caller, topic)
    return redirect(request, "/topics", f"{topic} is gone.")


PAGES = [
    show_topics,
    publish,
    show_topic,
    watch,
    add_alert,
    delete_alert,
    add_share,
    end_share,
    set_options,
    delete_topic,
]
