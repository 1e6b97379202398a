"""Which names of this cloud need a certificate of a public authority."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fazt.core.errors import Invalid
from fazt.core.log import get_logger
from fazt.core.tls.model import check_name, is_private_name

if TYPE_CHECKING:
    from fazt.core import Core

log = get_logger(__name__)


async def list_wanted(core: Core) -> list[str]:
    """The cloud's own domain, what the owner adds, and the hosts that the apps list; nothing else is ever asked for."""
    names = [core.config.domain, *core.settings.get("tls.extra_names")]
    for lister in core.host_listers.values():
        names += await lister(core)
    found: dict[str, None] = {}
    for text in names:
        try:
            name = check_name(text)
        except Invalid as error:
            log.warning("no certificate for %s: %s", text, error)
            continue
        if not is_private_name(name):
            found[name] = None
    return list(found)
