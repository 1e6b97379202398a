"""«Connect a client»: an app's address and user name, a password made on the spot, and steps for every system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from markupsafe import Markup

from fazt.core.app import Scope
from fazt.core.config import LOOPBACK_NAMES
from fazt.core.http.access import CALLER
from fazt.core.http.hosts import base_url, find_header
from fazt.ui.render import render

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import App
    from fazt.core.auth import Caller

SYSTEMS = {"windows": "Windows", "macos": "macOS", "linux": "Linux", "ios": "iPhone and iPad", "android": "Android"}
SIGNS = {  # in this order: an Android says Linux, an iPhone says Mac OS X
    "iphone": "ios",
    "ipad": "ios",
    "android": "android",
    "windows": "windows",
    "mac os": "macos",
    "linux": "linux",
}
PLACEHOLDERS = {"app": "APP-PASSWORD", "token": "TOKEN"}


class Made(Protocol):
    """A password or token that was made just now."""

    @property
    def id(self) -> str:
        """By which it is ended."""

    @property
    def name(self) -> str:
        """What it is for."""

    @property
    def secret(self) -> str:
        """What is shown this once."""


def find_app(core: Core, name: str) -> App | None:
    """The app of this name, if clients connect to it."""
    return next((app for app in core.apps if app.name == name and app.connect is not None), None)


def find_system(scope: Scope) -> str:
    """What the browser that asks runs on, as far as it says so."""
    agent = (find_header(scope["headers"], b"user-agent") or b"").decode("latin-1").lower()
    return next((system for sign, system in SIGNS.items() if sign in agent), "linux")


def connect_panel(core: Core, scope: Scope, name: str, made: Made | None = None, *, is_open: bool = False) -> Markup:
    """The panel of the app `name`, with the secret that was `made` in all its steps; nothing for who has no account."""
    app, caller = find_app(core, name), scope.get(CALLER)
    if app is None or app.connect is None or caller is None:
        return Markup()
    base = base_url(core.config, scope)
    more = getattr(app.load("pages"), "connect", None)
    facts = {} if more is None else more(core, caller, base)
    html = render(
        core, caller, f"{name}/connect.html", **known(app, caller, scope, base, made), is_open=is_open, **facts
    )
    return Markup(html)  # noqa: S704 - a template's own output, escaped there


def known(app: App, caller: Caller, scope: Scope, base: str, made: Made | None) -> dict[str, object]:
    """What every template `connect.html` knows besides what its app adds."""
    assert app.connect is not None
    host = urlsplit(base).hostname or ""
    return {
        "app": app,
        "base": base,
        "host": host,
        "authority": base.partition("://")[2],
        "is_secure": base.startswith("https://"),
        "is_local": host in LOOPBACK_NAMES,
        "user": caller.email,
        "made": made,
        "secret": made.secret if made else PLACEHOLDERS[app.connect.kind],
        "system": find_system(scope),
        "systems": SYSTEMS,
    }
