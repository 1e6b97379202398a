"""What pages, routes and jobs ask for: each is one piece of work of the desk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import Connection

from fazt.apps.backup import store
from fazt.apps.backup.engine.desk import Desk, Progress, get_desk
from fazt.apps.backup.engine.litestream import ReplicaState, Replicator
from fazt.apps.backup.engine.orders import removed
from fazt.apps.backup.engine.place import delete_backup, list_entries, open_place
from fazt.apps.backup.engine.postgres import RESTORE
from fazt.apps.backup.engine.replica import delete_ended
from fazt.apps.backup.model import Alarm, Entry, Run, choose_doomed
from fazt.core.blobs import claim
from fazt.core.blobs.store import get_ref, read_chunk
from fazt.core.clock import DAY
from fazt.core.db.sqlite import create_sqlite_engine
from fazt.core.db.swap import replaced_path, swap, sweep_replaced
from fazt.core.errors import Invalid, NotFound, Unavailable
from fazt.core.jobs import next_time

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.app import Thing

KEEP_REPLACED = 30 * DAY
MAX_BLOB_BYTES = 1 << 40
TOLD_S = 1.0
"""How long a restored file waits, so that whoever asks for the result hears it before the doors close."""


class Status(Struct, frozen=True):
    """How backups stand. Times in ms."""

    place: str
    next_at: int | None
    next_drill_at: int | None
    last: Run | None
    last_drill: Run | None
    alarms: list[Alarm]
    replica: ReplicaState | None
    epoch: str
    work: Progress | None


def coming(core: Core, setting: str) -> int | None:
    """When a schedule comes that nobody has looked at yet, in the first minute of a file."""
    schedule = core.settings.get(setting)
    try:
        return next_time(schedule, core.clock()) if schedule else None
    except Invalid:
        return None


async def to_status(core: Core) -> Status:
    """How backups stand now."""
    desk, read = get_desk(core), core.db.read
    replicator = core.engines.get(Replicator)
    return Status(
        place=desk.place,
        next_at=await read(store.find_next, "create") or coming(core, "backup.schedule"),
        next_drill_at=await read(store.find_next, "drill") or coming(core, "backup.drill_schedule"),
        last=await read(store.find_last, "create"),
        last_drill=await read(store.find_last, "drill"),
        alarms=await read(store.list_alarms),
        replica=replicator.describe() if isinstance(replicator, Replicator) else None,
        epoch=await read(store.find_epoch),
        work=desk.current,
    )


async def make_backup(desk: Desk, progress: Progress, place: str = "") -> dict[str, Any]:
    """One backup, at the place of the settings or another."""
    order = desk.make_order("create", **({"place": place} if place else {}))
    made = await desk.do(progress, order)
    progress.name = made["name"]
    return made | {"place": order.place}


async def check_backup(desk: Desk, progress: Progress, **which: Any) -> dict[str, Any]:
    """Check one backup. Raises Invalid where it is not sound."""
    found = await desk.do(progress, desk.make_order("verify", **which))
    progress.name = found["name"]
    if found["problems"]:
        more = f" And {len(found['problems']) - 1} more." if len(found["problems"]) > 1 else ""
        raise Invalid(f"{found['name']} is not sound: {found['problems'][0]}{more}")
    progress.said = found["said"]
    return found


async def rehearse(desk: Desk, progress: Progress) -> dict[str, Any]:
    """The restore drill. Raises Invalid where something could not be brought back."""
    order = desk.make_order("drill", replica=desk.replication, control=desk.control)
    found = await desk.do(progress, order)
    progress.said = found["said"]
    return found


async def restore(core: Core, progress: Progress, **which: Any) -> dict[str, Any]:
    """Make a file ready to take the place of data.db; `take_over` then lets it. Raises Unavailable on PostgreSQL."""
    desk = get_desk(core)
    if core.config.database_url:
        raise Unavailable("The data is in PostgreSQL, which fazt does not restore by itself.", hint=RESTORE)
    found = await desk.do(progress, desk.make_order("restore", **which))
    progress.name, progress.said = found["name"], found["said"]
    return found


async def restore_and_take_over(core: Core, progress: Progress, **which: Any) -> None:
    """Make it ready, note it, and let the program start anew on it. Raises what `restore` raises."""
    desk, data = get_desk(core), core.config.data
    found = await desk.note(progress, restore(core, progress, **which))
    kept = replaced_path(data, core.clock())
    await asyncio.sleep(TOLD_S)
    core.rest(partial(swap, data, Path(found["path"]), kept))


async def prune(core: Core, progress: Progress, *, dry_run: bool = False) -> dict[str, Any]:
    """Remove what the rules do not keep; which backups, replaced files and parts of the replica."""
    desk, get = get_desk(core), core.settings.get
    place = await asyncio.to_thread(open_place, desk.place, desk.keys)
    entries = await asyncio.to_thread(list_entries, place)
    keeps = {name: get(f"backup.keep_{name}") for name in ("daily", "weekly", "monthly")}
    doomed = [entry.name for entry in choose_doomed(entries, **keeps)]
    gone: dict[str, Any] = {"backups": doomed, "replaced": [], "epochs": [], "dry_run": dry_run}
    if dry_run:
        return gone
    for name in doomed:
        await asyncio.to_thread(delete_backup, place, name)
    now, data = core.clock(), core.config.data
    gone["replaced"] = await asyncio.to_thread(sweep_replaced, data, older_than=(now - KEEP_REPLACED) / 1_000)
    if (wanted := desk.replication) is not None:
        before = now - wanted.keep_days * DAY
        gone["epochs"] = await asyncio.to_thread(delete_ended, wanted.url, desk.keys, before)
    progress.said = f"Removed: {len(doomed)}."
    return gone


async def list_backups(core: Core) -> list[Entry]:
    """Those at the place of the settings, newest first. Raises Unavailable where it cannot be reached."""
    desk = get_desk(core)
    return await asyncio.to_thread(lambda: list_entries(open_place(desk.place, desk.keys)))


def list_things(core: Core) -> dict[str, Thing]:
    """What can be brought back alone, by kind."""
    stores = [app.load("store") for app in core.apps]
    return {thing.kind: thing for store in stores for thing in getattr(store, "THINGS", ())}


def get_thing(core: Core, kind: str) -> Thing:
    """Raises NotFound, naming what there is."""
    things = list_things(core)
    if kind not in things:
        raise NotFound(f"{kind!r} cannot be brought back alone.", hint=f"These can: {', '.join(sorted(things))}.")
    return things[kind]


async def show_things(core: Core, progress: Progress, **which: Any) -> dict[str, Any]:
    """What is in a backup that can be brought back alone: names by kind."""
    desk = get_desk(core)
    found = await desk.do(progress, desk.make_order("bring", **which))
    with removed(Path(found["path"])), opened(Path(found["path"])) as source:
        names = {kind: thing.names(source) for kind, thing in list_things(core).items()}
    progress.name = found["name"]
    return {"name": found["name"], "things": names}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing of a backup: which, under which name it is to be made (empty: its own), and for whom."""

    kind: str
    name: str
    new_name: str
    user_id: str


