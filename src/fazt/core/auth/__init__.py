"""Who is asking, and what they may: people, sessions, app passwords, tokens, two-factor.

`Caller` is what handlers get; `Auth` (the engine) answers who that is and does all that needs a
password hashed. Lists and revocations need no engine: call `fazt.core.auth.store` through core.db.
Only the cheap half (`model`) is imported here; the engine comes when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.app import EventKind
from fazt.core.auth.model import (
    Account,
    Caller,
    Invitation,
    Issued,
    Session,
    Token,
    User,
    check_scope,
    covers,
)

if TYPE_CHECKING:
    from fazt.core.auth.engine import Auth
    from fazt.core.auth.jobs import JOBS

WHO = {"user_id": "the person"}
EVENTS = (
    EventKind("auth.user_created", "Somebody became the owner or a member.", WHO),
    EventKind("auth.user_suspended", "A member was suspended; their sessions and tokens have ended.", WHO),
    EventKind("auth.user_resumed", "A member is no longer suspended.", WHO),
    EventKind("auth.user_deleted", "A member was deleted; what they had in the apps goes too.", WHO),
    EventKind(
        "auth.logged_in",
        "Somebody logged in on a page.",
        {
            **WHO,
            "session_id": "the new session",
            "device": "browser and system",
            "address": "about where it came from",
        },
    ),
)

__all__ = [
    "EVENTS",
    "JOBS",
    "Account",
    "Auth",
    "Caller",
    "Invitation",
    "Issued",
    "Session",
    "Token",
    "User",
    "check_scope",
    "covers",
]


def __getattr__(name: str) -> Any:
    """The engine and the jobs, when they are first asked for (PEP 562): `fazt --version` need not load SQLAlchemy."""
    if name == "Auth":
        from fazt.core.auth.engine import Auth  # noqa: PLC0415 - see above

        return Auth
    if name == "JOBS":
        from fazt.core.auth.jobs import JOBS  # noqa: PLC0415 - see above

        return JOBS
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
