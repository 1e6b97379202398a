"""Home: a card for each app, and above them what needs somebody."""

from __future__ import annotations

import asyncio
import inspect
import shutil
from dataclasses import dataclass
from typing import Any

from litestar import Response, get

from fazt.apps.home.pages.entry import Asked
from fazt.apps.home.pages.tour import list_steps
from fazt.core import Core
from fazt.core.app import App, Card
from fazt.core.auth import Caller, store
from fazt.core.http.access import member
from fazt.core.jobs import count_jobs
from fazt.core.log import get_logger
from fazt.ui import page
from fazt.ui.formats import format_bytes, plural
from fazt.ui.render import nav_apps

FULL = 0.9
FEW_CODES = 3

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that needs somebody: what, and where to see to it."""

    text: str
    action: str
    path: str


async def ask_card(core: Core, caller: Caller, app: App) -> Card | None:
    """The app's own card; None where it has none. An app in trouble says so and leaves the others alone."""
    card = getattr(app.load("pages"), "card", None)
    if card is None:
        return None
    try:
        found = card(core, caller)
        answer: Card = await found if inspect.isawaitable(found) else found
    except Exception:  # a rim: the dashboard is where one goes when something is broken
        log.exception("the card of %s failed", app.name)
        return Card("–", "Something went wrong here; it was written to the log.", attention=True)
    return answer


async def list_notices(core: Core, caller: Caller) -> list[Notice]:
    """What needs this person, besides what the apps' cards say."""
    notices: list[Notice] = []
    user = await core.db.point(store.get_user, caller.user_id)
    if user.has_totp:
        left = await core.db.point(store.count_recovery_codes, caller.user_id)
        if left <= FEW_CODES:
            text = f"You have {plural(left, 'recovery code')} left for two-factor login."
            notices.append(Notice(text, "Make new ones", "/account/two-factor"))
    if not caller.is_owner:
        return notices
    dead = (await core.db.read(count_jobs))["dead"]
    if dead:
        notices.append(
            Notice(f"{plural(dead, 'job')} failed too often and was given up.", "See why", "/jobs?state=dead")
        )
    troubled = sum(bool(state.failures) for state in core.tls.hosts.values())
    if troubled:
        text = f"{plural(troubled, 'host name')} cannot get a certificate."
        notices.append(Notice(text, "See why", "/certificates"))
    disk = shutil.disk_usage(core.config.data.parent)
    if disk.used > FULL * disk.total:
        notices.append(Notice(f"The disk is nearly full: {format_bytes(disk.free)} are left.", "See apps", "/"))
    return notices


def measure_file(core: Core) -> int:
    """Bytes of data.db with its log; 0 where the data is in PostgreSQL."""
    files = [core.config.data, core.config.data.with_name(core.config.data.name + "-wal")]
    return sum(file.stat().st_size for file in files if file.exists()) if not core.config.database_url else 0


@get("/", guards=[member])
async def show_home(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """The dashboard."""
    apps = nav_apps(core)
    cards = await asyncio.gather(*(ask_card(core, caller, app) for app in apps))
    tiles = [(app, card) for app, card in zip(apps, cards, strict=True)]
    return page(
        request,
        "home/home.html",
        tiles=tiles,
        notices=await list_notices(core, caller),
        steps=await list_steps(core, caller),
        file_bytes=measure_file(core) if caller.is_owner else 0,
    )


PAGES = [show_home]
