"""Published notes, shared notebooks and their members."""

from __future__ import annotations

import secrets
import string

import msgspec

PUBLISHED, NOTEBOOK = 1, 3
WAITING, ACCEPTED, REJECTED = 0, 1, 2
LETTERS = string.ascii_letters + string.digits


class Share(msgspec.Struct, frozen=True):
    """A note that everybody with the link may read, or a notebook that others take part in."""

    id: str
    owner_id: str
    type: int
    item_id: str
    is_recursive: bool
    master_key_id: str
    expires_at: int | None
    views: int
    created_at: int
    updated_at: int


class Member(msgspec.Struct, frozen=True):
    """Somebody whom a notebook was offered to."""

    id: str
    share_id: str
    user_id: str
    status: int
    master_key: str
    can_read: bool
    can_write: bool
    created_at: int
    updated_at: int


def new_share_id() -> str:
    """22 letters and digits that nobody guesses."""
    return "".join(secrets.choice(LETTERS) for _ in range(22))
