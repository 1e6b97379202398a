"""Who is asking, and what they may: people, sessions, app passwords, tokens, two-factor.

`Caller` is what handlers get; `Auth` (the engine) answers who that is and does all that needs a
password hashed. Lists and revocations need no engine: call `fazt.core.auth.store` through core.db.
Only the cheap half (`model`) is imported here; the engine comes when it is first named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.auth.model import (
    Account,
    Caller,
    Invitation,
    Session,
    Token,
    User,
    check_scope,
    covers,
)

if TYPE_CHECKING:
    from fazt.core.auth.engine import Auth

__all__ = ["Account", "Auth", "Caller", "Invitation", "Session", "Token", "User", "check_scope", "covers"]


def __getattr__(name: str) -> Any:
    """The engine, when it is first asked for (PEP 562)."""
    if name == "Auth":
        from fazt.core.auth.engine import Auth  # noqa: PLC0415 - SQLAlchemy, which `fazt --version` need not load

        return Auth
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
