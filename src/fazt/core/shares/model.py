"""What a share is."""

from __future__ import annotations

import msgspec


class Share(msgspec.Struct, frozen=True):
    """A link to `target`, an app's own name for one of its things. Times in ms; `expires_at` None: until revoked.

    Who holds the `token` may see it (and with `may_write` change it), after the password where there is a
    `password_hash` (`core.auth.gate`, by the name `thing`). `visits` counts openings, not requests.
    """

    id: str
    token: str
    app: str
    target: str
    user_id: str
    label: str
    may_write: bool
    password_hash: str
    created_at: int
    expires_at: int | None
    visits: int

    @property
    def thing(self) -> str:
        """The gate's name for it."""
        return f"share {self.id}"

    def is_over(self, now: int) -> bool:
        """Whether it has expired."""
        return self.expires_at is not None and self.expires_at <= now
