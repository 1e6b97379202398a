"""What the settings say about authorities and the DNS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fazt.core.errors import FaztError

if TYPE_CHECKING:
    from fazt.core import Core
    from fazt.core.tls.engine.dns import Look, Provider


class AuthorityChoice(msgspec.Struct, frozen=True):
    """An authority to ask, and the key that binds our account there to one at its web site."""

    directory: str
    eab_key_id: str = ""
    eab_key: str = ""

    def __repr__(self) -> str:
        return f"AuthorityChoice({self.directory})"


class Limits(msgspec.Struct, frozen=True):
    """How much is asked of one authority at most."""

    orders_per_3_hours: int
    certificates_per_week: int
    same_per_week: int = 4
    failures_per_hour: int = 4


def list_choices(core: Core) -> list[AuthorityChoice]:
    """The authorities, in the order in which they are asked."""
    get = core.settings.get
    first = AuthorityChoice(get("tls.directory"), get("tls.eab_key_id"), get("tls.eab_key"))
    second = AuthorityChoice(get("tls.second_directory"), get("tls.second_eab_key_id"), get("tls.second_eab_key"))
    return [choice for choice in (first, second) if choice.directory]


def get_limits(core: Core) -> Limits:
    """The limits that hold now."""
    get = core.settings.get
    return Limits(get("tls.max_orders_per_3_hours"), get("tls.max_certificates_per_week"))


def make_look(core: Core) -> Look:
    """The DNS as the settings would have it asked. Raises Invalid."""
    from fazt.core.tls.engine.dns import Look  # noqa: PLC0415 - dnspython and httpx are large, and seldom needed

    return Look(core.settings.get("tls.resolvers"))


def find_provider(core: Core) -> Provider | None:
    """Who changes the DNS of the cloud's domain, where the owner has set that up. Raises Invalid."""
    from fazt.core.tls.engine.dns import open_provider  # noqa: PLC0415 - dnspython and httpx are large, and seldom needed

    name = core.settings.get("tls.dns_provider")
    return open_provider(name, core.settings.get, core.config.dns_script) if name else None


def find_wild_zone(core: Core) -> str:
    """The domain that has a wildcard, by DNS-01; "" where none has."""
    try:
        return core.config.domain if find_provider(core) is not None else ""
    except FaztError:
        return ""
