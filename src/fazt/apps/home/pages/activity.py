"""The activity log, for the owner: who did what, when, in which app; newest first, and live."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get

from fazt.apps.home.pages.entry import Asked
from fazt.core import Core, auth, events, settings, tls
from fazt.core.auth import store
from fazt.core.events import Event, find_newest, list_events
from fazt.core.http.access import owner
from fazt.ui import page, redirect

HOUSE_EVENTS = (*auth.EVENTS, *events.EVENTS, *settings.EVENTS, *tls.EVENTS)
ROWS = 100
MADE_UP = re.compile(r"[0-9a-z]{20}|[0-9a-f]{32}")
"""Ids of people, messages and notes: nothing that anybody would read. They stand among the details."""

LOOK = 20_000
"""Through how many events a page looks for those that are asked for; then it says so, and goes on when asked."""


def sentence_of(core: Core, event: Event) -> str:
    """What an event says, in the words of whoever declared it."""
    kinds = (kind for app in core.apps for kind in app.events)
    return (
        next((kind.help for kind in (*kinds, *HOUSE_EVENTS) if kind.name == event.name), "")
        .partition(". ")[0]
        .rstrip(".")
    )


def actor_of(event: Event) -> str:
    """The id of whoever did it, or whom it concerns; "" where nobody is named."""
    found = event.data.get("by") or event.data.get("user_id") or ""
    return found if isinstance(found, str) else ""


async def describe(core: Core, found: list[Event]) -> list[dict[str, Any]]:
    """What the rows show."""
    people = {user.id: user.name or user.email for user in await core.db.read(store.list_users)}
    apps = {app.name: app for app in core.apps}
    rows = []
    for event in found:
        app = apps.get(event.name.partition(".")[0])
        row = {"event": event, "said": sentence_of(core, event) or event.name, "who": people.get(actor_of(event), "")}
        row["key"] = "" if MADE_UP.fullmatch(event.key or "") else event.key
        rows.append(row | {"icon": (app.icon or app.name) if app else "settings", "app": app.title if app else "House"})
    return rows


@get("/activity", guards=[owner])
async def show_activity(
    core: Core, request: Asked, prefix: str = "", person: str = "", before: int | None = None
) -> Response[Any]:
    """A page of the log: of an app (`mail.`), of a kind of event, of a person."""
    found = await core.db.read(list_events, prefix=prefix, about=person, before_id=before, limit=ROWS, look=LOOK)
    newest = before if before is not None else await core.db.read(find_newest) + 1
    further = found[-1].id if len(found) == ROWS else newest - LOOK
    kept = {kind.name for app in core.apps for kind in app.events if kind.is_kept}
    names = sorted(kept | {kind.name for kind in HOUSE_EVENTS})
    of_apps = {name.partition(".")[0] for name in names}
    titles = {app.name: app.title for app in core.apps}
    asked = {"prefix": prefix, "person": person}
    return page(
        request,
        "home/activity.html",
        rows=await describe(core, found),
        asked=asked,
        here="/activity?" + urlencode(asked),
        before=before,
        older=further if further > 1 else None,
        kinds=[("", "Everything"), *((f"{name}.", f"All of {titles.get(name, name)}") for name in sorted(of_apps))]
        + [(name, name) for name in names],
        people=[("", "Everybody"), *((u.id, u.name or u.email) for u in await core.db.read(store.list_users))],
    )


@get("/activity/rows", guards=[owner])
async def show_new_rows(
    core: Core, request: Asked, after: int = 0, prefix: str = "", person: str = ""
) -> Response[Any]:
    """Only the rows newer than `after`: what the page's script asks for every two seconds."""
    found = await core.db.read(list_events, after_id=after, prefix=prefix, about=person, limit=ROWS, look=LOOK)
    return page(request, "home/activity_rows.html", rows=await describe(core, found))


@get("/events", guards=[owner])
async def show_events(request: Asked) -> Response[Any]:
    """Where the log was before."""
    return redirect(request, "/activity")


PAGES = [show_activity, show_new_rows, show_events]
