"""Names and paths: as people write them, and as they are compared."""

from __future__ import annotations

import re
import unicodedata

from fazt.core.errors import Invalid

MAX_NAME_BYTES = 255
MAX_DEPTH = 512
FORBIDDEN = re.compile("[\x00-\x1f\x7f/\ufffe\uffff\ud800-\udfff]")
JUNK = re.compile(
    r"\._.*|\.DS_Store|\.hidden|\.Spotlight-V100|\.Trashes|\.fseventsd|desktop\.ini|Thumbs\.db|~\$.*|\.~lock\..*#",
    re.IGNORECASE,
)


def key_of(name: str) -> str:
    """The name as it is compared: macOS sends `é` as two characters, all others as one."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def check_name(name: str) -> str:
    """`name` if a file or folder may have it. Raises Invalid.

    XML cannot hold control characters, so no client could ever be told of such a name.
    """
    if not name or name in {".", ".."}:
        raise Invalid(f"{name!r} cannot be the name of a file.")
    is_plain = name.isascii() and name.isprintable() and "/" not in name
    if not is_plain and FORBIDDEN.search(name):
        raise Invalid("A name may not hold control characters or a slash.")
    if len(name) > MAX_NAME_BYTES or len(name.encode()) > MAX_NAME_BYTES:
        raise Invalid(f"A name may have at most {MAX_NAME_BYTES} bytes of UTF-8.")
    return name


def check_segments(segments: tuple[str, ...]) -> tuple[str, ...]:
    """All names of a path. Raises Invalid."""
    if len(segments) > MAX_DEPTH:
        raise Invalid(f"A path may be at most {MAX_DEPTH} folders deep.")
    for name in segments:
        check_name(name)
    return segments


def split_path(path: str) -> tuple[str, ...]:
    """The names in a path as people write it, e.g. `/photos/2024/a.jpg`. Raises Invalid."""
    return check_segments(tuple(part for part in path.split("/") if part))


def join_path(segments: tuple[str, ...]) -> str:
    """`/photos/2024/a.jpg`."""
    return "/" + "/".join(segments)


def is_junk(name: str) -> bool:
    """Whether a program left this file for itself: a site does not show it."""
    return JUNK.fullmatch(name) is not None


def free_name(name: str, taken: set[str], *, is_folder: bool = False) -> str:
    """`name`, or `name (2)` and so on, that is none of the keys in `taken`."""
    stem, dot, ending = (name, "", "") if is_folder else name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    number, found = 1, name
    while key_of(found) in taken:
        number += 1
        found = f"{stem} ({number}){dot}{ending}"
    return found
