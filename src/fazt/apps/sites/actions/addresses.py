"""Where a site is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fazt.core.http.hosts import base_url

if TYPE_CHECKING:
    from fazt.core import Core


def site_url(core: Core, scope: Mapping[str, Any], name: str) -> str:
    """Where a site is seen: by the scheme and port of the request; for this machine's own commands, by the options."""
    host = f"{name}.{core.config.domain}"
    if scope.get("fazt.local"):
        port = core.config.listen.port
        if not core.config.is_local:
            return f"https://{host}"
        return f"http://{host}" if port in {0, 80} else f"http://{host}:{port}"
    scheme, _, asked = dashboard_url(core, scope).partition("://")
    port_text = asked.rpartition(":")[2]
    return f"{scheme}://{host}:{port_text}" if port_text.isdigit() else f"{scheme}://{host}"


def dashboard_url(core: Core, scope: Mapping[str, Any]) -> str:
    """The cloud's own address, as this client sees it."""
    return base_url(core.config, dict(scope))
