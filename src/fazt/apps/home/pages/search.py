"""The search box: one over everything that apps make findable, and over the places of this cloud itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Response, get

from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.http.access import member
from fazt.core.search import search, search_by_app
from fazt.core.search.model import words_of
from fazt.ui import page
from fazt.ui.render import house_pages

ROWS = 30
IN_GROUP, IN_BOX = 5, 3
PLACES = 6


@dataclass(frozen=True, slots=True)
class Place:
    """A page of this cloud, or one of its settings."""

    icon: str
    title: str
    about: str
    path: str


def list_places(core: Core, caller: Caller) -> list[Place]:
    """All there are for this person."""
    places = [Place(app.icon or app.name, app.title, app.does, app.path) for app in core.apps if app.path]
    places.append(Place("person", "Account", "Your name, password, devices and two-factor login.", "/account"))
    places.append(Place("key", "Passwords and tokens", "App passwords for your devices, tokens.", "/account/tokens"))
    places += [Place(name, title, "", path) for name, title, path in house_pages(caller)]
    if caller.is_owner:
        for view in core.settings.list_settings():
            path = f"/settings?q={view.name}"
            places.append(Place("settings", view.name, view.help, path))
    return places


def find_places(core: Core, caller: Caller, query: str) -> list[Place]:
    """Those of which name or description have all words, by their beginnings; those with them in their name first."""
    asked = words_of(query[:200])
    if not asked:
        return []
    found = []
    for place in list_places(core, caller):
        names, about = words_of(place.title), words_of(place.about)
        if all(any(word.startswith(one) for word in (*names, *about)) for one in asked):
            found.append((not all(any(word.startswith(one) for word in names) for one in asked), place))
    return [place for _, place in sorted(found, key=lambda pair: pair[0])][:PLACES]


@get("/search", guards=[member])
async def show_search(
    core: Core, caller: Caller, request: Asked, q: str = "", app: str = "", offset: int = 0, part: str = ""
) -> Response[Any]:
    """The best of each app, or page by page what one app has.

    `part=rows` is what the page asks for while somebody types, `part=box` what the box at the top does.
    """
    start = max(offset, 0)
    context: dict[str, Any] = {
        "q": q,
        "app": app,
        "titles": {name: one.title for one in core.apps for name in (one.name, *one.commands)},
        "icons": {name: one.icon or one.name for one in core.apps for name in (one.name, *one.commands)},
    }
    if app:
        found = await core.db.read(search, q, user_id=caller.user_id, app=app, limit=ROWS + 1, offset=start)
        context |= {"found": found[:ROWS], "groups": [], "spots": []}
        context |= {"more": start + ROWS if len(found) > ROWS else None}
        context |= {"fewer": max(start - ROWS, 0) if start else None}
    else:
        limit = IN_BOX if part == "box" else IN_GROUP
        context |= {"found": [], "groups": await core.db.read(search_by_app, q, user_id=caller.user_id, limit=limit)}
        context |= {"spots": find_places(core, caller, q)[: IN_BOX if part == "box" else PLACES]}
    names = {"rows": "home/search_rows.html", "box": "home/search_box.html"}
    return page(request, names.get(part, "home/search.html"), **context)


PAGES = [show_search]
