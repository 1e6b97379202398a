"""What a pad is, who may do what with it, and what its owner chooses."""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from fazt.core.errors import Invalid

MIN_PASSWORD, MAX_PASSWORD = 4, 200
GUEST = "a guest"
VISIT_KIND = "pad"
Level = Literal["none", "read", "write"]
LEVELS: tuple[Level, ...] = ("none", "read", "write")


class Pad(msgspec.Struct, frozen=True):
    """A pad without its text. `members` and `guests` are levels, or "" for what the owner of the cloud has set.

    `seq` is the number of its last update; `size` is bytes of text when it last came to rest. Times are ms.
    """

    id: str
    name: str
    user_id: str
    members: str
    guests: str
    password_hash: str
    seq: int
    settled_seq: int
    size: int
    log_bytes: int
    created_at: int
    changed_at: int
    expires_at: int | None

    @property
    def thing(self) -> str:
        """Its name at the gate, which checks passwords."""
        return f"pad {self.id}"

    @property
    def cookie(self) -> str:
        """The name of the cookie that opens it."""
        return f"fazt-pad-{self.id}"


class Version(msgspec.Struct, frozen=True):
    """A moment of a pad's history: after this update it read differently. `who` made it; `bytes` is its weight."""

    seq: int
    at: int
    who: str
    bytes: int


class Row(msgspec.Struct, frozen=True):
    """An update as it is kept."""

    seq: int
    at: int
    who: str
    data: bytes


class Stored(msgspec.Struct, frozen=True):
    """All that makes a pad's document: updates in their order, and the number of the last one."""

    pad: Pad
    updates: list[bytes]
    seq: int


def check_level(level: str) -> Level | Literal[""]:
    """A level, or "" for the cloud's own. Raises Invalid."""
    if level not in {"", *LEVELS}:
        raise Invalid(f"{level[:20]!r} is no level.", hint="It is none, read or write; empty for the cloud's setting.")
    return cast("Level", level)


def check_password(password: str) -> str:
    """Raises Invalid."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid(f"The password of a pad has {MIN_PASSWORD} to {MAX_PASSWORD} characters.")
    return password


def tag_of(life: str, seq: int) -> str:
    """The entity tag of a pad's text, without quotes; `life` names the pad in this life of the file."""
    return f"{life}-{seq}"


def parse_tag(life: str, tag: str) -> int | None:
    """The number of the update in a tag of this pad, quoted or not; None for one of something else."""
    found, _, seq = tag.strip().removeprefix("W/").strip('"').rpartition("-")
    return int(seq) if found == life and seq.isascii() and seq.isdigit() and len(seq) < 16 else None
