"""One site: its versions, a place to drop the next one, and its settings."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile

from fazt.apps.sites import actions, store
from fazt.apps.sites.model import MAX_FORM_BYTES, Site
from fazt.apps.sites.pages.lists import deploy_upload, find_shown
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import FaztError, Invalid
from fazt.core.http.access import member
from fazt.core.http.errors import STATUS
from fazt.ui import page, read_form, redirect

Asked = Request[Any, Any, Any]
SHOWN_FILES = 500


async def site_page(
    core: Core, request: Asked, site: Site, name: str, *, error: FaztError | None = None, **context: Any
) -> Response[Any]:
    """A page of one site, with what went wrong."""
    return page(
        request,
        name,
        status=STATUS[error.kind] if error else 200,
        site=site,
        url=actions.site_url(core, request.scope, site.name),
        error=error,
        **context,
    )


async def versions_page(core: Core, request: Asked, site: Site, *, error: FaztError | None = None) -> Response[Any]:
    """Versions, and a place to drop the next one."""
    return await site_page(
        core,
        request,
        site,
        "sites/site.html",
        error=error,
        versions=await core.db.read(store.list_versions, site.id),
        shown=await find_shown(core, site),
        base=actions.dashboard_url(core, request.scope),
    )


async def settings_page(core: Core, request: Asked, site: Site, *, error: FaztError | None = None) -> Response[Any]:
    """What can be chosen for a site."""
    domains = await core.db.read(store.list_domains, site.id)
    trash_days = core.settings.get("sites.trash_days")
    secure = {domain.host for domain in domains if core.tls.is_trusted(domain.host)}
    return await site_page(
        core,
        request,
        site,
        "sites/settings.html",
        error=error,
        domains=domains,
        trash_days=trash_days,
        has_https=core.tls.https_port > 0,
        secure=secure,
        troubles={domain.host: core.tls.hosts[domain.host] for domain in domains if domain.host in core.tls.hosts},
    )


@get("/sites/{name:str}", guards=[member])
async def show_site(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """One site."""
    return await versions_page(core, request, await actions.get_site(core, caller, name))


@post("/sites/{name:str}", guards=[member], request_max_body_size=MAX_FORM_BYTES)
async def deploy_site(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """The next version, from a zip or tar.gz."""
    site = await actions.get_site(core, caller, name, "sites:write")
    try:
        upload: Any = (await request.form()).get("file")
        if not isinstance(upload, UploadFile) or not upload.filename:
            raise Invalid("Choose a zip or tar.gz archive first.")
        await deploy_upload(core, caller, site.name, upload)
    except FaztError as error:
        return await versions_page(core, request, site, error=error)
    return redirect(request, f"/sites/{site.name}", "The new version is shown.")


@post("/sites/{name:str}/rollback", guards=[member])
async def roll_back(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """Show another version."""
    version = await actions.roll_back(core, caller, name, (await read_form(request)).number("version"))
    return redirect(request, f"/sites/{name}", f"Version {version.number} is shown.")


@get("/sites/{name:str}/files", guards=[member])
async def show_files(core: Core, caller: Caller, request: Asked, name: str, version: int = 0) -> Response[Any]:
    """The files of a version."""
    site = await actions.get_site(core, caller, name)
    number = version or site.version
    if version:
        await core.db.read(store.get_version, site.id, version)
    files = sorted((await core.db.read(store.load_files, site.id, number)).items())
    return await site_page(
        core, request, site, "sites/files.html", files=files[:SHOWN_FILES], count=len(files), number=number
    )


@get("/sites/{name:str}/settings", guards=[member])
async def show_settings(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """What can be chosen for a site."""
    return await settings_page(core, request, await actions.get_site(core, caller, name))


@post("/sites/{name:str}/settings", guards=[member])
async def save_settings(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """Options, name, password, domains: each form says in `do` what it is about."""
    form = await read_form(request)
    site = await actions.get_site(core, caller, name, "sites:write")
    try:
        said = "Saved."
        match form.text("do"):
            case "options":
                keep = form.number("keep", site.options.keep)
                await actions.change_options(
                    core, caller, name, spa=form.is_on("spa"), track=form.is_on("track"), keep=keep
                )
            case "rename":
                site = await actions.rename_site(core, caller, name, form.text("name"))
            case "password":
                await actions.change_password(core, caller, name, form.raw("password"))
                said = "Visitors are asked for the password." if form.raw("password") else "The site is open."
            case "add-domain":
                await actions.add_domain(core, caller, name, form.text("host"))
            case "remove-domain":
                await actions.remove_domain(core, caller, name, form.text("host"))
            case _:
                raise Invalid("It is not clear what is to be changed.")
    except FaztError as error:
        return await settings_page(core, request, site, error=error)
    return redirect(request, f"/sites/{site.name}/settings", said)


@post("/sites/{name:str}/delete", guards=[member])
async def delete_site(core: Core, caller: Caller, request: Asked, name: str) -> Response[Any]:
    """Take the site off; the list offers to bring it back."""
    await actions.delete_site(core, caller, name)
    return redirect(request, "/sites", f"{name} is deleted. It can be brought back, below.", kind="warn")


PAGES = [show_site, deploy_site, roll_back, show_files, show_settings, save_settings, delete_site]
