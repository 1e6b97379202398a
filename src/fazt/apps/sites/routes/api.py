"""The API of sites: `/api/v1/sites…`. Deploys are a manifest, the bytes that are missing, and a finish."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, patch, post, put
from litestar.params import Parameter

from fazt.apps.sites import actions, store
from fazt.apps.sites.actions import Plan, Report
from fazt.apps.sites.model import Domain, FileEntry, Site, SiteOptions, Version, check_name
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.errors import Invalid
from fazt.core.http.access import needs
from fazt.core.http.messages import read_body, stream_body

READ, WRITE = needs("sites:read", some=True), needs("sites:write", some=True)
MAX_MANIFEST_BYTES = 16 << 20
BATCH = msgspec.msgpack.Decoder(dict[str, bytes])
ROOT = "/api/v1/sites"
AnyRequest = Request[Any, Any, Any]


class SiteView(msgspec.Struct):
    """A site as the API shows it. `url` is where it is seen."""

    name: str
    url: str
    owner: str
    version: int
    options: SiteOptions
    is_protected: bool
    domains: list[str]
    created_at: int
    changed_at: int
    deleted_at: int | None


class FileView(msgspec.Struct):
    """A file of a version."""

    path: str
    hash: str
    size: int


class Begin(msgspec.Struct):
    """What is to be deployed: `files` are SHA-256 (hex) and size by path."""

    files: dict[str, tuple[str, int]]
    source: str = "deploy"
    message: str = ""


class Changes(msgspec.Struct):
    """What is to be changed; what is left out stays."""

    name: str | None = None
    spa: bool | None = None
    keep: int | None = None
    track: bool | None = None


class Password(msgspec.Struct):
    """The password for visitors; empty to ask for none."""

    password: str


class Host(msgspec.Struct):
    """A host name."""

    host: str


class RollBack(msgspec.Struct):
    """Which version to show; none is the one before."""

    version: int | None = None


class Prune(msgspec.Struct):
    """How many versions stay."""

    keep: int


class Pruned(msgspec.Struct):
    """The numbers of the versions that went."""

    versions: list[int]


async def to_view(core: Core, request: AnyRequest, site: Site) -> SiteView:
    """A site with its domains."""
    domains = await core.db.read(store.list_domains, site.id)
    return SiteView(
        site.name,
        actions.site_url(core, request.scope, site.name),
        site.owner,
        site.version,
        site.options,
        bool(site.password_hash),
        [domain.host for domain in domains],
        site.created_at,
        site.changed_at,
        site.deleted_at,
    )


@get(ROOT, guards=[READ], summary="List sites")
async def list_sites(core: Core, caller: Caller, request: AnyRequest, deleted: bool = False) -> list[SiteView]:
    """Your sites; all of them where the cloud is yours. With `deleted`, those that can be brought back."""
    sites = await actions.list_sites(core, caller, deleted=deleted)
    return [await to_view(core, request, site) for site in sites]


@get(ROOT + "/{name:str}", guards=[READ], summary="Show a site")
async def get_site(core: Core, caller: Caller, request: AnyRequest, name: str) -> SiteView:
    """One site."""
    return await to_view(core, request, await actions.get_site(core, caller, name))


@put(ROOT + "/{name:str}", guards=[WRITE], summary="Deploy an archive", request_max_body_size=None)
async def put_archive(
    core: Core,
    caller: Caller,
    request: AnyRequest,
    name: str,
    message: str = "",
    source: Annotated[str, Parameter(pattern="^[a-z]{1,20}$")] = "archive",
) -> Report:
    """The body is a zip, tar or tar.gz; the site is made if there is none. Refused whole, or shown whole."""
    scope: Any = request.scope
    receive: Any = request.receive
    stream = stream_body(scope, receive, actions.read_limits(core).max_total_bytes)
    return await actions.deploy_archive(core, caller, name, stream, source=source, message=message)


@patch(ROOT + "/{name:str}", guards=[WRITE], summary="Change a site")
async def change_site(core: Core, caller: Caller, request: AnyRequest, name: str, data: Changes) -> SiteView:
    """Its name and its options."""
    site = await actions.get_site(core, caller, name, "sites:write")
    options = {key: value for key in ("spa", "keep", "track") if (value := getattr(data, key)) is not None}
    if options:
        site = await actions.change_options(core, caller, name, **options)
    if data.name is not None and check_name(data.name) != site.name:
        site = await actions.rename_site(core, caller, name, data.name)
    return await to_view(core, request, site)


@delete(ROOT + "/{name:str}", guards=[WRITE], summary="Delete a site", status_code=204)
async def delete_site(core: Core, caller: Caller, name: str, forever: bool = False) -> None:
    """Can be undone for some weeks, unless `forever`."""
    await actions.delete_site(core, caller, name, forever=forever)


@post(ROOT + "/{name:str}/restore", guards=[WRITE], summary="Bring a deleted site back", status_code=200)
async def restore_site(core: Core, caller: Caller, request: AnyRequest, name: str) -> SiteView:
    """Undoes a delete."""
    return await to_view(core, request, await actions.restore_site(core, caller, name))


@post(ROOT + "/{name:str}/deploys", guards=[WRITE], summary="Begin a deploy", request_max_body_size=MAX_MANIFEST_BYTES)
async def begin_deploy(core: Core, caller: Caller, name: str, data: Begin) -> Plan:
    """Answers which hashes have to be sent. Nothing that visitors see has changed yet."""
    return await actions.begin(core, caller, name, data.files, source=data.source[:20], message=data.message)


@put(
    ROOT + "/{name:str}/deploys/{deploy:str}/blobs/{hash:str}",
    guards=[WRITE],
    summary="Send a file's bytes",
    request_max_body_size=None,
    status_code=204,
)
async def put_blob(core: Core, caller: Caller, request: AnyRequest, name: str, deploy: str, hash: str) -> None:
    """The body is the bytes with this SHA-256."""
    begun = await actions.get_begun(core, caller, name, deploy)
    scope: Any = request.scope
    receive: Any = request.receive
    await actions.receive_blob(core, begun, hash, stream_body(scope, receive, actions.read_limits(core).max_file_bytes))


@post(
    ROOT + "/{name:str}/deploys/{deploy:str}/blobs",
    guards=[WRITE],
    summary="Send the bytes of many small files",
    request_max_body_size=None,
    status_code=204,
)
async def post_blobs(core: Core, caller: Caller, request: AnyRequest, name: str, deploy: str) -> None:
    """The body is a MessagePack map from SHA-256 (hex) to bytes, at most 8 MiB."""
    begun = await actions.get_begun(core, caller, name, deploy)
    scope: Any = request.scope
    receive: Any = request.receive
    body = await read_body(scope, receive, actions.MAX_BATCH_BYTES)
    try:
        blobs = BATCH.decode(body)
    except msgspec.DecodeError as error:
        raise Invalid("The body is not a MessagePack map from hash to bytes.") from error
    await actions.receive_batch(core, begun, blobs)


@post(ROOT + "/{name:str}/deploys/{deploy:str}/finish", guards=[WRITE], summary="Finish a deploy", status_code=200)
async def finish_deploy(core: Core, caller: Caller, name: str, deploy: str) -> Report:
    """The switch: when this answers, visitors see the new version."""
    return await actions.finish(core, await actions.get_begun(core, caller, name, deploy))


@get(ROOT + "/{name:str}/versions", guards=[READ], summary="List versions")
async def list_versions(core: Core, caller: Caller, name: str) -> list[Version]:
    """Newest first."""
    site = await actions.get_site(core, caller, name)
    return await core.db.read(store.list_versions, site.id)


@get(ROOT + "/{name:str}/files", guards=[READ], summary="List files")
async def list_files(core: Core, caller: Caller, name: str, version: int | None = None) -> list[FileView]:
    """Of the version that is shown, or of another."""
    site = await actions.get_site(core, caller, name)
    if version is not None:
        await core.db.read(store.get_version, site.id, version)
    number = site.version if version is None else version
    files: dict[str, FileEntry] = await core.db.read(store.load_files, site.id, number)
    return [FileView(path, entry.hash, entry.size) for path, entry in sorted(files.items())]


@post(ROOT + "/{name:str}/rollback", guards=[WRITE], summary="Show another version", status_code=200)
async def roll_back(core: Core, caller: Caller, name: str, data: RollBack) -> Version:
    """The one before, or the one that is named."""
    return await actions.roll_back(core, caller, name, data.version)


@post(ROOT + "/{name:str}/prune", guards=[WRITE], summary="Forget old versions", status_code=200)
async def prune(core: Core, caller: Caller, name: str, data: Prune) -> Pruned:
    """All but the newest and the one that is shown."""
    return Pruned(await actions.prune(core, caller, name, data.keep))


@put(ROOT + "/{name:str}/password", guards=[WRITE], summary="Protect a site", status_code=204)
async def put_password(core: Core, caller: Caller, name: str, data: Password) -> None:
    """Visitors are asked for it from now on; those who were let in before, too."""
    await actions.change_password(core, caller, name, data.password)


@post(ROOT + "/{name:str}/domains", guards=[WRITE], summary="Add a custom domain")
async def add_domain(core: Core, caller: Caller, name: str, data: Host) -> Domain:
    """Point its DNS at this cloud, too."""
    return await actions.add_domain(core, caller, name, data.host)


@delete(ROOT + "/{name:str}/domains/{host:str}", guards=[WRITE], summary="Remove a custom domain", status_code=204)
async def remove_domain(core: Core, caller: Caller, name: str, host: str) -> None:
    """The site is no longer shown there."""
    await actions.remove_domain(core, caller, name, host)


HANDLERS = [
    list_sites,
    get_site,
    put_archive,
    change_site,
    delete_site,
    restore_site,
    begin_deploy,
    put_blob,
    post_blobs,
    finish_deploy,
    list_versions,
    list_files,
    roll_back,
    prune,
    put_password,
    add_domain,
    remove_domain,
]
