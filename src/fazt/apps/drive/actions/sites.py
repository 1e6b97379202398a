"""Hosted sites as folders: a working copy in a space of its own, of which each change is a new version."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fazt.apps.drive import store
from fazt.apps.drive.engine import drive_of
from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.nodes import Node, Space
from fazt.core.blobs import Blob
from fazt.core.clock import SECOND
from fazt.core.errors import FaztError, NotFound

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

BRIEF = 10 * SECOND
"""A file that has been empty for no longer is about to be filled: Windows and Finder first put no bytes."""
MESSAGE = "saved in the drive"


async def open_site(core: Core, caller: Caller, name: str) -> Space:
    """The working copy of a site, as the site is now. Raises NotFound and Forbidden."""
    found = await find_site(core, caller, name)
    space = await drive_of(core).space("site", name, caller.user_id)
    if await core.db.point(store.find_mark, space.id) != found["changed_at"]:
        async with alone(core, space):
            found = await find_site(core, caller, name)
            if await core.db.point(store.find_mark, space.id) != found["changed_at"]:
                await follow(core, caller, space)
    return space


async def find_site(core: Core, caller: Caller, name: str) -> dict[str, Any]:
    """What the app `sites` says of a site. Raises NotFound, also where there is no such app."""
    sites = await core.call("sites.list", caller) if "sites.list" in core.script else []
    found: dict[str, Any] | None = next((site for site in sites if site["name"] == name), None)
    if found is None:
        raise NotFound(f"There is no site {name!r}.")
    return found


@asynccontextmanager
async def alone(core: Core, space: Space) -> AsyncIterator[None]:
    """One at a time follows or publishes a site."""
    async with drive_of(core).site_lock(space.id):
        yield


async def list_shown(core: Core, caller: Caller, name: str) -> dict[str, tuple[str, int]]:
    """The files of the version that is shown."""
    files = await core.call("sites.files", caller, site=name)
    return {file["path"]: (file["hash"], file["size"]) for file in files}


async def follow(core: Core, caller: Caller, space: Space) -> None:
    """Make the working copy what the site is."""
    mark = (await find_site(core, caller, space.name))["changed_at"]
    files = await list_shown(core, caller, space.name)
    terms = Terms(user_id=caller.user_id, now=core.clock(), versions=0)
    while await core.db.write(store.follow_some, space, files, terms):
        pass
    await core.db.write(store.put_mark, space.id, mark)


async def publish(core: Core, caller: Caller, space: Space) -> None:
    """Show what the working copy has become. Where the site refuses that, the working copy is as before.

    An empty working copy shows nothing new: the last version stays until there is a file again.
    """
    async with alone(core, space):
        shown = await list_shown(core, caller, space.name)
        tree = await core.db.read(store.list_files, space)
        changes = find_changes(tree, shown, core.clock())
        if not changes or not tree:
            return
        try:
            await core.call("sites.put_files", caller, site=space.name, files=changes, message=MESSAGE)
        except FaztError:
            await follow(core, caller, space)
            raise
        mark = (await find_site(core, caller, space.name))["changed_at"]
        await core.db.write(store.put_mark, space.id, mark)


def find_changes(tree: dict[str, Node], shown: dict[str, tuple[str, int]], now: int) -> dict[str, Blob | None]:
    """What has to be put and taken away, so that the site shows the tree."""
    changes: dict[str, Blob | None] = {path: None for path in shown if path not in tree}
    for path, found in tree.items():
        is_brief = not found.size and now - found.modified_at < BRIEF
        if not is_brief and shown.get(path, ("", 0))[0] != found.hash:
            changes[path] = Blob(found.hash, found.size)
    return changes