async def bring_back(core: Core, progress: Progress, wanted: Wanted, **which: Any) -> dict[str, Any]:
    """Make one thing of a backup anew, beside what is there. Raises NotFound, Conflict where its name is taken."""
    desk, thing = get_desk(core), get_thing(core, wanted.kind)
    name, new_name = wanted.name, wanted.new_name or wanted.name
    found = await desk.do(progress, desk.make_order("bring", **which))
    progress.name = found["name"]
    with removed(Path(found["path"])), opened(Path(found["path"])) as source:
        if name not in await asyncio.to_thread(thing.names, source):
            raise NotFound(f"There is no {wanted.kind} {name!r} in {found['name']}.")
        progress.doing = "Bringing it over"
        for hash in await asyncio.to_thread(thing.blobs, source, name):
            await bring_blob(core, source, hash)
        path = await core.db.write(thing.copy, source, name, new_name, wanted.user_id, core.clock())
    progress.said = f"{thing.title} {new_name} is back."
    return {"path": path, "name": new_name, "from": found["name"]}


@contextmanager
def opened(path: Path) -> Iterator[Connection]:
    """A backup for reading, in one transaction."""
    engine = create_sqlite_engine(path)
    with engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA query_only=ON")
        conn.exec_driver_sql("BEGIN")
        yield conn
    engine.dispose()


async def bring_blob(core: Core, source: Connection, hash: str) -> None:
    """The bytes of one blob of a backup, here too. Raises NotFound where neither has them."""
    if await core.db.write(claim, [hash], core.clock()):
        return
    ref = await asyncio.to_thread(get_ref, source, hash)
    if ref.place:
        raise NotFound("Its bytes were in object storage, and are gone from there.")

    async def pieces() -> AsyncIterator[bytes]:
        for n in range(-(-ref.size // ref.chunk_bytes)):
            yield await asyncio.to_thread(read_chunk, source, ref.id, n)

    await core.blobs.receive(pieces(), max_bytes=MAX_BLOB_BYTES)
