"""The API of the drive: what pages and commands need beside WebDAV, by which the bytes go in and out."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import get, post
from sqlalchemy import Connection

from fazt.apps.drive import actions, store
from fazt.apps.drive.engine import drive_of
from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.naming import free_name, join_path, key_of
from fazt.apps.drive.model.nodes import Node, Spot, Trashed, Version
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.http.access import needs

READ, WRITE = needs("drive:read"), needs("drive:write")
ROOT = "/api/v1/drive"
MAX_AT_ONCE = 1_000
MIN_PASSWORD = 4


class EntryView(msgspec.Struct):
    """A file or folder."""

    id: int
    path: str
    name: str
    is_folder: bool
    size: int
    modified_at: int
    etag: str


class UsageView(msgspec.Struct):
    """How full a drive is: bytes in the tree, in trash and versions, and the limit (0: none)."""

    used: int
    kept: int
    quota: int
    trashed: int


class Paths(msgspec.Struct):
    """Several files or folders."""

    paths: list[str]


class Ids(msgspec.Struct):
    """Several things in the trash; none means all of them."""

    ids: list[int] = []


class Place(msgspec.Struct):
    """A path."""

    path: str


class Transfer(msgspec.Struct):
    """What is to go where. With `overwrite`, what is there goes to the trash; else a free name is chosen."""

    source: str
    target: str
    overwrite: bool = False


class Restore(msgspec.Struct):
    """A version of a file."""

    path: str
    version: int


def to_entry(path: str, found: Node) -> EntryView:
    """A node as the API shows it."""
    return EntryView(found.id, path, found.name, found.is_folder, found.size, found.modified_at, found.etag.strip('"'))


async def publish(core: Core, caller: Caller, *spots: Spot) -> None:
    """Show what has become of sites."""
    for spot in spots:
        if spot.space.kind == "site":
            await actions.publish(core, caller, spot.space)


@get(f"{ROOT}/list", guards=[READ], summary="List a folder")
async def list_folder(core: Core, caller: Caller, path: str = "/", after: str = "") -> list[EntryView]:
    """What is in a folder, by name, at most 2,000 at once; go on with the last name as `after`."""
    spot = await actions.spot_of(core, caller, path)
    found = await core.db.read(store.get_node, spot)
    if not found.is_folder:
        return [to_entry(path, found)]
    nodes = await core.db.read(store.list_children, found.id, key_of(after))
    base = path.rstrip("/")
    return [to_entry(f"{base}/{node.name}", node) for node in nodes]


@get(f"{ROOT}/info", guards=[READ], summary="Show a file or folder")
async def get_info(core: Core, caller: Caller, path: str) -> EntryView:
    """One file or folder."""
    spot = await actions.spot_of(core, caller, path)
    return to_entry(path, await core.db.read(store.get_node, spot))


@get(f"{ROOT}/usage", guards=[READ], summary="Show how full the drive is")
async def get_usage(core: Core, caller: Caller) -> UsageView:
    """Of your own files."""
    home = await drive_of(core).home(caller.user_id)
    usage = await core.db.read(store.get_usage, home.id, actions.quota_bytes(core))
    return UsageView(usage.used, usage.kept, usage.quota, await core.db.read(store.count_trash, home.id))


@post(f"{ROOT}/folders", guards=[WRITE], summary="Make a folder")
async def make_folder(core: Core, caller: Caller, data: Place) -> EntryView:
    """With all above it that are missing; nothing happens where it is there."""
    spot = await actions.spot_of(core, caller, data.path)
    made = await core.db.write(store.ensure_folders, spot, actions.new_terms(core, caller))
    return to_entry(data.path, made)


async def read_transfer(core: Core, caller: Caller, data: Transfer) -> tuple[Spot, Spot, store.Target]:
    """Source and target. Where the target is taken and may not be replaced, a free name beside it."""
    source = await actions.spot_of(core, caller, data.source)
    goal = await actions.spot_of(core, caller, data.target)
    if not data.overwrite:
        goal = await core.db.read(find_free, source, goal)
    return source, goal, store.Target(goal, data.overwrite)


def find_free(conn: Connection, source: Spot, goal: Spot) -> Spot:
    """The spot itself, or one beside it where nothing is."""
    trail = store.walk(conn, goal)
    if trail.node is None or trail.parent is None or source == goal:
        return goal
    taken = {key_of(node.name) for node in store.list_children(conn, trail.parent.id, limit=100_000)}
    name = free_name(goal.segments[-1], taken, is_folder=trail.node.is_folder)
    return Spot(goal.space, (*goal.segments[:-1], name))


@post(f"{ROOT}/move", guards=[WRITE], summary="Move or rename", status_code=200)
async def move(core: Core, caller: Caller, data: Transfer) -> EntryView:
    """With all that is below."""
    source, goal, target = await read_transfer(core, caller, data)
    done = await core.db.write(store.move_node, source, target, actions.new_terms(core, caller))
    await publish(core, caller, source, goal)
    return to_entry(join_path(goal.segments), done.node)


@post(f"{ROOT}/copy", guards=[WRITE], summary="Copy", status_code=200)
async def copy(core: Core, caller: Caller, data: Transfer) -> EntryView:
    """With all that is below; no byte is copied."""
    source, goal, target = await read_transfer(core, caller, data)
    done = await core.db.write(store.copy_node, source, target, actions.new_terms(core, caller))
    await publish(core, caller, goal)
    return to_entry(join_path(goal.segments), done.node)


@post(f"{ROOT}/delete", guards=[WRITE], summary="Delete", status_code=204)
async def delete_paths(core: Core, caller: Caller, data: Paths) -> None:
    """Into the trash."""
    spots = [await actions.spot_of(core, caller, path) for path in data.paths[:MAX_AT_ONCE]]
    terms = actions.new_terms(core, caller)
    await core.db.write(delete_all, spots, terms)
    await publish(core, caller, *{spot.space.id: spot for spot in spots}.values())


def delete_all(conn: Connection, spots: list[Spot], terms: Terms) -> None:
    """All of them or none."""
    for spot in spots:
        store.delete_node(conn, spot, terms)


@get(f"{ROOT}/search", guards=[READ], summary="Find by name")
async def search(core: Core, caller: Caller, q: str) -> list[EntryView]:
    """What has all these words in its name, in your own files."""
    home = await drive_of(core).home(caller.user_id)
    hits = await core.db.read(store.find_by_name, home, q)
    return [to_entry(join_path(hit.path), hit.node) for hit in hits]


# --- trash and versions


@get(f"{ROOT}/trash", guards=[READ], summary="List the trash")
async def list_trash(core: Core, caller: Caller) -> list[Trashed]:
    """What can be brought back, the latest first."""
    home = await drive_of(core).home(caller.user_id)
    return await core.db.read(store.list_trash, home.id)


@post(f"{ROOT}/trash/restore", guards=[WRITE], summary="Bring back from the trash", status_code=200)
async def restore(core: Core, caller: Caller, data: Ids) -> list[str]:
    """To where it was, under a free name; where that is."""
    home = await drive_of(core).home(caller.user_id)
    terms = actions.new_terms(core, caller)
    return [join_path(await core.db.write(store.restore_trashed, home, node_id, terms)) for node_id in data.ids]


@post(f"{ROOT}/trash/forget", guards=[WRITE], summary="Delete for good", status_code=204)
async def forget(core: Core, caller: Caller, data: Ids) -> None:
    """Some of what is in the trash, or with no ids all of it."""
    home = await drive_of(core).home(caller.user_id)
    if data.ids:
        await core.db.write(store.forget_trashed, home.id, data.ids)
    else:
        await core.db.write(store.empty_trash, home.id)
    while await core.db.write(store.purge_some):
        pass


@get(f"{ROOT}/versions", guards=[READ], summary="List versions")
async def list_versions(core: Core, caller: Caller, path: str) -> list[Version]:
    """What a file held before, the newest first."""
    found = await core.db.read(store.get_node, await actions.spot_of(core, caller, path))
    return await core.db.read(store.list_versions, found.id)


@post(f"{ROOT}/versions/restore", guards=[WRITE], summary="Go back to a version", status_code=200)
async def restore_version(core: Core, caller: Caller, data: Restore) -> EntryView:
    """What the file holds now becomes a version."""
    spot = await actions.spot_of(core, caller, data.path)
    found = await core.db.write(store.restore_version, spot, data.version, actions.new_terms(core, caller))
    await publish(core, caller, spot)
    return to_entry(data.path, found)


HANDLERS: list[Any] = [
    list_folder,
    get_info,
    get_usage,
    make_folder,
    move,
    copy,
    delete_paths,
    search,
    list_trash,
    restore,
    forget,
    list_versions,
    restore_version,
]
