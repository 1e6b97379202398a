"""Serve the components with sample data on http://127.0.0.1:8099/, to look at while changing their style."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import uvicorn

from fazt.core.app import App, Card, Concern
from fazt.core.clock import system_clock
from fazt.core.errors import FaztError, NotFound
from fazt.core.http.messages import respond, respond_json
from fazt.core.http.root import CSP
from fazt.ui.assets import serve_static
from fazt.ui.icons import PATHS
from fazt.ui.render import render

NAMES = "sites runtime drive drops pads links textdb pubsub mail joplin turn backup upgrade"
APPS = tuple(App(name, name.title(), "", ("pages",), path=f"/{name}") for name in NAMES.split())
CARDS = (
    Card("4 sites", "blog was deployed 3 minutes ago.", "Deploy another", "/sites"),
    Card("12 functions", "1,204 runs today, none failed."),
    Card("2.1 GB", "In 812 files.", "Open in a file manager", "/drive"),
    Card("7 drops", "2 end today."),
    Card("3 pads", "standup was changed an hour ago."),
    Card("128 links", "23.5k visits today.", "New link", "/links"),
    Card("9 collections", "41,883 documents."),
    Card("5 topics", "2 listeners now."),
    Card("3 new", "312 mails in 4 mailboxes.", "Write one", "/mail"),
    Card("1,204 notes", "Last synced 5 minutes ago."),
    Card("Ready", "Nobody is calling."),
    Card("No backup", "Nothing has been saved anywhere yet.", "Set one up", "/backup", attention=True),
    Card("0.1.0", "This is the newest version."),
)
NOTICES = [Concern("2 jobs failed too often and were given up.", "See why", "/jobs?state=dead", is_bad=True)]
CORE: Any = SimpleNamespace(apps=APPS, config=SimpleNamespace(domain="localhost"))
CALLER: Any = SimpleNamespace(name="Ada", email="ada@example.org", is_owner=True)


def render_page(path: str) -> str:
    """The dashboard at /home, else the components."""
    if path == "/home":
        tiles = list(zip(APPS, CARDS, strict=True))
        return render(
            CORE, CALLER, "home/home.html", tiles=tiles, notices=NOTICES, steps=[], latest=[], file_bytes=48_200_000
        )
    return render(CORE, CALLER, "ui/preview.html", now=system_clock(), icons=PATHS)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The preview, its static files and the numbers of its chart."""
    if scope["type"] != "http":
        return
    try:
        if scope["path"].startswith("/static/"):
            await serve_static(CORE, scope, receive, send)
        elif scope["path"] == "/chart.json":
            day = system_clock() // 86_400_000 * 86_400
            values = [(n * 37) % 23 + n for n in range(30)]
            times = [day - (30 - n) * 86_400 for n in range(30)]
            await respond_json(send, 200, {"times": times, "series": [{"label": "Visits", "values": values}]})
        else:
            html = render_page(scope["path"])
            headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-security-policy", CSP.encode())]
            await respond(send, 200, headers, html.encode())
    except NotFound as error:
        await respond(send, 404, [], str(error).encode())
    except FaztError as error:
        await respond(send, 500, [], str(error).encode())


if __name__ == "__main__":
    uvicorn.run(app, port=8099, log_level="warning")
