"""Changes of a site that are no deploys, each shown when it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fazt.apps.sites import store
from fazt.apps.sites.actions.deploys import show
from fazt.apps.sites.actions.limits import READ, WRITE, check_access
from fazt.apps.sites.model import Domain, Site, SiteOptions, Version, check_name
from fazt.core.errors import Conflict, Invalid

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

MIN_PASSWORD, MAX_PASSWORD = 4, 200
MAX_KEEP = 1000


async def get_site(core: Core, caller: Caller, name: str, scope: str = READ, *, deleted: bool = False) -> Site:
    """A site of the caller's. Raises NotFound and Forbidden."""
    return check_access(caller, await core.db.read(store.get_site, check_name(name), deleted=deleted), scope)


async def list_sites(core: Core, caller: Caller, *, deleted: bool = False) -> list[Site]:
    """The caller's sites; all sites where the caller owns the cloud."""
    owner = None if caller.is_owner else caller.user_id
    sites = await core.db.read(store.list_sites, owner=owner, deleted=deleted)
    return [site for site in sites if caller.may(f"{READ}:{site.name}")]


async def create_site(core: Core, caller: Caller, name: str) -> Site:
    """An empty site. Raises Invalid and Conflict."""
    caller.check(f"{WRITE}:{check_name(name)}")
    site = await core.db.write(store.create_site, name, caller.user_id, core.clock())
    await show(core, site.id)
    return site


async def change_options(core: Core, caller: Caller, name: str, **changes: bool | int) -> Site:
    """Change some of SiteOptions."""
    site = await get_site(core, caller, name, WRITE)
    options: SiteOptions = msgspec.structs.replace(site.options, **changes)
    if not 0 <= options.keep <= MAX_KEEP:
        raise Invalid(f"A site keeps between 1 and {MAX_KEEP} versions, or all of them (0).")
    await core.db.write(store.put_options, site.id, options, core.clock())
    await show(core, site.id)
    return await core.db.read(store.get_site, site.name)


async def change_password(core: Core, caller: Caller, name: str, password: str) -> None:
    """Ask visitors for a password, or with "" no longer."""
    site = await get_site(core, caller, name, WRITE)
    if password and not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid(f"The password of a site has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
    hashed = await core.auth.gate.hash_password(password) if password else ""
    await core.db.write(store.put_password, site.id, hashed, core.clock())
    await show(core, site.id)


async def rename_site(core: Core, caller: Caller, name: str, to: str) -> Site:
    """Another name, and so another address; the old one answers no more."""
    site = await get_site(core, caller, name, WRITE)
    caller.check(f"{WRITE}:{check_name(to)}")
    await core.db.write(store.rename_site, site.id, to, core.clock())
    await show(core, site.id)
    return await core.db.read(store.get_site_by_id, site.id)


async def roll_back(core: Core, caller: Caller, name: str, number: int | None) -> Version:
    """Show another version; None is the one before."""
    site = await get_site(core, caller, name, WRITE)
    version = await core.db.write(store.roll_back, site.id, number, caller.user_id, core.clock())
    await show(core, site.id)
    return version


async def prune(core: Core, caller: Caller, name: str, keep: int) -> list[int]:
    """Forget all but the newest `keep` versions and the one that is shown; which went."""
    site = await get_site(core, caller, name, WRITE)
    if keep < 1:
        raise Invalid("At least one version stays.")
    return await core.db.write(store.prune_versions, site.id, keep, core.clock())


async def delete_site(core: Core, caller: Caller, name: str, *, forever: bool = False) -> None:
    """Take a site off; with `forever`, one that cannot be brought back."""
    site = await get_site(core, caller, name, WRITE, deleted=forever)
    now = core.clock()
    if site.deleted_at is None:
        await core.db.write(store.delete_site, site.id, now)
    if forever:
        await core.db.write(store.condemn_site, site.id, now)
    await show(core, site.id)


async def restore_site(core: Core, caller: Caller, name: str) -> Site:
    """Undo a delete. Raises Conflict where nothing was deleted."""
    site = await get_site(core, caller, name, WRITE, deleted=True)
    if site.deleted_at is None:
        raise Conflict(f"The site {site.name!r} is not deleted.")
    restored = await core.db.write(store.restore_site, site.id, core.clock())
    await show(core, site.id)
    return restored


async def add_domain(core: Core, caller: Caller, name: str, host: str) -> Domain:
    """Show a site under a host of its own. Raises Invalid and Conflict."""
    site = await get_site(core, caller, name, WRITE)
    cleaned = host.strip().lower()
    if cleaned == core.config.domain or cleaned.endswith("." + core.config.domain):
        raise Invalid(f"Hosts below {core.config.domain} are given by the names of sites.")
    domain = await core.db.write(store.add_domain, site.id, host, core.clock())
    await show(core, site.id)
    return domain


async def remove_domain(core: Core, caller: Caller, name: str, host: str) -> None:
    """Raises NotFound where the site is not shown there."""
    site = await get_site(core, caller, name, WRITE)
    await core.db.write(store.remove_domain, site.id, host, core.clock())
    await show(core, site.id)
