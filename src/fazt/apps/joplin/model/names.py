"""Names of items: flat keys, of which the shape says what is in them."""

from __future__ import annotations

import re
import secrets
from typing import Literal

from fazt.core.errors import Invalid

ITEM = re.compile(r"[0-9a-zA-Z]{32}\.md")
BLOB = re.compile(r"\.resource/[0-9a-zA-Z]{32}")
ID = re.compile(r"[0-9a-f]{32}")
MAX_NAME = 512
SCRATCH = ("locks/", "temp/")
INFO = "info.json"

Kind = Literal["item", "blob", "file"]


def kind_of(name: str) -> Kind:
    """`item` (a serialised note and so on), `blob` (bytes of an attachment), or `file` (all else)."""
    if ITEM.fullmatch(name):
        return "item"
    return "blob" if BLOB.fullmatch(name) else "file"


def check_name(name: str) -> str:
    """The name of an item. Raises Invalid for what no client sends: empty, too long, unprintable, dots as steps."""
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise Invalid("An item needs a name of at most 512 printable characters.")
    if any(step in {"", ".", ".."} for step in name.split("/")):
        raise Invalid("A name has no empty steps, and none of dots.")
    return name


def is_scratch(name: str) -> bool:
    """Whether a name is always let through, also by somebody who has no room left."""
    return name == INFO or name.startswith(SCRATCH)


ENDING = ".md"
"""Of the names of items."""


def item_name(id: str) -> str:
    """The name of the item with this id."""
    return f"{id}{ENDING}"


def blob_name(id: str) -> str:
    """The name of the bytes of the attachment with this id."""
    return f".resource/{id}"


def new_item_id() -> str:
    """32 random hex digits, as Joplin makes them."""
    return secrets.token_hex(16)
