"""Pages of backups, for the owner: how they stand, what there is, and the way back."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from fazt.apps.backup import store
from fazt.apps.backup.actions import (
    Wanted,
    bring_back,
    check_backup,
    list_backups,
    list_things,
    make_backup,
    rehearse,
    restore_and_take_over,
    show_things,
    to_status,
)
from fazt.apps.backup.engine.desk import get_desk
from fazt.apps.backup.engine.orders import replication_of
from fazt.apps.backup.engine.place import delete_backup, open_place
from fazt.apps.backup.model import Entry, check_file_name, parse_moment
from fazt.core import Core
from fazt.core.app import Card
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Invalid, NotFound
from fazt.core.http.access import owner
from fazt.ui import page, read_form, redirect
from fazt.ui.formats import describe_distance

Asked = Request[Any, Any, Any]
RUNS = 8


async def card(core: Core, caller: Caller) -> Card:
    """What the dashboard says about backups."""
    last = await core.db.read(store.find_last, "create", done=True)
    alarms = await core.db.read(store.list_alarms)
    if alarms and caller.is_owner:
        return Card("Needs a look", alarms[0].text, "Look", "/backup", attention=True)
    if last is None:
        return Card("No backup", "Nothing has been saved yet.", "Make one", "/backup", attention=caller.is_owner)
    return Card(f"Saved {describe_distance(last.started_at, core.clock())}", last.name, "Look", "/backup")


@get("/backup", guards=[owner])
async def show_backups(core: Core, request: Asked) -> Response[Any]:
    """How backups stand, the list, the replica, the latest work."""
    entries: list[Entry] = []
    error: FaztError | None = None
    try:
        entries = await list_backups(core)
    except FaztError as found:
        error = found
    return page(
        request,
        "backup/list.html",
        status_now=await to_status(core),
        entries=entries,
        error=error,
        runs=await core.db.read(store.list_runs, RUNS),
        has_database=bool(core.config.database_url),
    )


@get("/backup/work/{work_id:str}", guards=[owner])
async def show_work(core: Core, request: Asked, work_id: str) -> Response[Any]:
    """The live part of the page; when the work is done, the page is loaded anew."""
    work = get_desk(core).find(work_id)
    headers = {} if work is not None and work.state == "running" else {"hx-refresh": "true"}
    return page(request, "backup/work.html", headers=headers, work=work)


@get("/backup/files/{name:str}", guards=[owner])
async def show_backup(core: Core, request: Asked, name: str) -> Response[Any]:
    """One backup: what is known of it, and what can be taken out of it."""
    check_file_name(name)
    entry = next((entry for entry in await list_backups(core) if entry.name == name), None)
    if entry is None:
        raise NotFound(f"There is no backup {name!r}.")
    desk = get_desk(core)
    return page(
        request,
        "backup/file.html",
        entry=entry,
        place=desk.place,
        work=desk.current,
        ended=desk.find_ended(name),
        things=desk.find_things(name),
        titles={kind: thing.title for kind, thing in list_things(core).items()},
    )


@post("/backup/create", guards=[owner])
async def create(core: Core, request: Asked) -> Response[Any]:
    """Make a backup now."""
    desk = get_desk(core)
    progress = desk.begin("create")
    desk.start(progress, make_backup(desk, progress))
    return redirect(request, "/backup")


@post("/backup/drill", guards=[owner])
async def drill(core: Core, request: Asked) -> Response[Any]:
    """Rehearse a restore now."""
    desk = get_desk(core)
    progress = desk.begin("drill")
    desk.start(progress, rehearse(desk, progress))
    return redirect(request, "/backup")


@post("/backup/verify", guards=[owner])
async def verify(core: Core, request: Asked) -> Response[Any]:
    """Check one backup."""
    name, desk = check_file_name((await read_form(request)).text("name")), get_desk(core)
    progress = desk.begin("verify", name)
    desk.start(progress, check_backup(desk, progress, name=name))
    return redirect(request, f"/backup/files/{name}")


@post("/backup/delete", guards=[owner])
async def delete(core: Core, request: Asked) -> Response[Any]:
    """Delete one backup."""
    name, desk = (await read_form(request)).text("name"), get_desk(core)
    delete_backup(open_place(desk.place, desk.keys), name)
    return redirect(request, "/backup", "It is deleted.")


@post("/backup/restore", guards=[owner])
async def restore(core: Core, request: Asked) -> Response[Any]:
    """Put a backup, or a moment of the replica, in the place of everything."""
    form, desk = await read_form(request), get_desk(core)
    which: dict[str, Any] = {}
    if name := form.text("name"):
        which["name"] = check_file_name(name)
    else:
        which["replica"] = replication_of(core.settings.get, core.config)
        which["at"] = parse_moment(form.text("at") or "now", core.clock())
        if which["replica"] is None:
            raise Invalid("There is no replica.", hint="The setting backup.replica says where one goes.")
    progress = desk.begin("restore", name)
    desk.follow(restore_and_take_over(core, progress, **which))
    return redirect(request, "/backup")


@post("/backup/look", guards=[owner])
async def look(core: Core, request: Asked) -> Response[Any]:
    """See what in a backup can be brought back alone."""
    name, desk = check_file_name((await read_form(request)).text("name")), get_desk(core)
    progress = desk.begin("bring", name)
    desk.start(progress, show_things(core, progress, name=name))
    return redirect(request, f"/backup/files/{name}")


@post("/backup/bring", guards=[owner])
async def bring(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Bring one thing back out of a backup."""
    form, desk = await read_form(request), get_desk(core)
    name = check_file_name(form.text("name"))
    kind, _, thing = form.text("thing").partition(":")
    progress = desk.begin("bring", name)
    wanted = Wanted(kind, thing, form.text("new_name"), caller.user_id)
    desk.start(progress, bring_back(core, progress, wanted, name=name))
    return redirect(request, f"/backup/files/{name}")


PAGES = [show_backups, show_work, show_backup, create, drill, verify, delete, restore, look, bring]
