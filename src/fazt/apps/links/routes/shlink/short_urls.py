"""Short URLs and their redirect rules."""

from __future__ import annotations

from typing import Any

from fazt.apps.links import actions, store
from fazt.apps.links.routes.shlink.call import Call
from fazt.apps.links.wire import shlink
from fazt.core.errors import Conflict

PER_PAGE = 10


async def list_short_urls(call: Call) -> Any:
    """GET /short-urls."""
    page = shlink.number(call.text("page"), 1)
    per_page = shlink.number(call.text("itemsPerPage"), PER_PAGE)
    order, descending = shlink.read_order(call.text("orderBy"))
    asked = store.Asked(
        owner=call.owner,
        words=call.text("searchTerm"),
        tags=call.texts("tags"),
        tags_mode="all" if call.text("tagsMode") == "all" else "any",
        without_tags=call.texts("excludeTags"),
        without_mode="all" if call.text("excludeTagsMode") == "all" else "any",
        host=call.host(),
        since=shlink.to_moment(call.text("startDate")),
        until=shlink.to_moment(call.text("endDate")),
        skip_used_up=call.text("excludeMaxVisitsReached") == "true",
        skip_expired_at=call.core.clock() if call.text("excludePastValidUntil") == "true" else None,
        order=order,
        descending=descending,
        offset=(page - 1) * per_page,
        limit=per_page,
    )
    found = await call.core.db.read(store.list_links, asked)
    return {"shortUrls": shlink.page([call.show(link) for link in found.links], found.total, page, per_page)}


async def create_short_url(call: Call) -> Any:
    """POST /short-urls."""
    data = await call.body()
    asked = shlink.read_new(data)
    if call.is_default(asked.host):
        asked = shlink.read_new({**data, "domain": ""})
    try:
        link = await actions.create(call.core, call.caller, asked, find_same=bool(data.get("findIfExists")))
    except Conflict as error:
        slug = data.get("customSlug")
        detail = f'Provided slug "{slug}" is already in use.'
        raise shlink.Problem(400, "non-unique-slug", "Invalid custom slug", detail, customSlug=slug) from error
    return call.show(link)


async def get_short_url(call: Call, slug: str) -> Any:
    """GET /short-urls/{shortCode}."""
    return call.show(await call.link(slug))


async def edit_short_url(call: Call, slug: str) -> Any:
    """PATCH /short-urls/{shortCode}."""
    link = await call.link(slug)
    changes = shlink.read_fields(await call.body())
    return call.show(await actions.change(call.core, call.caller, link.id, changes))


async def delete_short_url(call: Call, slug: str) -> Any:
    """DELETE /short-urls/{shortCode}; it can be brought back on our own page, so no number of visits forbids it."""
    await actions.delete(call.core, call.caller, (await call.link(slug)).id)


async def get_rules(call: Call, slug: str) -> Any:
    """GET /short-urls/{shortCode}/redirect-rules."""
    return shlink.to_rules(await call.link(slug))


async def set_rules(call: Call, slug: str) -> Any:
    """POST /short-urls/{shortCode}/redirect-rules."""
    link = await call.link(slug)
    rules = shlink.read_rules(await call.body())
    return shlink.to_rules(await actions.change(call.core, call.caller, link.id, {"rules": rules}))
