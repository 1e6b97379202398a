"""Tags, domains and visits."""

from __future__ import annotations

from typing import Any

from fazt.apps.links import store
from fazt.apps.links.engine import book_of
from fazt.apps.links.model import CLICK, ORPHAN
from fazt.apps.links.routes.shlink.call import Call
from fazt.apps.links.wire import shlink
from fazt.core.errors import Conflict, NotFound
from fazt.core.visits import store as visits

MAX_LINKS = 10_000


async def list_tags(call: Call) -> Any:
    """GET /tags."""
    found = await call.core.db.read(store.list_tags, owner=call.owner)
    return {"tags": shlink.page([tag.name for tag in found], len(found), 1, max(len(found), 1))}


async def tag_stats(call: Call) -> Any:
    """GET /tags/stats."""
    found = await call.core.db.read(store.list_tags, owner=call.owner)
    stats = [
        {
            "tag": tag.name,
            "shortUrlsCount": tag.links,
            "visitsSummary": shlink.summary(tag.clicks, tag.robot_clicks),
            "visitsCount": tag.clicks + tag.robot_clicks,
        }
        for tag in found
    ]
    return {"tags": shlink.page(stats, len(stats), 1, max(len(stats), 1))}


async def rename_tag(call: Call) -> Any:
    """PUT /tags."""
    data = await call.body()
    old, new = str(data.get("oldName") or ""), str(data.get("newName") or "")
    if not old or not new:
        raise shlink.invalid("oldName and newName are needed", "oldName", "newName")
    try:
        await call.core.db.write(store.rename_tag, old, new, owner=call.owner)
    except NotFound as error:
        raise shlink.Problem(
            404, "tag-not-found", "Tag not found", f'Tag with name "{old}" could not be found'
        ) from error
    except Conflict as error:
        detail = f"You cannot rename tag {old} to {new}, because it already exists"
        raise shlink.Problem(409, "tag-conflict", "Tag conflict", detail, oldName=old, newName=new) from error


async def delete_tags(call: Call) -> Any:
    """DELETE /tags."""
    await call.core.db.write(store.delete_tags, call.texts("tags"), owner=call.owner)


def redirects_of(call: Call) -> dict[str, Any]:
    """Where what does not exist leads; one set of settings for all domains."""
    get = call.core.settings.get
    return {
        "baseUrlRedirect": get("links.base_url") or None,
        "regular404Redirect": get("links.not_found_url") or None,
        "invalidShortUrlRedirect": get("links.not_found_url") or None,
    }


async def list_domains(call: Call) -> Any:
    """GET /domains."""
    default, redirects = call.default_domain(), redirects_of(call)
    names = [default, *(host for host in book_of(call.core).own_hosts()[1:] if host != default)]
    listed = [{"domain": name, "isDefault": name == default, "redirects": redirects} for name in names]
    return {"domains": {"data": listed, "defaultRedirects": redirects}}


async def edit_redirects(call: Call) -> Any:
    """PATCH /domains/redirects; for the owner, since it holds for all domains."""
    data = await call.body()
    if not call.caller.is_owner:
        raise shlink.Problem(403, "forbidden-tag-operation", "Forbidden", "Only the owner may change redirects.")
    if not isinstance(data.get("domain"), str):
        raise shlink.invalid("domain is missing", "domain")
    names = {"baseUrlRedirect": "links.base_url", "invalidShortUrlRedirect": "links.not_found_url"}
    for field, setting in names.items():
        if field in data:
            await call.core.settings.put(setting, data[field] or "", call.core.clock())
    return redirects_of(call)


async def overview(call: Call) -> Any:
    """GET /visits."""
    people, robots = await call.core.db.read(store.count_clicks, owner=call.owner)
    found = [
        await call.core.db.read(visits.list_newest, (ORPHAN,), (), offset=0, limit=1, with_robots=with_robots)
        for with_robots in (True, False)
    ]
    every, humans = found[0][1], found[1][1]
    return {
        "visits": {
            "nonOrphanVisits": shlink.summary(people, robots),
            "orphanVisits": shlink.summary(humans, every - humans),
            "visitsCount": people + robots,
            "orphanVisitsCount": every,
        }
    }


async def all_links(call: Call, **asked: Any) -> store.Found:
    """The caller's links."""
    return await call.core.db.read(store.list_links, store.Asked(owner=call.owner, limit=MAX_LINKS, **asked))


async def list_visits(call: Call, kind: str, targets: tuple[str, ...], urls: dict[str, str]) -> Any:
    """A page of visits."""
    await call.core.visits.flush()
    page = shlink.number(call.text("page"), 1)
    per_page = shlink.number(call.text("itemsPerPage"), shlink.MAX_PER_PAGE)
    found, total = await call.core.db.read(
        visits.list_newest,
        (kind,),
        targets,
        offset=(page - 1) * per_page,
        limit=per_page,
        start=shlink.to_moment(call.text("startDate")) or 0,
        end=shlink.to_moment(call.text("endDate")) or 1 << 60,
        with_robots=call.text("excludeBots") != "true",
    )
    listed = [
        shlink.to_visit(record, orphan=kind == ORPHAN, url=urls.get(record.target, f"/{record.path}"))
        for record in found
    ]
    return {"visits": shlink.page(listed, total, page, per_page)}


async def link_visits(call: Call, slug: str) -> Any:
    """GET /short-urls/{shortCode}/visits."""
    link = await call.link(slug)
    return await list_visits(call, CLICK, (str(link.id),), {str(link.id): call.short_url(link)})


async def delete_link_visits(call: Call, slug: str) -> Any:
    """DELETE /short-urls/{shortCode}/visits."""
    link = await call.link(slug)
    return {"deletedVisits": await call.core.db.write(store.forget_clicks, link.id)}


async def visits_of(call: Call, links: store.Found) -> Any:
    """Visits of several links."""
    urls = {str(link.id): call.short_url(link) for link in links.links}
    return await list_visits(call, CLICK, tuple(urls) or ("",), urls)


async def tag_visits(call: Call, tag: str) -> Any:
    """GET /tags/{tag}/visits."""
    found = await all_links(call, tags=(tag,), host=call.host())
    if not found.links:
        raise shlink.Problem(404, "tag-not-found", "Tag not found", f'Tag with name "{tag}" could not be found')
    return await visits_of(call, found)


async def domain_visits(call: Call, domain: str) -> Any:
    """GET /domains/{domain}/visits."""
    if not call.is_default(domain) and domain not in book_of(call.core).own_hosts():
        detail = f'Domain with authority "{domain}" could not be found'
        raise shlink.Problem(404, "domain-not-found", "Domain not found", detail, authority=domain)
    return await visits_of(call, await all_links(call, host="" if call.is_default(domain) else domain))


async def orphan_visits(call: Call) -> Any:
    """GET /visits/orphan."""
    kind = call.text("type")
    return await list_visits(call, ORPHAN, (kind,) if kind else (), {})


async def delete_orphan_visits(call: Call) -> Any:
    """DELETE /visits/orphan."""
    await call.core.visits.flush()
    return {"deletedVisits": await call.core.db.write(visits.forget_visits, ORPHAN, None)}


async def non_orphan_visits(call: Call) -> Any:
    """GET /visits/non-orphan."""
    return await visits_of(call, await all_links(call, host=call.host()))


async def mercure_info(_call: Call) -> Any:
    """GET /mercure-info: there is no Mercure hub here."""
    detail = "This Shlink instance is not integrated with a mercure hub."
    raise shlink.Problem(501, "mercure-not-configured", "Mercure integration not configured", detail)
