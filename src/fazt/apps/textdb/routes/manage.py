"""Settings of collections, for the owner and for tokens that may write everything."""

from __future__ import annotations

from litestar import delete, get, put

from fazt.apps.textdb import actions
from fazt.apps.textdb.model.collection import Figures, Settings
from fazt.apps.textdb.store.collections import get_figures, list_figures
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import Forbidden
from fazt.core.http.access import needs


def check_owner(caller: Caller) -> None:
    """Raise Forbidden for members: collections are the owner's."""
    if not caller.is_owner:
        raise Forbidden("Only the owner of this cloud may do this.")


@get("/api/v1/textdb/collections", guards=[needs("textdb:read")])
async def list_collections(core: Core, caller: Caller) -> list[Figures]:
    """All collections with their figures and settings, by name."""
    check_owner(caller)
    return await core.db.read(list_figures)


@get("/api/v1/textdb/collections/{name:str}", guards=[needs("textdb:read")])
async def get_collection(core: Core, caller: Caller, name: str) -> Figures:
    """One collection."""
    check_owner(caller)
    return await core.db.read(get_figures, name)


@put("/api/v1/textdb/collections/{name:str}", guards=[needs("textdb:write")])
async def configure_collection(core: Core, caller: Caller, name: str, data: Settings) -> Figures:
    """Set everything of a collection; what is left out is as in a new one. Indexes are built before the answer."""
    check_owner(caller)
    return await actions.configure(core, name, data)


@delete("/api/v1/textdb/collections/{name:str}", guards=[needs("textdb:write")])
async def drop_collection(core: Core, caller: Caller, name: str) -> None:
    """Delete a collection with all its documents and their history."""
    check_owner(caller)
    await actions.drop(core, name)


HANDLERS = [list_collections, get_collection, configure_collection, drop_collection]
