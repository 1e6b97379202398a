"""Pages of mail: the mailbox, a thread, writing, addresses and rules, what goes out."""

from __future__ import annotations

from typing import Any

from fazt.apps.mail.pages import addresses, compose, inbox, live, message, sending
from fazt.apps.mail.store.messages import count_unread
from fazt.apps.mail.store.outgoing import count_failed
from fazt.core import Core
from fazt.core.app import Card, Concern, Mount
from fazt.core.auth import Caller
from fazt.core.clock import DAY

FAILED_DAYS = 7


async def card(core: Core, caller: Caller) -> Card:
    """What the dashboard says about mail."""
    unread = await core.db.read(count_unread, caller.user_id)
    figure = f"{unread:,} unread" if unread else "No new mail"
    address = f"{caller.handle}@{core.config.domain}" if caller.handle else ""
    return Card(figure, address or "Mail for your domain.", "Write", "/mail/compose")


async def concerns(core: Core, caller: Caller) -> list[Concern]:
    """Mail of this person that could not be sent in the last days."""
    failed = await core.db.read(count_failed, caller.user_id, since=core.clock() - FAILED_DAYS * DAY)
    text = f"{failed} {'letter' if failed == 1 else 'letters'} could not be sent."
    return [Concern(text, "See why", "/mail/sending", is_bad=True)] if failed else []


def connect(core: Core, _caller: Caller, _base: str) -> dict[str, Any]:
    """More for the steps of clients: the port for mail programs, and whether STARTTLS is offered there."""
    port = str(core.settings.get("mail.submission_listen")).rpartition(":")[2]
    has_file = bool(core.settings.get("mail.certificate_file"))
    return {"submission": port, "has_tls": has_file or core.tls.find_certificate(core.config.domain) is not None}


PAGES = [
    Mount("/mail/live", live.live, access="member", help="Server-sent events: something changed in your mailbox."),
    *inbox.HANDLERS,
    *message.HANDLERS,
    *compose.HANDLERS,
    *addresses.HANDLERS,
    *sending.HANDLERS,
]

__all__ = ["PAGES", "card", "concerns", "connect"]
