"""How HTTPS stands, for pages and commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from fazt.core.tls import store
from fazt.core.tls.engine.options import list_choices
from fazt.core.tls.engine.wanted import list_wanted
from fazt.core.tls.model import Certificate, HostState, Mode, Source, is_good

if TYPE_CHECKING:
    from fazt.core import Core

Standing = Literal["good", "waiting", "failing", "expired"]


class HostView(msgspec.Struct, frozen=True):
    """One host name. `standing` is good where its certificate is, whatever else is said."""

    host: str
    standing: Standing
    issuer: str = ""
    source: Source | Literal[""] = ""
    expires_at: int | None = None
    renew_at: int | None = None
    next_at: int | None = None
    error: str = ""
    hint: str = ""


class CertificateView(msgspec.Struct, frozen=True):
    """A certificate in the file, without its key."""

    id: int
    names: tuple[str, ...]
    source: Source
    issuer: str
    not_before: int
    not_after: int
    renew_at: int
    fingerprint: str


class AuthorityView(msgspec.Struct, frozen=True):
    """An authority that is asked, and what it last could not do."""

    directory: str
    error: str = ""
    next_at: int | None = None


class Status(msgspec.Struct, frozen=True):
    """All of it. `https_port` is 0 where HTTPS is not served; `root_fingerprint` is "" without a local authority."""

    mode: Mode
    https_port: int
    domain: str
    is_trusted: bool
    root_fingerprint: str
    authorities: tuple[AuthorityView, ...]
    hosts: tuple[HostView, ...]
    certificates: tuple[CertificateView, ...]


async def describe(core: Core) -> Status:
    """How it stands now; what is worst comes first among the hosts."""
    tls = core.tls
    known = await core.db.read(store.list_authorities)
    names = await list_wanted(core) if tls.mode != "local" else [core.config.domain]
    hosts = [view_host(core, name) for name in dict.fromkeys(names)]
    order: list[Standing] = ["failing", "expired", "waiting", "good"]
    return Status(
        mode=tls.mode,
        https_port=tls.https_port,
        domain=core.config.domain,
        is_trusted=tls.is_trusted(core.config.domain),
        root_fingerprint=tls.root_fingerprint,
        authorities=tuple(
            AuthorityView(choice.directory, found.error, found.next_at or None)
            for choice in (list_choices(core) if tls.mode == "acme" else ())
            for found in [known.get(choice.directory, store.Authority(choice.directory))]
        ),
        hosts=tuple(sorted(hosts, key=lambda view: order.index(view.standing))),
        certificates=tuple(view_certificate(one) for one in tls.certificates),
    )


def view_host(core: Core, host: str) -> HostView:
    """How it stands with one name."""
    found, now = core.tls.find_certificate(host), core.clock()
    state = core.tls.hosts.get(host, HostState(host))
    standing: Standing = "failing" if state.failures else "waiting"
    if found is not None:
        standing = "good" if is_good(found, now) else "expired"
    return HostView(
        host=host,
        standing=standing,
        issuer=found.issuer if found else "",
        source=found.source if found else "",
        expires_at=found.not_after if found else None,
        renew_at=found.renew_at or None if found else None,
        next_at=state.next_at if state.next_at > now else None,
        error=state.error,
        hint=state.hint,
    )


def view_certificate(one: Certificate) -> CertificateView:
    """What may be shown of it."""
    return CertificateView(
        one.id, one.names, one.source, one.issuer, one.not_before, one.not_after, one.renew_at, one.fingerprint
    )
