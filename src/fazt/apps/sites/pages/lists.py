"""All sites: the page, a new one, and the card on the dashboard."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile

from fazt.apps.sites import actions, store
from fazt.apps.sites.model import MAX_FORM_BYTES, Site, Version, check_name
from fazt.core import Core
from fazt.core.app import Card
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, NotFound
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]


async def card(core: Core, caller: Caller) -> Card:
    """How many sites there are."""
    sites = await actions.list_sites(core, caller)
    if not sites:
        return Card("None yet", "Drop a folder, and it is on the web.", "Put up a site", "/sites")
    newest = max(sites, key=lambda site: site.changed_at)
    return Card(str(len(sites)), f"{newest.name} changed last.")


async def find_shown(core: Core, site: Site) -> Version | None:
    """The version that is shown, if there is one."""
    try:
        return await core.db.read(store.get_version, site.id, site.version)
    except NotFound:
        return None


async def sites_page(
    core: Core, caller: Caller, request: Asked, *, error: FaztError | None = None, name: str = ""
) -> Response[Any]:
    """The list, with what went wrong above it."""
    sites = await actions.list_sites(core, caller)
    rows = [(site, await find_shown(core, site), actions.site_url(core, request.scope, site.name)) for site in sites]
    deleted = await actions.list_sites(core, caller, deleted=True)
    return page(
        request,
        "sites/list.html",
        status=STATUS[error.kind] if error else 200,
        rows=rows,
        deleted=deleted,
        taken=[site.name for site in (*sites, *deleted)],
        trash_days=core.settings.get("sites.trash_days"),
        domain=core.config.domain,
        error=error,
        name=name,
    )


@get("/sites", guards=[member])
async def show_sites(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """All sites."""
    return await sites_page(core, caller, request)


@post("/sites", guards=[member], request_max_body_size=MAX_FORM_BYTES)
async def create_site(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """A new site, from a zip where one was chosen; the script on the page sends folders by itself."""
    name = ""
    try:
        form = await request.form()
        given: Any = form.get("name")
        name = given if isinstance(given, str) else ""
        upload: Any = form.get("file")
        if isinstance(upload, UploadFile) and upload.filename:
            await deploy_upload(core, caller, name, upload)
        else:
            await actions.create_site(core, caller, name)
    except FaztError as error:
        return await sites_page(core, caller, request, error=error, name=name)
    return redirect(request, f"/sites/{check_name(name)}", f"{check_name(name)} is there.")


async def deploy_upload(core: Core, caller: Caller, name: str, upload: UploadFile) -> None:
    """Deploy a file that a form brought."""

    async def stream() -> Any:
        while piece := await upload.read(1 << 18):
            yield piece

    await actions.deploy_archive(core, caller, name, stream(), source="page", message="")


@post("/sites/-/restore", guards=[member])
async def restore_site(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Bring a deleted site back."""
    site = await actions.restore_site(core, caller, (await read_form(request)).text("name"))
    return redirect(request, f"/sites/{site.name}", f"{site.name} is back.")


@post("/sites/-/forget", guards=[member])
async def forget_site(core: Core, caller: Caller, request: Asked) -> Response[Any]:
    """Delete a deleted site for good."""
    name = (await read_form(request)).text("name")
    await actions.delete_site(core, caller, name, forever=True)
    return redirect(request, "/sites", f"{name} is gone for good.")


PAGES = [show_sites, create_site, restore_site, forget_site]
