"""What pages, routes and jobs ask for: a look at the releases, and how things stand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

from fazt import __version__
from fazt.apps.upgrade import store
from fazt.apps.upgrade.engine import find_journal
from fazt.apps.upgrade.engine.places import find_way
from fazt.apps.upgrade.model import Known, Run, Way, choose_release, is_newer
from fazt.core.errors import FaztError

if TYPE_CHECKING:
    from fazt.core import Core

RUNS = 10


class Status(Struct, frozen=True):
    """What runs, what is newer, and how upgrades went. Times in ms.

    `unfinished` is the version of an upgrade that was cut off; `fazt upgrade` brings it to an end.
    """

    version: str
    way: Way
    releases_url: str
    newest: Known | None
    is_newer: bool
    checked_at: int | None
    problem: str
    unfinished: str
    runs: list[Run]


async def to_status(core: Core) -> Status:
    """How things stand."""
    newest = await core.db.read(store.find_newest)
    looked = await core.db.read(store.find_look)
    journal = await asyncio.to_thread(find_journal)
    return Status(
        version=__version__,
        way=await asyncio.to_thread(find_way),
        releases_url=core.settings.get("upgrade.releases_url"),
        newest=newest,
        is_newer=newest is not None and is_newer(newest.version, __version__),
        checked_at=looked[0] if looked else None,
        problem=looked[1] if looked else "",
        unfinished=journal.new if journal is not None and not journal.has_ended else "",
        runs=await core.db.read(store.list_runs, RUNS),
    )


async def look(core: Core) -> None:
    """See what releases there are. Raises what is wrong, and keeps it."""
    from fazt.apps.upgrade.engine.fetching import list_releases  # noqa: PLC0415 - httpx takes 0.1 s and 8 MB

    try:
        releases = await asyncio.to_thread(list_releases, core.settings.get("upgrade.releases_url"))
    except FaztError as error:
        await core.db.write(store.note_trouble, error.message, now=core.clock())
        raise
    newest = choose_release(releases, running=__version__)
    await core.db.write(store.note_look, newest, __version__, now=core.clock())
