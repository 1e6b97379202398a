"""Collections: their settings and rules, and who is asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from fazt.core.errors import FaztError

MAX_BYTES = 1_000_000
MAX_INDEXES = 16
DEFAULT_HISTORY = 10
KEYWORDS = frozenset({"owner", "members", "public", "mine"})
Action = Literal["read", "create", "update", "delete"]
WORDS = "*words"
SHIFT = 40
"""A document's row id is `collection.id << SHIFT | seq at its creation`: lists in that order need no index."""


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who else may do what, besides the owner of the cloud and tokens with a scope.

    `owner` is nobody else, `members` everybody who is logged in, `public` everybody, `mine` whoever the field
    `ownerField` names; anything else is a filter that a document has to satisfy, such as `author == @me`.
    """

    read: str = "owner"
    create: str = "owner"
    update: str = "owner"
    delete: str = "owner"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=False):
    """What can be set for one collection.

    `schema` is a JSON Schema; `ttl_seconds` lets documents expire; `history` is how many older versions are kept;
    `require_match` demands If-Match of every change; `search` names the fields of the index of words ("*" is all of
    them); `indexes` are lists of fields such as "status,-views"; `events` is one event for each write, or for each
    batch of them, or none. None or 0 is the server's default, or no limit.
    """

    rules: Rules = Rules()
    owner_field: str = ""
    schema: dict[str, Any] | None = None
    ttl_seconds: int = 0
    history: int | None = None
    require_match: bool = False
    max_bytes: int = MAX_BYTES
    max_documents: int = 0
    indexes: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    cors: tuple[str, ...] | None = None
    events: Literal["batch", "each", "none"] = "batch"


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection as it is known between requests; `revision` grows whenever anything here changes.

    `is_expiring` says whether any document ever had an end, so that no other collection asks for it.
    """

    id: int
    name: str
    revision: int
    settings: Settings
    is_expiring: bool
    created_at: int
    indexes: tuple[tuple[str, int], ...] = ()
    """The indexes that exist, each with its number."""

    @property
    def first(self) -> int:
        """The lowest row id that a document of this collection could have."""
        return self.id << SHIFT

    @property
    def has_words(self) -> bool:
        """Whether its index of words is complete."""
        return any(name == WORDS for name, _ in self.indexes)

    @property
    def end(self) -> int:
        """The row id that no document of this collection reaches."""
        return (self.id + 1) << SHIFT


class Stale(FaztError):
    """The collection was changed since it was looked up: look again, and do the same once more."""

    kind = "conflict"


class MatchRequired(FaztError):
    """This collection wants If-Match with every change (428, RFC 6585)."""

    kind = "precondition_failed"


class Gone(FaztError):
    """It asked for changes that are forgotten by now."""

    kind = "not_found"


@dataclass(frozen=True, slots=True)
class Access:
    """Who asks, as far as rules care. `reads`/`writes`: the owner of the cloud, or a token with that scope."""

    user_id: str = ""
    role: str = ""
    reads: bool = False
    writes: bool = False


OWNER = Access("", "owner", reads=True, writes=True)


class Figures(msgspec.Struct, frozen=True, rename="camel"):
    """A collection as the API tells it."""

    name: str
    documents: int
    seq: int
    created_at: int
    settings: Settings
