"""What the relay is told, and what is said about it: orders from settings, credentials, status."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from fazt.apps.turn import store
from fazt.apps.turn.engine.addresses import resolve_listen
from fazt.apps.turn.engine.child import RelayChild
from fazt.apps.turn.engine.metrics import Meter
from fazt.apps.turn.model import Credentials, Limits, Orders, RelayStatus, make_uris
from fazt.apps.turn.wire.credentials import make_password, make_username
from fazt.core.clock import HOUR
from fazt.core.errors import Invalid, Unavailable
from fazt.core.log import get_logger

if TYPE_CHECKING:
    from fazt.core import Core

log = get_logger(__name__)

ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 - they stand for all addresses


class Desk:
    """Between the program and its relay. There is one even where no relay runs, to say so."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.child = RelayChild(self.make_orders, Meter().take)
        self._secrets: tuple[str, ...] = ()
        self._told: Orders | None = None

    async def make_orders(self) -> Orders:
        """What the relay has to know now."""
        get, listen = self.core.settings.get, self.core.config.turn_listen
        assert listen is not None
        now = self.core.clock()
        found = await self.core.db.read(store.find_secrets, now)
        self._secrets = found or await self.core.db.write(store.use_secrets, now)
        chain, key = await self._find_certificate()
        self._told = Orders(
            listen=await asyncio.to_thread(resolve_listen, listen.host),
            port=listen.port,
            tls_port=get("turn.tls_port"),
            realm=self.core.config.domain,
            secrets=self._secrets,
            users=parse_users(get("turn.static_users")),
            external=tuple(get("turn.external_addresses")),
            allow_peers=tuple(get("turn.allow_peers")),
            first_port=get("turn.first_port"),
            last_port=get("turn.last_port"),
            certificate_chain=chain,
            certificate_key=key,
            limits=Limits(
                allocations=get("turn.max_allocations"),
                allocations_per_user=get("turn.max_allocations_per_user"),
                bytes_per_second_per_allocation=get("turn.max_kbps_per_allocation") * 125,
                bytes_per_second=get("turn.max_kbps") * 125,
                max_age_s=get("turn.max_age_hours") * 3_600,
                refusals_per_second=get("turn.refusals_per_second"),
            ),
        )
        return self._told

    async def _find_certificate(self) -> tuple[str, str]:
        """PEM texts of the certificate for turns: and its key: the files' where they are set, else this cloud's own."""
        chain_file = self.core.settings.get("turn.certificate_file")
        if chain_file:
            return await asyncio.to_thread(read_certificate, chain_file, self.core.settings.get("turn.key_file"))
        found = self.core.tls.find_certificate(self.host)
        return (found.chain_pem, found.key_pem) if found else ("", "")

    async def has_changed(self) -> bool:
        """Whether the relay was told something else than what holds now."""
        told = self._told
        return told is not None and await self.make_orders() != told

    def issue(self, user: str) -> Credentials:
        """Credentials for one person for the next hours. Raises Unavailable where no relay runs."""
        if self.child.ready is None or not self._secrets:
            raise Unavailable("The relay is not running.", hint="Start fazt with --turn-listen 0.0.0.0:3478.")
        ttl = self.core.settings.get("turn.credential_hours") * HOUR // 1_000
        username = make_username(user, self.core.clock() // 1_000 + ttl)
        password = make_password(self._secrets[0], username)
        return Credentials(username, password, ttl, make_uris(self.host, self.child.ready))

    @property
    def host(self) -> str:
        """The name that clients reach the relay by."""
        chosen: str = self.core.settings.get("turn.host")
        config = self.core.config
        if chosen or config.turn_listen is None:
            return chosen or config.domain
        if config.is_local and config.turn_listen.host not in ANY_ADDRESS:
            return config.turn_listen.host
        return config.domain

    def describe(self) -> RelayStatus:
        """The relay now."""
        ready, child = self.child.ready, self.child
        is_on = self.core.config.turn_listen is not None
        problem = child.problem if is_on else "No server runs with --turn-listen."
        return RelayStatus(
            is_on=is_on,
            is_running=ready is not None,
            problem="" if ready else problem,
            addresses=ready.addresses if ready else (),
            relays=ready.relays if ready else (),
            uris=make_uris(self.host, ready) if ready else (),
            has_tls=ready.has_tls if ready else False,
            restarts=child.restarts,
            figures=child.figures,
        )


def get_desk(core: Core) -> Desk:
    """The program's desk. A command that works on the file has one too, without a relay behind it."""
    if Desk not in core.engines:
        core.add(Desk(core))
    return core.get(Desk)


def parse_users(lines: list[str]) -> dict[str, str]:
    """`name:password` lines as a table. Raises Invalid."""
    users = {}
    for line in lines:
        name, colon, password = line.partition(":")
        if not colon or not name or not password:
            raise Invalid("turn.static_users has an entry that is not name:password.")
        users[name] = password
    return users


def read_certificate(chain_file: str, key_file: str) -> tuple[str, str]:
    """PEM texts of a certificate and its key; empty where they cannot be read."""
    try:
        chain = Path(chain_file).read_text()
        return chain, Path(key_file).read_text() if key_file else chain
    except (OSError, UnicodeDecodeError) as error:
        log.error("the certificate for turns: cannot be read: %s", error)
        return "", ""
