"""Serialised items, as Joplin's apps write them: title, blank line, body, blank line, `key: value` lines.

They are kept as they came; here is only read what the server has to know, and changed what a
person edits on a page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fazt.core.clock import to_iso
from fazt.core.errors import Invalid

NOTE, FOLDER, RESOURCE, TAG, NOTE_TAG, REVISION = 1, 2, 4, 5, 6, 13
TYPES = frozenset(range(1, 20))
KINDS = {
    NOTE: "note",
    FOLDER: "notebook",
    RESOURCE: "attachment",
    TAG: "tag",
    NOTE_TAG: "tag on a note",
    REVISION: "revision",
}
UNTITLED = frozenset({NOTE_TAG, REVISION})
MAX_TITLE = 500
LINK = re.compile(
    r"""(?:\]\(\s*<?|\]:\s*<?|(?:src|href|data)\s*=\s*["']?):/([0-9a-fA-F]{32})""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Item:
    """What an item says of itself. `head` is the text above its properties, `fields` are those as written."""

    id: str
    type: int
    title: str
    fields: dict[str, str] = field(repr=False)
    head: str = field(repr=False, default="")

    @property
    def updated_time(self) -> int:
        """When a person or device changed it (ms)."""
        return parse_moment(self.fields.get("updated_time", ""))

    @property
    def parent_id(self) -> str:
        """The notebook it is in; of a tag on a note, the note."""
        return self.fields.get("note_id" if self.type == NOTE_TAG else "parent_id", "")[:64]

    @property
    def target_id(self) -> str:
        """What it is about: the tag of a tag on a note, the item of a revision."""
        key = {NOTE_TAG: "tag_id", REVISION: "item_id"}.get(self.type)
        return self.fields.get(key, "")[:64] if key else ""

    @property
    def share_id(self) -> str:
        """The share it says to be in; whether that is so, the server decides."""
        return self.fields.get("share_id", "")[:64]

    @property
    def is_encrypted(self) -> bool:
        """Whether all but the most needful is unreadable here."""
        return self.fields.get("encryption_applied", "0") == "1"

    @property
    def deleted_time(self) -> int:
        """When it was put into Joplin's trash (ms), 0 when it is not there."""
        return parse_number(self.fields.get("deleted_time", ""))

    @property
    def body(self) -> str:
        """The text of a note."""
        if self.type != NOTE or self.is_encrypted:
            return ""
        _, _, rest = self.head.partition("\n")
        return rest.removeprefix("\n")


def parse_item(data: bytes) -> Item:
    """Read a serialised item from its end upwards. Raises Invalid for what is none."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Invalid("This is not an item of Joplin: it is not UTF-8.") from error
    head, fields = split_text(text)
    kind = fields.get("type_", "")
    if not kind.isascii() or not kind.isdigit() or int(kind[:9]) not in TYPES:
        raise Invalid("This is not an item of Joplin: it does not say of which type it is.")
    type_ = int(kind)
    title = "" if type_ in UNTITLED or fields.get("encryption_applied") == "1" else head.partition("\n")[0]
    return Item(fields.get("id", "")[:64], type_, clean(title), fields, head)


def split_text(text: str) -> tuple[str, dict[str, str]]:
    """What stands above the properties, and the properties."""
    fields: dict[str, str] = {}
    end = len(text)
    while end > 0:
        start = text.rfind("\n", 0, end) + 1
        line = text[start:end]
        if not line.strip():
            return text[: max(0, start - 1)], fields
        key, colon, value = line.partition(":")
        if not colon:
            raise Invalid("This is not an item of Joplin: a line among its properties has no colon.")
        fields.setdefault(key.strip(), value.strip())
        end = start - 1
    return "", fields


def clean(title: str) -> str:
    """A title as it is kept for lists: short, and without what databases refuse."""
    return title.replace("\0", "").strip()[:MAX_TITLE]


def parse_moment(text: str) -> int:
    """An ISO date of Joplin as ms; 0 for anything else, since nothing is refused for it."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return parse_number(text)
    if moment is None:
        return 0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0, int(moment.timestamp() * 1000 + 0.5)) if moment.year >= 1970 else 0


