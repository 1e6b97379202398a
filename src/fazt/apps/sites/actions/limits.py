"""Who may do what with a site, and how much a site may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fazt.apps.sites.model import Limits, Site
from fazt.core.errors import NotFound

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.auth import Caller

READ, WRITE = "sites:read", "sites:write"


def read_limits(core: Core) -> Limits:
    """What one version may hold, by the owner's settings."""
    return Limits(
        max_files=core.settings.get("sites.max_files"),
        max_file_bytes=core.settings.get("sites.max_file_mb") << 20,
        max_total_bytes=core.settings.get("sites.max_total_mb") << 20,
    )


def check_access(caller: Caller, site: Site, scope: str) -> Site:
    """`site`, if it is the caller's, or the caller is the owner of the cloud. Raises NotFound and Forbidden."""
    if site.owner != caller.user_id and not caller.is_owner:
        raise NotFound(f"There is no site {site.name!r}.")
    caller.check(f"{scope}:{site.name}")
    return site
