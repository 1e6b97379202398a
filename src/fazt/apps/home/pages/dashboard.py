"""Home: a card for each app, and above them what needs somebody."""

from __future__ import annotations

import asyncio
import inspect
import shutil
import time
from typing import Any

from litestar import Response, get

from fazt.apps.home.pages.activity import describe
from fazt.apps.home.pages.entry import Asked
from fazt.apps.home.pages.live import GATHER_S, live
from fazt.apps.home.pages.tour import list_steps
from fazt.core import Core
from fazt.core.app import App, Card, Concern, Mount
from fazt.core.auth import Caller, store
from fazt.core.clock import DAY
from fazt.core.events import list_events
from fazt.core.http.access import member
from fazt.core.jobs import count_jobs, list_crons
from fazt.core.log import get_logger
from fazt.ui import page
from fazt.ui.formats import format_bytes, plural
from fazt.ui.render import nav_apps

FULL = 0.9
FEW_CODES = 3
EXPIRING_DAYS = 10
LATEST, LOOKED_AT = 6, 60
KEPT_S, MOST_KEPT = GATHER_S / 2, 500
"""What is kept must be younger than the event a page has just been told of."""

log = get_logger(__name__)


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


async def ask_concerns(core: Core, caller: Caller, app: App) -> list[Concern]:
    """What the app is concerned about."""
    concerns = getattr(app.load("pages"), "concerns", None)
    if concerns is None:
        return []
    try:
        found: list[Concern] = await concerns(core, caller)
    except Exception:  # a rim: one app's trouble hides neither the others' cards nor their concerns
        log.exception("the concerns of %s failed", app.name)
        return [
            Concern(f"{app.title} cannot say how it is; why was written to the log.", "Open", app.path, is_bad=True)
        ]
    return found


async def list_own_concerns(core: Core, caller: Caller) -> list[Concern]:
    """What needs this person in their account."""
    user = await core.db.point(store.get_user, caller.user_id)
    if not user.has_totp:
        return []
    left = await core.db.point(store.count_recovery_codes, caller.user_id)
    text = f"You have {plural(left, 'recovery code')} left for two-factor login."
    return [Concern(text, "Make new ones", "/account/two-factor")] if left <= FEW_CODES else []


async def list_house_concerns(core: Core) -> list[Concern]:
    """What needs the owner in the house itself: work, certificates, the disk."""
    found: list[Concern] = []
    dead = (await core.db.read(count_jobs))["dead"]
    if dead:
        text = f"{plural(dead, 'job')} failed too often and {'was' if dead == 1 else 'were'} given up."
        found.append(Concern(text, "See why", "/jobs?state=dead", is_bad=True))
    failed = [cron.name for cron in await core.db.read(list_crons) if cron.last_error]
    found += [Concern(f"The job {name} of the clock failed last time.", "See why", "/jobs") for name in failed]
    troubled = sum(bool(state.failures) for state in core.tls.hosts.values())
    if troubled:
        text = f"{plural(troubled, 'host name')} cannot get a certificate."
        found.append(Concern(text, "See why", "/certificates", is_bad=True))
    soon = core.clock() + EXPIRING_DAYS * DAY
    ending = sum(certificate.not_after < soon for certificate in core.tls.certificates)
    if ending:
        text = f"{plural(ending, 'certificate')} will run out within {EXPIRING_DAYS} days and is not renewed yet."
        found.append(Concern(text, "Look", "/certificates"))
    disk = shutil.disk_usage(core.config.data.parent)
    if disk.used > FULL * disk.total:
        text = f"The disk is nearly full: {format_bytes(disk.free)} are left."
        found.append(Concern(text, "See what takes it", "/storage", is_bad=True))
    return found


async def list_notices(core: Core, caller: Caller, apps: list[App]) -> list[Concern]:
    """What needs this person, besides what the apps' cards say; what does not work first."""
    asked = await asyncio.gather(*(ask_concerns(core, caller, app) for app in apps))
    found = await list_own_concerns(core, caller)
    found += await list_house_concerns(core) if caller.is_owner else []
    found += [concern for concerns in asked for concern in concerns]
    return sorted(found, key=lambda concern: not concern.is_bad)


async def list_latest(core: Core) -> list[dict[str, Any]]:
    """What happened last, with what happened again and again as one line."""
    rows: list[dict[str, Any]] = []
    for row in await describe(core, await core.db.read(list_events, limit=LOOKED_AT)):
        before = rows[-1] if rows else None
        if before and (before["event"].name, before["who"]) == (row["event"].name, row["who"]):
            before["count"] += 1
        elif len(rows) == LATEST:
            break
        else:
            rows.append(row | {"count": 1})
    return rows


def measure_file(core: Core) -> int:
    """Bytes of data.db with its log; 0 where the data is in PostgreSQL."""
    files = [core.config.data, core.config.data.with_name(core.config.data.name + "-wal")]
    return sum(file.stat().st_size for file in files if file.exists()) if not core.config.database_url else 0


class Board:
    """What the dashboard shows of each person, kept for a moment: many looks at once cost as much as one."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    async def show(self, core: Core, caller: Caller) -> dict[str, Any]:
        """Cards, concerns and the latest events."""
        now = time.monotonic()
        kept = self._kept.get(caller.user_id)
        if kept is not None and kept[0] > now - KEPT_S:
            return kept[1]
        apps = nav_apps(core)
        cards = await asyncio.gather(*(ask_card(core, caller, app) for app in apps))
        shown = {
            "tiles": list(zip(apps, cards, strict=True)),
            "notices": await list_notices(core, caller, apps),
            "latest": await list_latest(core) if caller.is_owner else [],
            "file_bytes": measure_file(core) if caller.is_owner else 0,
        }
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[caller.user_id] = (now, shown)
        return shown


def board_of(core: Core) -> Board:
    """The one Board of this program."""
    found: Any = core.engines.get(Board)
    if found is None:
        found = Board()
        core.add(found)
    board: Board = found
    return board


@get("/", guards=[member])
async def show_home(core: Core, caller: Caller, request: Asked, part: str = "") -> Response[Any]:
    """The dashboard; `part=live` is what the page asks for when something has happened."""
    shown = await board_of(core).show(core, caller)
    return page(
        request,
        "home/home_live.html" if part == "live" else "home/home.html",
        steps=await list_steps(core, caller),
        **shown,
    )


PAGES = [
    show_home,
    Mount("/home/live", live, access="member", help="Server-sent events: something has happened, look again."),
]
