"""Where a path leads: into whose space, and what the one who asks may do there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from fazt.apps.drive import store
from fazt.apps.drive.actions.sites import open_site
from fazt.apps.drive.engine import drive_of
from fazt.apps.drive.model.locks import Terms
from fazt.apps.drive.model.naming import split_path
from fazt.apps.drive.model.nodes import Spot
from fazt.core.errors import NotFound

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

READ, WRITE = "drive:read", "drive:write"
Kind = Literal["root", "spot", "shared", "sites", "uploads", "none"]


class Place(msgspec.Struct, frozen=True):
    """What an address means: a `spot` in a space whose own address is `base`, or one of the lists above the spaces.

    `rest` are the names after the kind for uploads.
    """

    kind: Kind
    base: tuple[str, ...] = ()
    spot: Spot | None = None
    rest: tuple[str, ...] = ()


async def locate(core: Core, caller: Caller, segments: tuple[str, ...]) -> Place:
    """What is meant by the names after `/dav/`. Raises NotFound for spaces that are not there for this caller."""
    if not segments:
        return Place("root")
    match segments[0], len(segments):
        case "files", _:
            space = await drive_of(core).home(caller.user_id)
            return Place("spot", segments[:1], Spot(space, segments[1:]))
        case ("shared", 1) | ("sites", 1):
            return Place("shared" if segments[0] == "shared" else "sites", segments)
        case "shared", _:
            shared = await core.db.point(store.find_shared, segments[1], caller.user_id)
            if shared is None:
                raise NotFound(f"There is no shared folder {segments[1]!r}.")
            return Place("spot", segments[:2], Spot(shared, segments[2:]))
        case "sites", _:
            site = await open_site(core, caller, segments[1])
            return Place("spot", segments[:2], Spot(site, segments[2:]))
        case "uploads", _:
            return Place("uploads", segments[:1], rest=segments[1:])
    return Place("none")


async def spot_of(core: Core, caller: Caller, path: str) -> Spot:
    """A path as people and programs write it: `/photos/a.jpg` at home, `/shared:team/a.jpg` in what is shared.

    Raises NotFound, Invalid.
    """
    segments = split_path(path)
    kind, colon, name = segments[0].partition(":") if segments else ("", "", "")
    if colon and kind in {"shared", "site"}:
        place = await locate(core, caller, ("shared" if kind == "shared" else "sites", name, *segments[1:]))
        assert place.spot is not None
        return place.spot
    return Spot(await drive_of(core).home(caller.user_id), segments)


def quota_bytes(core: Core) -> int:
    """How many bytes each space may have that has no limit of its own; 0 is no limit."""
    megabytes: int = core.settings.get("drive.quota_mb")
    return megabytes << 20


def new_terms(core: Core, caller: Caller) -> Terms:
    """Terms without conditions."""
    return Terms(
        user_id=caller.user_id,
        now=core.clock(),
        quota=quota_bytes(core),
        versions=core.settings.get("drive.versions"),
    )