def parse_number(text: str) -> int:
    """Whole ms; 0 for anything else. Numbers may be empty in encrypted items."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else 0


def unescape(value: str) -> str:
    """The text that a property stands for: line ends are escaped in it."""
    return value.replace("\\\\n", "\0").replace("\\n", "\n").replace("\\r", "\r").replace("\0", "\\n")


def escape(value: str) -> str:
    """The inverse of `unescape`."""
    return value.replace("\\n", "\\\\n").replace("\n", "\\n").replace("\r", "\\r")


def find_links(body: str) -> list[str]:
    """Ids of the attachments and notes that a body refers to, each once, in order."""
    return list(dict.fromkeys(found.lower() for found in LINK.findall(body)))


def rewrite(data: bytes, changes: dict[str, str], *, title: str | None = None, body: str | None = None) -> bytes:
    """The item with other values for some properties, and another title or body; all else byte for byte.

    Raises Invalid where it is encrypted or none.
    """
    item = parse_item(data)
    if item.is_encrypted:
        raise Invalid("This item is encrypted, so it can only be changed on a device that has the key.")
    text = data.decode()
    properties = text[len(item.head) :]
    for key, value in changes.items():
        properties = put_property(properties, key, value)
    head = item.head
    if title is not None or body is not None:
        old_title, _, _ = head.partition("\n")
        new_title = old_title if title is None else one_line(title)
        new_body = item.body if body is None else body.replace("\r\n", "\n")
        head = new_title if item.type != NOTE or not new_body else f"{new_title}\n\n{new_body}"
        properties = "\n\n" + properties.lstrip("\n")
    return (head + properties).encode()


def put_property(properties: str, key: str, value: str) -> str:
    """The lines with another value for `key`, or one more line before the last."""
    written = f"{key}: {escape(value)}"
    found = re.search(rf"(?m)^{re.escape(key)}:.*$", properties)
    if found is not None:
        return properties[: found.start()] + written + properties[found.end() :]
    at = properties.rindex("type_:")
    return f"{properties[:at]}{written}\n{properties[at:]}"


def one_line(title: str) -> str:
    """A title without line ends."""
    return " ".join(title.split("\n")).replace("\r", "").strip()


def touch(
    data: bytes,
    now: int,
    changes: dict[str, str] | None = None,
    *,
    title: str | None = None,
    body: str | None = None,
) -> bytes:
    """`rewrite`, with times that every client takes for newer: later than before, and not in the future if possible."""
    item = parse_item(data)
    moment = to_iso(max(now, item.updated_time + 1))
    times = {"updated_time": moment}
    if "user_updated_time" in item.fields:
        times["user_updated_time"] = moment
    return rewrite(data, times | (changes or {}), title=title, body=body)


def new_note(id: str, parent_id: str, title: str, body: str, now: int, **more: str) -> bytes:
    """A note as Joplin 3.6 writes it."""
    moment = to_iso(now)
    fields = {
        "id": id,
        "parent_id": parent_id,
        "created_time": moment,
        "updated_time": moment,
        "is_conflict": "0",
        "latitude": "0.00000000",
        "longitude": "0.00000000",
        "altitude": "0.0000",
        "author": "",
        "source_url": "",
        "is_todo": "0",
        "todo_due": "0",
        "todo_completed": "0",
        "source": "fazt",
        "source_application": "fazt",
        "application_data": "",
        "order": "0",
        "user_created_time": moment,
        "user_updated_time": moment,
        "encryption_cipher_text": "",
        "encryption_applied": "0",
        "markup_language": "1",
        "is_shared": "0",
        "share_id": "",
        "conflict_original_id": "",
        "master_key_id": "",
        "user_data": "",
        "deleted_time": "0",
    }
    return serialize(NOTE, {**fields, **more}, one_line(title), body)


def new_folder(id: str, parent_id: str, title: str, now: int, **more: str) -> bytes:
    """A notebook as Joplin 3.6 writes it."""
    moment = to_iso(now)
    fields = {
        "id": id,
        "created_time": moment,
        "updated_time": moment,
        "user_created_time": moment,
        "user_updated_time": moment,
        "encryption_cipher_text": "",
        "encryption_applied": "0",
        "parent_id": parent_id,
        "is_shared": "0",
        "share_id": "",
        "master_key_id": "",
        "icon": "",
        "user_data": "",
        "deleted_time": "0",
    }
    return serialize(FOLDER, {**fields, **more}, one_line(title))


def serialize(type_: int, fields: dict[str, str], title: str = "", body: str = "") -> bytes:
    """An item as text. Title and body stand above, properties below."""
    lines = "\n".join(f"{key}: {escape(value)}" for key, value in fields.items())
    head = f"{title}\n\n{body}\n\n" if body else f"{title}\n\n"
    return f"{'' if type_ in UNTITLED else head}{lines}\ntype_: {type_}".encode()
