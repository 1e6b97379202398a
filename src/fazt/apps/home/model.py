"""What the management API takes and answers."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from fazt.core.errors import Invalid

TokenKind = Literal["token", "app"]
LONGEST_PAGE = 500


class Profile(msgspec.Struct, forbid_unknown_fields=True):
    """Changes to a person; what is left out stays."""

    name: str | None = None
    handle: str | None = None
    email: str | None = None


class NewPassword(msgspec.Struct, forbid_unknown_fields=True):
    """A new password of one's own."""

    current: str
    new: str


class GivenPassword(msgspec.Struct, forbid_unknown_fields=True):
    """A new password that the owner gives somebody."""

    password: str


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """A member whom the owner adds by hand."""

    email: str
    password: str
    name: str = ""
    handle: str = ""


class NewInvitation(msgspec.Struct, forbid_unknown_fields=True):
    """Whom an invitation is for; both may be empty."""

    email: str = ""
    name: str = ""


class NewToken(msgspec.Struct, forbid_unknown_fields=True):
    """A token or app password to be made. `scopes` null is all that the person may do; `days` null is for ever."""

    name: str
    scopes: list[str] | None = None
    kind: TokenKind = "token"
    days: int | None = None


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """Six digits of the authenticator app."""

    code: str


class OwnPassword(msgspec.Struct, forbid_unknown_fields=True):
    """One's own password, asked for before something grave."""

    password: str


class NewValue(msgspec.Struct, forbid_unknown_fields=True):
    """A setting's new value: as JSON in `value`, or as typed in `text` (`yes`, `10 MB`, `a, b`)."""

    value: Any = None
    text: str | None = None


class Renewal(msgspec.Struct, forbid_unknown_fields=True):
    """What to try again: all names that wait, or one."""

    host: str = ""


class Brought(msgspec.Struct, forbid_unknown_fields=True):
    """A certificate from elsewhere, as PEM."""

    chain_pem: str
    key_pem: str


class Freeing(msgspec.Struct, forbid_unknown_fields=True):
    """What to let go: a name out of `could`."""

    name: str


class NewShare(msgspec.Struct, forbid_unknown_fields=True):
    """A link to a thing of an app: for some days (0: until it is ended) or until `expires_at` (ms).

    `target` is the app's own name for it: of `drive` the number of a file or folder, of `joplin` a note's id, of
    `textdb` `collection/id`, of `pubsub` `topic/NAME` or `board/ID`.
    """

    app: str
    target: str
    label: str = ""
    days: float = 0
    expires_at: int | None = None
    password: str = ""
    may_write: bool = False


class ChangedShare(msgspec.Struct, forbid_unknown_fields=True):
    """Changes to a link; what is left out stays.

    `days` count from now, 0 is until it is ended; `password` "" is none.
    """

    label: str | None = None
    days: float | None = None
    password: str | None = None
    may_write: bool | None = None


class ShareView(msgspec.Struct, frozen=True):
    """A link as its maker sees it."""

    id: str
    app: str
    target: str
    label: str
    url: str
    may_write: bool
    has_password: bool
    created_at: int
    expires_at: int | None
    is_over: bool
    visits: int


class Link(msgspec.Struct, frozen=True):
    """A one-time link to be handed to somebody; it is never shown again."""

    id: str
    url: str
    expires_at: int | None


class Secret(msgspec.Struct, frozen=True):
    """A token or app password; the secret is never shown again."""

    id: str
    name: str
    secret: str
    expires_at: int | None


class TotpStart(msgspec.Struct, frozen=True):
    """What an authenticator app needs: the secret, and the same as the address that its QR code holds."""

    secret: str
    uri: str


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Each replaces one code of the authenticator app once."""

    recovery_codes: list[str]


def check_limit(limit: int) -> int:
    """How many rows to answer. Raises Invalid outside 1 to 500."""
    if not 1 <= limit <= LONGEST_PAGE:
        raise Invalid(f"limit is from 1 to {LONGEST_PAGE}.")
    return limit


def group_of(setting_name: str) -> str:
    """The part of a setting's name that says whose it is: `links` of `links.default_length`."""
    return setting_name.partition(".")[0]
