"""What collections and documents may be called, and the form of an id that sorts as people expect."""

from __future__ import annotations

import re
from typing import Any

from fazt.core.errors import Invalid

COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
COLLECTION_RULE = "A collection's name is 1 to 64 letters, digits, '-', '_' and '.', and begins with a letter or digit."
MAX_ID = 200
CONTROL = re.compile(r"[\x00-\x1f\x7f/]")
NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")
MARK = "\x1f"


def check_collection(name: str) -> str:
    """`name` again; Invalid when no collection can be called so."""
    if not COLLECTION.fullmatch(name):
        raise Invalid(f"{name[:80]!r} cannot name a collection.", hint=COLLECTION_RULE)
    return name


def check_id(id_: str) -> str:
    """`id_` again; Invalid when no document can have it."""
    if not id_ or len(id_) > MAX_ID or id_.startswith("_") or CONTROL.search(id_):
        raise Invalid(
            f"{id_[:80]!r} cannot be the id of a document.",
            hint=f"An id has 1 to {MAX_ID} characters, no '/' and no control characters, and does not begin with '_'.",
        )
    return id_


def id_in(value: Any) -> str | None:
    """The id that a body brings along, or None. Invalid when its `id` is neither text nor a whole number."""
    if not isinstance(value, dict) or value.get("id") is None:
        return None
    own = value["id"]
    if isinstance(own, bool) or not isinstance(own, str | int) or (isinstance(own, int) and own < 0):
        raise Invalid("The `id` in a body is text or a whole number from 0 on.")
    return check_id(str(own))


def key_of(id_: str) -> str:
    """The form of an id that sorts: whole numbers first, by size, then texts by code point."""
    return f"{MARK}{chr(96 + len(id_))}{id_}" if NUMBER.fullmatch(id_) else id_


def id_of(key: str) -> str:
    """The id that `key_of` made `key` from."""
    return key[2:] if key.startswith(MARK) else key
