"""What JavaScript may do with links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.links import actions, store
from fazt.apps.links.model import NewLink
from fazt.core.app import ScriptFunction

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller


async def run_create(core: Core, caller: Caller, *, url: str, slug: str = "", title: str = "", tags: Any = ()) -> Any:
    """A new link."""
    asked = NewLink(target=url, slug=slug, title=title, tags=tuple(map(str, tags)))
    link = await actions.create(core, caller, asked)
    scheme = "http" if core.config.is_local else "https"
    return {"id": link.id, "slug": link.slug, "url": actions.short_url(core, link, f"{scheme}://{core.config.domain}")}


async def run_get(core: Core, caller: Caller, *, slug: str, host: str = "") -> Any:
    """Where a link leads, and how often it was followed; null where there is none of the caller's."""
    link = await core.db.read(store.find_link, host, slug)
    if link is None or actions.owner_of(caller) not in {None, link.owner}:
        return None
    return {"id": link.id, "url": link.target, "title": link.title, "tags": link.tags, "clicks": link.clicks}


SCRIPT = (
    ScriptFunction(
        "links.create",
        "links:write",
        run_create,
        "Makes a short link; answers {id, slug, url}. An empty slug is a random one.",
        'const {url} = await fazt.links.create({url: "https://example.com/", tags: ["news"]})',
    ),
    ScriptFunction(
        "links.get",
        "links:read",
        run_get,
        "Where a short link leads and how often it was followed: {id, url, title, tags, clicks}, or null.",
        'const link = await fazt.links.get({slug: "hello"})',
    ),
)
