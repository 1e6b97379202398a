"""Names of files: made harmless, made unique, and written into headers and addresses."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Collection
from urllib.parse import quote

from fazt.core.errors import Invalid

MAX_PATH_BYTES, MAX_SEGMENT_BYTES = 1_024, 255
UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, the other systems' separator, and marks that turn the direction of text (`exe.gpj`)."""
TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,80}/[A-Za-z0-9!#$&^_.+-]{1,80}")
UNKNOWN = "application/octet-stream"


def clean_path(text: str) -> str:
    """The path of a file, its folders parted by `/`, with nothing in it that leads elsewhere; `file` for nothing.

    Raises Invalid where it is too long.
    """
    segments = [UNSAFE.sub("_", segment).strip() for segment in text.split("/")]
    kept = [segment for segment in segments if segment not in {"", ".", ".."}]
    path = "/".join(kept) or "file"
    too_long = any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in kept)
    if too_long or len(path.encode()) > MAX_PATH_BYTES:
        raise Invalid(f"A file's name has at most {MAX_SEGMENT_BYTES} bytes, its path at most {MAX_PATH_BYTES}.")
    return path


def unique_path(path: str, taken: Collection[str]) -> str:
    """`path`, or `name (2).txt` and so on where it is taken."""
    if path not in taken:
        return path
    folder, slash, name = path.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    number = 2
    while (found := f"{folder}{slash}{stem} ({number}){dot}{extension}") in taken:
        number += 1
    return found


def type_of(path: str, said: str = "") -> str:
    """The media type that the sender named, or that the name of the file suggests."""
    bare = said.partition(";")[0].strip().lower()
    if bare not in {"", UNKNOWN, "application/x-www-form-urlencoded"} and TYPE.fullmatch(bare):
        return bare
    return mimetypes.guess_type(path, strict=False)[0] or UNKNOWN


def matches_types(path: str, type: str, allowed: str) -> bool:
    """Whether a file is of the kinds in a list such as `.pdf, image/*`; an empty list allows all."""
    kinds = [kind.strip().lower() for kind in re.split(r"[,\s]+", allowed) if kind.strip()]
    name = path.lower()

    def fits(kind: str) -> bool:
        if kind.startswith("."):
            return name.endswith(kind)
        return type.startswith(kind[:-1]) if kind.endswith("/*") else type == kind

    return not kinds or any(fits(kind) for kind in kinds)


def quote_path(path: str) -> str:
    """The path as it stands in an address."""
    return quote(path, safe="/")


def disposition(name: str, *, inline: bool = False) -> str:
    """Content-Disposition (RFC 6266): a plain name for old clients, the real one for the others."""
    kind = "inline" if inline else "attachment"
    plain = "".join(c if 32 <= ord(c) < 127 and c not in '"\\%' else "_" for c in name)
    if plain == name:
        return f'{kind}; filename="{plain}"'
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
