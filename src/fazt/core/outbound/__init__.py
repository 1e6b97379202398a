"""Requests to the outside on a stranger's behalf: never to this machine, its neighbours or the cloud itself."""

from fazt.core.app import EventKind, Job, Setting
from fazt.core.outbound.engine import check_destination, open_client
from fazt.core.outbound.model import Allowed, is_public

SETTINGS = (
    Setting(
        "outbound.allow",
        [],
        help="Hosts and blocks of addresses (CIDR) that functions, webhooks and link titles may reach although they "
        "are private, e.g. printer.lan or 192.168.1.0/24.",
    ),
)
EVENTS: tuple[EventKind, ...] = ()
JOBS: tuple[Job, ...] = ()

__all__ = ["EVENTS", "JOBS", "SETTINGS", "Allowed", "check_destination", "is_public", "open_client"]
