"""All links: search, tags, a new one, several changed at once, files in, and what was deleted."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile

from fazt.apps.links import actions, store
from fazt.apps.links.actions import MAX_FILE, import_text
from fazt.apps.links.model import NewLink
from fazt.core import Core
from fazt.core.app import Card
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.core.http.hosts import base_url
from fazt.ui import Form, page, read_form, redirect

Asked = Request[Any, Any, Any]
PER_PAGE = 50
FIELDS = ("target", "slug", "tags")
"""What may stand in the form already, as in the address that a bookmark makes."""


async def card(core: Core, caller: Caller) -> Card:
    """How many links there are, and how often they were followed."""
    asked = store.Asked(owner=actions.owner_of(caller), order="clicks", limit=1)
    found = await core.db.read(store.list_links, asked)
    if not found.total:
        return Card("None yet", "A long address made short, and every click counted.", "Make a link", "/links")
    top = found.links[0]
    line = f"{top.slug} was followed most: {top.clicks:,} times." if top.clicks else "Nobody has followed one yet."
    return Card(str(found.total), line)


async def links_page(
    core: Core, caller: Caller, request: Asked, *, error: FaztError | None = None, typed: Form | None = None
) -> Response[Any]:
    """The list, with what went wrong above it."""
    scope: Any = request.scope
    query = request.query_params
    words, tag, number = query.get("q", ""), query.get("tag", ""), max(query.get("page", "1"), "1")
    place = int(number) if number.isdigit() else 1
    owner = actions.owner_of(caller)
    asked = store.Asked(
        owner=owner, words=words, tags=(tag,) if tag else (), offset=(place - 1) * PER_PAGE, limit=PER_PAGE
    )
    found = await core.db.read(store.list_links, asked)
    deleted = await core.db.read(store.list_links, store.Asked(owner=owner, deleted=True))
    base = base_url(core.config, scope)

    def at(number: int) -> str:
        return "/links?" + urlencode({"q": words, "tag": tag, "page": number})

    return page(
        request,
        "links/list.html",
        status=STATUS[error.kind] if error else 200,
        rows=[(link, actions.short_url(core, link, base)) for link in found.links],
        total=found.total,
        words=words,
        tag=tag,
        tags=await core.db.read(store.list_tags, owner=owner),
        newer=at(place - 1) if place > 1 else "",
        older=at(place + 1) if place * PER_PAGE < found.total else "",
        deleted=deleted.links,
        trash_days=core.settings.get("links.trash_days"),
        error=error,
        typed={name: typed.text(name) if typed else request.query_params.get(name, "") for name in FIELDS},
    )


@get("/links", guards=[member])
async def show_links(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """All links."""
    return await links_page(core, caller, request)


def as_address(typed: str) -> str:
    """`example.com/page`, as people type and say it, is an address of the web; all else stays as it is."""
    host = typed.partition("/")[0]
    return f"https://{typed}" if "." in host and not set(host) & set(": @") else typed


@post("/links", guards=[member])
async def create_link(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """A new link."""
    form = await read_form(request)
    tags = tuple(form.text("tags").split(","))
    try:
        asked = NewLink(target=as_address(form.text("target")), slug=form.text("slug"), tags=tags)
        link = await actions.create(core, caller, asked)
    except FaztError as error:
        return await links_page(core, caller, request, error=error, typed=form)
    return redirect(request, f"/links/{link.id}", "The link is there.")


@post("/links/-/many", guards=[member])
async def change_many(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Tag, untag or delete the links that were ticked."""
    form = await read_form(request)
    ids = [int(value) for value in form.texts("id") if value.isdigit()]
    word = form.text("tag").lower()
    if not ids:
        return redirect(request, "/links", "Tick some links first.", "warn")
    match form.text("do"):
        case "delete":
            for link_id in ids:
                await actions.delete(core, caller, link_id)
            return redirect(request, "/links#deleted", f"{len(ids)} deleted. They can be brought back, below.", "warn")
        case ("tag" | "untag") as how if word:
            for link_id in ids:
                link = await core.db.read(store.get_link, link_id, owner=actions.owner_of(caller))
                tags = (*link.tags, word) if how == "tag" else tuple(tag for tag in link.tags if tag != word)
                await actions.change(core, caller, link_id, {"tags": tags})
            return redirect(request, "/links", f"{len(ids)} changed.")
    return redirect(request, "/links", "Type a tag first.", "warn")


@post("/links/-/import", guards=[member], request_max_body_size=MAX_FILE)
async def import_file(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Links from a file."""
    upload: Any = (await request.form()).get("file")
    try:
        if not isinstance(upload, UploadFile) or not upload.filename:
            raise Invalid("Choose a file first.")
        report = await import_text(core, caller, (await upload.read()).decode("utf-8", "replace"))
    except FaztError as error:
        return await links_page(core, caller, request, error=error)
    first = f" Line {report.problems[0]['place']}: {report.problems[0]['problem']}" if report.problems else ""
    return redirect(request, "/links", f"{report.created} links made, {report.skipped} left out.{first}")


@post("/links/-/restore", guards=[member])
async def restore_link(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Bring a deleted link back."""
    link_id = (await read_form(request)).number("id")
    owner = actions.owner_of(caller)
    link = await core.db.write(store.restore_link, link_id, owner=owner, now=core.clock())
    return redirect(request, f"/links/{link.id}", f"{link.slug} is back.")


@post("/links/-/forget", guards=[member])
async def forget_link(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Delete a deleted link for good."""
    link_id = (await read_form(request)).number("id")
    await core.db.write(store.purge_link, link_id, owner=actions.owner_of(caller))
    return redirect(request, "/links", "It is gone for good.")


PAGES = [show_links, create_link, change_many, import_file, restore_link, forget_link]
