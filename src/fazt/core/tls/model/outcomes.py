"""How a request to an authority may end other than well."""

from __future__ import annotations

from collections.abc import Mapping

from fazt.core.errors import Invalid, TooMany, Unavailable


class Refused(Invalid):
    """The names themselves are the reason: `hosts` says for each what is wrong, and what to do."""

    def __init__(self, hosts: Mapping[str, tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{host}: {error}" for host, (error, _) in hosts.items()))
        self.hosts = hosts


class Limited(TooMany):
    """The authority has had enough of these names, or of us; others may be more willing."""

    def __init__(self, message: str, *, retry_after: int = 3_600) -> None:
        super().__init__(message, retry_after=retry_after)
        self.retry_after_s = retry_after


class Trouble(Unavailable):
    """The authority itself is the reason: away, broken, or unwilling to have us."""
