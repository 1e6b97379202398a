"""Requests to the outside on a stranger's behalf: never to this machine, its neighbours or the cloud itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.app import EventKind, Job, Setting
from fazt.core.outbound.model import Allowed, is_public

if TYPE_CHECKING:
    from fazt.core.outbound.engine import check_destination, open_client

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


def __getattr__(name: str) -> Any:
    """The engine, when it is first asked for (PEP 562): httpx takes 0.1 s and 8 MB."""
    if name in {"check_destination", "open_client"}:
        from fazt.core.outbound import engine  # noqa: PLC0415 - see above

        return getattr(engine, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
