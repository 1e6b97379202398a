"""Documents as the store gives them out."""

from __future__ import annotations

from typing import Literal

import msgspec

from fazt.apps.textdb.model.naming import id_of

Change = Literal["created", "updated", "deleted"]


class Document(msgspec.Struct, frozen=True):
    """One version of a document. `text` is its JSON; `seq` the number of the write that made it; times in ms."""

    key: str
    text: str
    seq: int
    created_at: int
    updated_at: int
    expires_at: int | None = None
    user_id: str = ""

    @property
    def id(self) -> str:
        """Its id, always as text."""
        return id_of(self.key)

    @property
    def etag(self) -> str:
        """Its entity tag, quoted."""
        return f'"{self.seq}"'


class Written(msgspec.Struct, frozen=True):
    """What a write did. `text` is the document as it is now, "" after a delete."""

    id: str
    seq: int
    change: Change
    text: str

    @property
    def etag(self) -> str:
        """The entity tag of what is there now, quoted."""
        return f'"{self.seq}"'


class Body(msgspec.Struct, frozen=True):
    """A body that was read and checked: the text to keep, its value, and the id in it, if any."""

    text: str
    value: object
    id: str | None


class Conditions(msgspec.Struct, frozen=True):
    """If-Match and If-None-Match as lists of quoted tags or ["*"]; None where the header is missing."""

    match: tuple[str, ...] | None = None
    none_match: tuple[str, ...] | None = None


class ChangeEntry(msgspec.Struct, frozen=True):
    """One entry of the feed: `text` is None for what was deleted (or went out of sight)."""

    seq: int
    id: str
    text: str | None
    at: int


class Changes(msgspec.Struct, frozen=True):
    """A piece of the feed. `last_seq` is where to go on; `has_more` says that there is more already.

    `is_reset` says that deletes before this piece are forgotten: what the reader has and this feed does not tell,
    from its beginning, is gone.
    """

    entries: tuple[ChangeEntry, ...]
    last_seq: int
    has_more: bool
    is_reset: bool


class Page(msgspec.Struct, frozen=True):
    """One piece of a list. `total` is None where it was not asked for; `cursor` is None at the end, or when not asked.

    `seq` is the collection's at that moment; `scanned` how many rows were looked through for want of an index.
    """

    documents: tuple[Document, ...]
    total: int | None
    seq: int
    cursor: str | None = None
    scanned: int = 0
