"""The API of links: `/api/v1/links…`."""

from __future__ import annotations

import io
from typing import Annotated, Any, Literal

import msgspec
import segno
from litestar import Request, Response, delete, get, patch, post
from litestar.params import Parameter

from fazt.apps.links import actions, store
from fazt.apps.links.model import Link, NewLink, Rule, Variant
from fazt.apps.links.store.tags import TagFigures
from fazt.core import Core
from fazt.core.auth import Caller
from fazt.core.http.access import needs
from fazt.core.http.hosts import base_url
from fazt.core.visits import Report

READ, WRITE = needs("links:read"), needs("links:write")
ROOT = "/api/v1/links"
AnyRequest = Request[Any, Any, Any]
MAX_PAGE = 1_000


class LinkView(msgspec.Struct):
    """A link as the API shows it. `url` is the short address; times in ms."""

    id: int
    url: str
    slug: str
    host: str
    target: str
    title: str
    tags: tuple[str, ...]
    status: int
    forward_query: bool
    is_crawlable: bool
    has_password: bool
    valid_from: int | None
    expires_at: int | None
    max_visits: int | None
    rules: tuple[Rule, ...]
    variants: tuple[Variant, ...]
    clicks: int
    robot_clicks: int
    owner: str
    created_at: int
    changed_at: int


