"""Storage, for the owner: what takes how much room, to the byte, and what could go."""

from __future__ import annotations

import shutil
from typing import Any

from litestar import Response, get, post

from fazt.apps.home.actions import ask_freeing, ask_measuring
from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.http.access import owner
from fazt.core.usage import Usage, find_usage, list_spares, list_totals
from fazt.core.usage.model import HOUSE
from fazt.ui import page, read_form, redirect

SPARKS = 60


def list_rows(core: Core, found: Usage) -> list[tuple[str, str, str, int, int, int, int]]:
    """(icon, title, path, tables, indexes, blobs, total) of each app and part of the house: together all there is."""
    apps = {app.name: app for app in core.apps}
    rows = []
    for share in found.apps:
        app = apps.get(share.name)
        icon, title, path = (app.icon or app.name, app.title, app.path) if app else ("apps", share.name, "")
        rows.append((icon, title, path, share.tables, share.indexes, share.blobs, share.total))
    house = [
        ("storage", HOUSE.get(share.name, share.name), "", share.tables, 0, 0, share.total) for share in found.house
    ]
    return rows + house


@get("/storage", guards=[owner])
async def show_storage(core: Core, request: Asked) -> Response[Any]:
    """What was last measured."""
    found = await core.db.read(find_usage)
    if found is None:
        await ask_measuring(core)
    spares, apps = list_spares(core), {app.name: app.title for app in core.apps}
    could = [
        (apps.get(one.name.partition(".")[0], ""), one, spares[one.name])
        for one in (found.could if found else [])
        if one.name in spares
    ]
    disk = shutil.disk_usage(core.config.data.parent)
    return page(
        request,
        "home/storage.html",
        found=found,
        rows=list_rows(core, found) if found else [],
        could=could,
        totals=[total for _, total in await core.db.read(list_totals)][-SPARKS:],
        disk=(disk.used, disk.total, disk.free),
        has_database=bool(core.config.database_url),
        file=core.config.data.name,
    )


@post("/storage/measure", guards=[owner])
async def measure_now(core: Core, request: Asked) -> Response[Any]:
    """Measure anew."""
    await ask_measuring(core)
    return redirect(request, "/storage", "It is being measured. Look again in a moment.")


@post("/storage/free", guards=[owner])
async def free_now(core: Core, request: Asked) -> Response[Any]:
    """Let something go."""
    await ask_freeing(core, (await read_form(request)).text("name"))
    return redirect(request, "/storage", "It goes now, and then all is measured anew. Look again in a moment.")


PAGES = [show_storage, measure_now, free_now]
