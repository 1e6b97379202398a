"""Mail from strangers: who is known here, who may come in, and the message."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from fazt.apps.mail.actions import receive as actions
from fazt.apps.mail.engine.desk import get_desk
from fazt.apps.mail.engine.limits import grey_key
from fazt.apps.mail.model.message import Envelope
from fazt.apps.mail.server.session import NULL, Session
from fazt.apps.mail.server.tls import Certificates
from fazt.apps.mail.store.deliver import find_target
from fazt.apps.mail.store.relays import pass_grey
from fazt.core.clock import MINUTE

if TYPE_CHECKING:
    from fazt.core import Core


class Inbound:
    """The listener of `--smtp-listen`. One for each connection."""

    needs_login = False
    login_needs_tls = True
    takes_bare_lines = False

    def __init__(self, core: Core, certificates: Certificates) -> None:
        self.core = core
        self.desk = get_desk(core)
        self.max_bytes = actions.max_bytes(core)
        self.tls = certificates.context()

    def __dir__(self) -> list[str]:
        """See Session."""
        return []

    async def handle_EHLO(  # noqa: N802 - aiosmtpd calls it so
        self, server: Session, session: Any, _envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        """Who says to be there."""
        session.host_name = hostname
        return await server.ehlo_lines(responses)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd calls it so
        self, server: Session, _session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Not too many messages from one place."""
        if not self.desk.gate.take(server.address, time.monotonic()):
            return "450 4.7.1 Too many messages from your address, come again later"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, server: Session, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        """Only people who are here; nothing is passed on to elsewhere."""
        if len(envelope.rcpt_tos) >= self.core.settings.get("mail.max_recipients"):
            return "452 4.5.3 Too many recipients"
        policy = self.desk.policy
        domain = address.rpartition("@")[2].lower() if "@" in address else policy.domains[0]
        if domain not in policy.domains:
            return "550 5.7.1 We do not relay mail"
        now = self.core.clock()
        target = await self.core.db.point(find_target, address, policy, now=now)
        if target is None:
            return "550 5.1.1 There is nobody of this name here"
        wait_s = await self._grey(server, envelope.mail_from, address)
        if wait_s:
            return f"450 4.7.1 Greylisted, come again in {wait_s} seconds"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def _grey(self, server: Session, mail_from: str, recipient: str) -> int:
        """How many seconds a stranger still has to wait."""
        minutes = self.core.settings.get("mail.greylist_minutes")
        if not minutes or self.desk.gate.is_trusted(server.address):
            return 0
        key = grey_key(server.address, mail_from, recipient)
        left = await self.core.db.write(pass_grey, key, minutes * MINUTE, now=self.core.clock())
        return -(-left // 1_000)

    async def take(self, session: Session, stream: AsyncIterator[bytes]) -> str:
        """The message; 250 is said only when it is on disk."""
        assert session.envelope is not None
        assert session.session is not None
        mail_from = session.envelope.mail_from or ""
        envelope = Envelope(
            mail_from="" if mail_from == NULL else mail_from,
            recipients=tuple(session.envelope.rcpt_tos),
            source="smtp",
            helo=str(session.session.host_name or "")[:255],
            address=session.address,
        )
        stored = await actions.store_stream(self.core, stream, self.max_bytes)
        taken = await actions.receive(self.core, envelope, stored)
        refused = [one for one in taken if one.refused]
        if len(refused) == len(taken):
            return f"550 5.7.1 {' '.join(refused[0].refused.split())[:300]}"
        kept = next((one.message_id for one in taken if one.message_id), "")
        return f"250 2.0.0 OK: kept{' as ' + kept if kept else ''}"
