"""HTTP of backups, for the owner: what there is, and work that is asked for and looked after by its id."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from litestar import Request, delete, get, post
from msgspec import Struct

from fazt.apps.backup import store
from fazt.apps.backup.actions import (
    Status,
    Wanted,
    bring_back,
    check_backup,
    list_backups,
    make_backup,
    prune,
    rehearse,
    restore_and_take_over,
    show_things,
    to_status,
)
from fazt.apps.backup.engine.desk import Progress, get_desk
from fazt.apps.backup.engine.orders import replication_of
from fazt.apps.backup.engine.packing import find_identities
from fazt.apps.backup.engine.place import delete_backup, open_place
from fazt.apps.backup.model import Entry, Kind, Run, check_file_name, parse_moment
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import Forbidden, Invalid, NotFound
from fazt.core.http.access import owner

Asked = Request[Any, Any, Any]


class NewBackup(Struct, forbid_unknown_fields=True):
    """Where it goes, if elsewhere than the settings say (only for commands on this machine)."""

    place: str = ""


class Which(Struct, forbid_unknown_fields=True):
    """A backup: `name` at the place of the settings (or `latest`), not later than `at`; or a moment of the replica.

    `file`, `source` (another place, or another replica) and `identity` are for commands on this machine.
    """

    name: str = "latest"
    at: str = ""
    replica: bool = False
    file: str = ""
    source: str = ""
    identity: str = ""


class Wish(Which):
    """One thing of a backup, e.g. kind `site`; made under `new_name`, or its own."""

    kind: str = ""
    thing: str = ""
    new_name: str = ""


class Pruning(Struct, forbid_unknown_fields=True):
    """With `dry_run` nothing is removed."""

    dry_run: bool = False


def to_which(core: Core, asked: Asked, data: Which) -> dict[str, Any]:
    """What an order has to know of the backup. Raises Invalid, and Forbidden for paths from elsewhere."""
    scope: Any = asked.scope
    if (data.file or data.source or data.identity) and not scope.get("fazt.local"):
        raise Forbidden("Files and other places can be named only on the machine of this cloud.")
    found: dict[str, Any] = {"name": data.name, "file": data.file}
    if data.name != "latest" and not data.file:
        check_file_name(data.name)
    if data.at:
        found["at"] = parse_moment(data.at, core.clock())
    if data.identity:
        found["identities"] = find_identities(data.identity)
    if data.replica:
        found["replica"] = replication_of(core.settings.get, core.config, data.source)
        if found["replica"] is None:
            raise Invalid("There is no replica.", hint="backup.replica says where one goes.")
    elif data.source:
        found["place"] = data.source
    return found


def begin(core: Core, kind: Kind, make: Any) -> Progress:
    """Have work done in the background; `make(progress)` is the coroutine. Raises Conflict while other work is done."""
    desk = get_desk(core)
    progress = desk.begin(kind)
    work: Coroutine[Any, Any, Any] = make(progress)
    desk.start(progress, work)
    return progress


@get("/api/v1/backup", guards=[owner])
async def show_status(core: Core) -> Status:
    """How backups stand: the last, the next, alarms, the replica, the epoch."""
    return await to_status(core)


@get("/api/v1/backup/files", guards=[owner])
async def list_files(core: Core) -> list[Entry]:
    """The backups, newest first."""
    return await list_backups(core)


@delete("/api/v1/backup/files/{name:str}", guards=[owner])
async def delete_file(core: Core, name: str) -> None:
    """Delete one backup."""
    desk = get_desk(core)
    if name not in {entry.name for entry in await list_backups(core)}:
        raise NotFound(f"There is no backup {name!r}.")
    delete_backup(open_place(desk.place, desk.keys), name)


@get("/api/v1/backup/runs", guards=[owner])
async def list_work(core: Core, limit: int = 20) -> list[Run]:
    """How the latest work went."""
    return await core.db.read(store.list_runs, min(max(limit, 1), store.KEEP_RUNS))


@get("/api/v1/backup/work/{work_id:str}", guards=[owner])
async def show_work(core: Core, work_id: str) -> Progress:
    """How a piece of work goes."""
    found = get_desk(core).find(work_id)
    if found is None:
        raise NotFound("This work is not known, or was done before the program started.")
    return found


@post("/api/v1/backup/create", guards=[owner], status_code=202)
async def create(core: Core, request: Asked, data: NewBackup) -> Progress:
    """Make a backup."""
    scope: Any = request.scope
    if data.place and not scope.get("fazt.local"):
        raise Forbidden("Another place can be named only on the machine of this cloud.")
    return begin(core, "create", lambda progress: make_backup(get_desk(core), progress, data.place))


@post("/api/v1/backup/verify", guards=[owner], status_code=202)
async def verify(core: Core, request: Asked, data: Which) -> Progress:
    """Check a backup, all of it."""
    which = to_which(core, request, data)
    return begin(core, "verify", lambda progress: check_backup(get_desk(core), progress, **which))


@post("/api/v1/backup/drill", guards=[owner], status_code=202)
async def drill(core: Core) -> Progress:
    """Rehearse a restore, of the newest backup and of the replica."""
    return begin(core, "drill", lambda progress: rehearse(get_desk(core), progress))


@post("/api/v1/backup/prune", guards=[owner])
async def remove_old(core: Core, data: Pruning) -> dict[str, Any]:
    """Remove what the rules do not keep; what it was."""
    desk = get_desk(core)
    progress = desk.begin("prune")
    found: dict[str, Any] = await desk.note(progress, prune(core, progress, dry_run=data.dry_run))
    return found


@post("/api/v1/backup/restore", guards=[owner], status_code=202)
async def restore(core: Core, request: Asked, data: Which) -> Progress:
    """Restore everything. When the work is done the program drains and starts anew on the restored file.

    The status then has the epoch that is the work's result.
    """
    which = to_which(core, request, data)
    desk = get_desk(core)
    progress = desk.begin("restore")
    desk.follow(restore_and_take_over(core, progress, **which))
    return progress


@post("/api/v1/backup/things", guards=[owner], status_code=202)
async def list_in_backup(core: Core, request: Asked, data: Which) -> Progress:
    """What in a backup can be brought back alone; the work's result has it."""
    which = to_which(core, request, data)
    return begin(core, "bring", lambda progress: show_things(core, progress, **which))


@post("/api/v1/backup/bring", guards=[owner], status_code=202)
async def bring(core: Core, caller: Caller, request: Asked, data: Wish) -> Progress:
    """Bring one thing back out of a backup, e.g. one site, beside all that is there."""
    which = to_which(core, request, data)
    wanted = Wanted(data.kind, data.thing, data.new_name, caller.user_id)
    return begin(core, "bring", lambda progress: bring_back(core, progress, wanted, **which))


ROUTES = [
    show_status,
    list_files,
    delete_file,
    list_work,
    show_work,
    create,
    verify,
    drill,
    remove_old,
    restore,
    list_in_backup,
    bring,
]
