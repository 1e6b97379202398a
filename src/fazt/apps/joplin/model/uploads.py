"""What a client sends, what the server answers, and what it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from fazt.apps.joplin.model.items import FOLDER, NOTE, RESOURCE, Item, parse_item, parse_number
from fazt.apps.joplin.model.names import kind_of
from fazt.core.errors import Conflict, FaztError, Forbidden, Invalid, TooLarge

INLINE_BYTES = 256 * 1024
"""Bytes up to which an item stands beside its row; larger ones are blobs."""


class ReadOnly(Forbidden):
    """A notebook that may only be read. The code makes clients keep a copy and go on."""

    def __init__(self) -> None:
        super().__init__("This notebook is shared with you for reading only.", code="isReadOnly")


class Resync(Invalid):
    """A cursor that this server does not know: the client begins again in the same sync."""

    def __init__(self) -> None:
        super().__init__("This server was restored, or has forgotten that point; compare anew.", code="resyncRequired")


class Stat(msgspec.Struct, frozen=True):
    """What a client learns of an item that is stored. Times are the server's, in ms."""

    id: str
    name: str
    updated_time: int
    created_time: int


class Refused(msgspec.Struct, frozen=True, rename="camel"):
    """Why one item of a batch was not taken."""

    http_code: int
    message: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes of one item on their way in: here, or as a blob that has arrived."""

    name: str
    size: int
    data: bytes | None = field(repr=False, default=None)
    hash: str | None = None
    item: Item | None = None
    share_id: str = ""

    @property
    def type(self) -> int:
        """Of which type the item is; 0 for files and blobs."""
        return self.item.type if self.item else 0

    @property
    def facts(self) -> str:
        """What pages show of the item, as JSON."""
        return msgspec.json.encode(facts_of(self.item)).decode() if self.item else "{}"


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the owner wants kept, and how much room one person has (0: without limit)."""

    history: bool = True
    trash: bool = True
    quota_bytes: int = 0


def read_upload(name: str, data: bytes, share_id: str = "") -> Upload:
    """An upload whose bytes are here. Raises Invalid where its name promises an item and it is none."""
    if kind_of(name) != "item":
        return Upload(name, len(data), data, share_id=share_id)
    item = parse_item(data)
    return Upload(name, len(data), data, item=item, share_id=share_id or item.share_id)


def facts_of(item: Item) -> dict[str, Any]:
    """The few properties that lists show."""
    fields = item.fields
    if item.is_encrypted:
        return {}
    if item.type == NOTE:
        found: dict[str, Any] = {
            "todo": parse_number(fields.get("is_todo", "")),
            "done": parse_number(fields.get("todo_completed", "")),
            "html": int(fields.get("markup_language", "1") == "2"),
            "conflict": parse_number(fields.get("is_conflict", "")),
        }
        return {key: value for key, value in found.items() if value}
    if item.type == RESOURCE:
        return {key: fields.get(key, "")[:255].replace("\0", "") for key in ("mime", "filename", "file_extension")}
    if item.type == FOLDER and fields.get("icon"):
        return {"icon": fields["icon"][:400].replace("\0", "")}
    return {}


def refusal_of(error: FaztError) -> Refused:
    """An error as one item of a batch is told it: only 409 and 413 park the item, all else would stop the sync."""
    if isinstance(error, ReadOnly):
        return Refused(403, error.message, "isReadOnly")
    return Refused(413 if isinstance(error, TooLarge) else 409, error.message)


def is_refusal(error: FaztError) -> bool:
    """Whether an error is about the item itself and will be the same next time."""
    return isinstance(error, TooLarge | Invalid | Conflict)
