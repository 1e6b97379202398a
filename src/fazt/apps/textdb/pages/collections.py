"""All collections: the page, a new one, and the card on the dashboard."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post

from fazt.apps.textdb import actions
from fazt.apps.textdb.engine import textdb_of
from fazt.apps.textdb.model.collection import Rules, Settings
from fazt.apps.textdb.model.naming import check_collection
from fazt.apps.textdb.store.collections import get_figures, list_figures
from fazt.core import Core
from fazt.core.app import Card
from fazt.core.auth import Caller
from fazt.core.errors import Conflict, FaztError
from fazt.core.http.access import owner
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]

PRESETS: dict[str, tuple[str, Rules]] = {
    "private": ("Only you, and tokens you make", Rules()),
    "readable": ("Everybody reads, only you write", Rules(read="public")),
    "inbox": ("Everybody adds, only you read: forms, sensors", Rules(create="public")),
    "members": ("Everybody with an account reads and writes", Rules("members", "members", "members", "members")),
}
"""Who may do what, in words, for a new collection; the settings say it in full."""


async def card(core: Core, caller: Caller) -> Card:
    """How many documents there are."""
    if not caller.is_owner:
        return Card("–", "Collections belong to the owner of this cloud.")
    found = await core.db.read(list_figures)
    if not found:
        return Card("None yet", "Any JSON, saved with one request.", "Make a collection", "/textdb")
    documents = sum(figures.documents for figures in found)
    plural = "collection" if len(found) == 1 else "collections"
    return Card(f"{documents:,}", f"documents in {len(found)} {plural}.")


async def collections_page(
    core: Core, request: Asked, *, error: FaztError | None = None, name: str = ""
) -> Response[Any]:
    """The list, with what went wrong above it."""
    return page(
        request,
        "textdb/collections.html",
        status=STATUS[error.kind] if error else 200,
        collections=await core.db.read(list_figures),
        presets=[(key, text) for key, (text, _) in PRESETS.items()],
        error=error,
        name=name,
    )


@get("/textdb", guards=[owner])
async def show_collections(core: Core, request: Asked) -> Response[Any]:
    """All collections."""
    return await collections_page(core, request)


@post("/textdb", guards=[owner])
async def create_collection(core: Core, request: Asked) -> Response[Any]:
    """A new, empty one."""
    form = await read_form(request)
    name = form.text("name")
    try:
        if await textdb_of(core).find(check_collection(name)) is not None:
            raise Conflict(f"There is a collection {name} already.", hint="Choose another name.")
        _, rules = PRESETS.get(form.text("preset"), PRESETS["private"])
        await actions.configure(core, name, Settings(rules=rules))
    except FaztError as error:
        return await collections_page(core, request, error=error, name=name)
    return redirect(request, f"/textdb/{name}", f"{name} is there.")


@post("/textdb/{name:str}/drop", guards=[owner])
async def drop_collection(core: Core, request: Asked, name: str) -> Response[Any]:
    """Delete a collection; its name is typed to be sure, since nothing brings it back."""
    figures = await core.db.read(get_figures, name)
    if (await read_form(request)).text("name") != figures.name:
        return redirect(request, f"/textdb/{name}/settings#drop", "Type the name of the collection.", "bad")
    await actions.drop(core, name)
    return redirect(request, "/textdb", f"{name} is deleted, with all its documents.", "warn")


PAGES = [show_collections, create_collection, drop_collection]