class LinkPage(msgspec.Struct):
    """A piece of the list, and how many there are in all."""

    links: list[LinkView]
    total: int


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """What a link is to be; `find_same` answers one of yours that leads there already."""

    target: str
    slug: str = ""
    host: str = ""
    title: str = ""
    tags: list[str] = []
    status: int = 0
    forward_query: bool = True
    is_crawlable: bool = False
    password: str = ""
    valid_from: int | None = None
    expires_at: int | None = None
    max_visits: int | None = None
    rules: list[Rule] = []
    variants: list[Variant] = []
    find_same: bool = False


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be changed; what is left out stays. An empty `password` asks for none."""

    target: str | msgspec.UnsetType = msgspec.UNSET
    slug: str | msgspec.UnsetType = msgspec.UNSET
    host: str | msgspec.UnsetType = msgspec.UNSET
    title: str | msgspec.UnsetType = msgspec.UNSET
    tags: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    status: int | msgspec.UnsetType = msgspec.UNSET
    forward_query: bool | msgspec.UnsetType = msgspec.UNSET
    is_crawlable: bool | msgspec.UnsetType = msgspec.UNSET
    password: str | msgspec.UnsetType = msgspec.UNSET
    valid_from: int | msgspec.UnsetType | None = msgspec.UNSET
    expires_at: int | msgspec.UnsetType | None = msgspec.UNSET
    max_visits: int | msgspec.UnsetType | None = msgspec.UNSET
    rules: tuple[Rule, ...] | msgspec.UnsetType = msgspec.UNSET
    variants: tuple[Variant, ...] | msgspec.UnsetType = msgspec.UNSET


def view(core: Core, request: AnyRequest, link: Link) -> LinkView:
    """A link to be shown."""
    scope: Any = request.scope
    fields = msgspec.structs.asdict(link)
    for hidden in ("password_hash", "deleted_at"):
        del fields[hidden]
    url = actions.short_url(core, link, base_url(core.config, scope))
    return LinkView(**fields, has_password=bool(link.password_hash), url=url)


@get(ROOT, guards=[READ])
async def list_links(
    core: Core,
    caller: Caller,
    request: AnyRequest,
    q: str = "",
    slug: str = "",
    tag: list[str] | None = None,
    deleted: bool = False,
    order: Literal["created", "changed", "slug", "target", "title", "clicks"] = "created",
    ascending: bool = False,
    offset: Annotated[int, Parameter(ge=0)] = 0,
    limit: Annotated[int, Parameter(ge=1, le=MAX_PAGE)] = 50,
) -> LinkPage:
    """Links, newest first unless asked otherwise; `q` looks in slug, target, title and tags, `slug` is exact."""
    asked = store.Asked(
        owner=actions.owner_of(caller),
        words=q,
        slug=slug,
        tags=tuple(tag or ()),
        tags_mode="all",
        deleted=deleted,
        order=order,
        descending=not ascending,
        offset=offset,
        limit=limit,
    )
    found = await core.db.read(store.list_links, asked)
    return LinkPage([view(core, request, link) for link in found.links], found.total)


@post(ROOT, guards=[WRITE])
async def create_link(core: Core, caller: Caller, request: AnyRequest, data: Wanted) -> LinkView:
    """A new link; a random slug where none is named."""
    fields = msgspec.structs.asdict(data)
    find_same, password = fields.pop("find_same"), fields.pop("password")
    fields |= {name: tuple(fields[name]) for name in ("tags", "rules", "variants")}
    asked = NewLink(**fields, password_hash=await actions.hash_password(core, password))
    return view(core, request, await actions.create(core, caller, asked, find_same=find_same))


@get(f"{ROOT}/{{link_id:int}}", guards=[READ])
async def get_link(core: Core, caller: Caller, request: AnyRequest, link_id: int) -> LinkView:
    """One link."""
    return view(core, request, await core.db.read(store.get_link, link_id, owner=actions.owner_of(caller)))


@patch(f"{ROOT}/{{link_id:int}}", guards=[WRITE])
async def change_link(core: Core, caller: Caller, request: AnyRequest, link_id: int, data: Changes) -> LinkView:
    """Change what is named."""
    changes = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not msgspec.UNSET}
    if "password" in changes:
        changes["password_hash"] = await actions.hash_password(core, changes.pop("password"))
    return view(core, request, await actions.change(core, caller, link_id, changes))


@delete(f"{ROOT}/{{link_id:int}}", guards=[WRITE])
async def delete_link(core: Core, caller: Caller, link_id: int) -> None:
    """Take a link off; it can be brought back for some weeks."""
    await actions.delete(core, caller, link_id)


@post(f"{ROOT}/{{link_id:int}}/restore", guards=[WRITE])
async def restore_link(core: Core, caller: Caller, request: AnyRequest, link_id: int) -> LinkView:
    """Bring a deleted link back."""
    owner = actions.owner_of(caller)
    return view(core, request, await core.db.write(store.restore_link, link_id, owner=owner, now=core.clock()))


@get(f"{ROOT}/{{link_id:int}}/visits", guards=[READ])
async def report_visits(
    core: Core,
    caller: Caller,
    link_id: int,
    start: int = 0,
    end: int = 0,
    granularity: Literal["hour", "day", "month"] = "day",
) -> Report:
    """Clicks over time, referrers, countries, devices, browsers; robots apart. Times in ms; 30 days by default."""
    await core.db.read(store.get_link, link_id, owner=actions.owner_of(caller))
    until = end or core.clock()
    since = start or until - 30 * 86_400_000
    return await core.visits.report(("link",), (str(link_id),), since, until, granularity)


@get(f"{ROOT}/{{link_id:int}}/qr", guards=[READ])
async def draw_qr(
    core: Core,
    caller: Caller,
    request: AnyRequest,
    link_id: int,
    format: Literal["svg", "png"] = "svg",  # noqa: A002 - as in the address
    scale: int = 8,
) -> Response[bytes]:
    """The short address as a QR code."""
    link = await core.db.read(store.get_link, link_id, owner=actions.owner_of(caller))
    out = io.BytesIO()
    code = segno.make(view(core, request, link).url, error="m", micro=False)
    code.save(out, kind=format, scale=min(max(scale, 1), 40), border=2)
    return Response(out.getvalue(), media_type="image/svg+xml" if format == "svg" else "image/png")


@get(f"{ROOT}/tags", guards=[READ])
async def list_tags(core: Core, caller: Caller) -> list[TagFigures]:
    """All tags, with how many links have them."""
    return await core.db.read(store.list_tags, owner=actions.owner_of(caller))


HANDLERS = [
    list_links,
    create_link,
    get_link,
    change_link,
    delete_link,
    restore_link,
    report_visits,
    draw_qr,
    list_tags,
]
