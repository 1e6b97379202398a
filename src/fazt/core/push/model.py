"""What a notice and a device are."""

from __future__ import annotations

import base64

import msgspec

from fazt.core.errors import Invalid

TITLE_MAX, TEXT_MAX, PATH_MAX = 120, 500, 500
"""Characters; services carry 4 KB, and a phone shows less than this."""

TTL_S = 24 * 3600
TOKEN_LASTS_S = 12 * 3600


class Notice(msgspec.Struct, frozen=True):
    """Something a person wants to know. `path` is where a tap leads; of one `tag` devices show only the newest."""

    user_id: str
    title: str
    text: str = ""
    path: str = "/"
    tag: str = ""


class KeptNotice(msgspec.Struct, frozen=True):
    """A notice as it was kept."""

    id: int
    title: str
    text: str
    path: str
    at: int
    is_read: bool


class Device(msgspec.Struct, frozen=True):
    """A browser that takes notices: where to send them, and for whom to encrypt them."""

    id: str
    user_id: str
    name: str
    endpoint: str
    public_key: str
    auth_secret: str
    created_at: int
    sent_at: int | None


def to_base64(data: bytes) -> str:
    """URL-safe and without padding, as all of Web Push has it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64(text: str) -> bytes:
    """Raises Invalid."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise Invalid("This subscription is garbled.") from error
