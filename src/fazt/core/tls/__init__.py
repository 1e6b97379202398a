"""Certificates by host name, for HTTPS, mail and calls: by ACME, from an authority of our own, or brought along.

`Tls` (the engine) finds a certificate for a host and gives servers their context. Only what is cheap
is imported here; the engine and the jobs come when they are first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.app import EventKind
from fazt.core.tls.model import Certificate
from fazt.core.tls.settings import SETTINGS

if TYPE_CHECKING:
    from fazt.core.tls.engine import Tls, keeping
    from fazt.core.tls.jobs import JOBS

EVENTS = (
    EventKind(
        "tls.issued",
        "There is a new certificate.",
        {"names": "the host names", "issuer": "who vouches for them", "expires_at": "until when, in ms"},
    ),
    EventKind(
        "tls.failed",
        "A host name cannot get a certificate; told once for each reason.",
        {"host": "the name", "error": "why", "hint": "what to do"},
    ),
)

__all__ = ["EVENTS", "JOBS", "SETTINGS", "Certificate", "Tls", "keeping"]


def __getattr__(name: str) -> Any:
    """The engine and the jobs, when they are first asked for (PEP 562): they need cryptography and a database."""
    if name in {"Tls", "keeping"}:
        from fazt.core.tls import engine  # noqa: PLC0415 - see above

        return getattr(engine, name)
    if name == "JOBS":
        from fazt.core.tls.jobs import JOBS  # noqa: PLC0415 - see above

        return JOBS
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
