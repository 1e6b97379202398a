"""Content types by the ends of names."""

from __future__ import annotations

import mimetypes
from functools import lru_cache

MORE = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
    ".mkv": "video/x-matroska",
    ".yaml": "text/yaml",
    ".yml": "text/yaml",
    ".toml": "text/plain",
    ".log": "text/plain",
    ".ts": "text/plain",
}
DEFAULT = "application/octet-stream"
TABLE = mimetypes.MimeTypes()
"""Python's own table: what the machine's says would differ from one to the next."""


@lru_cache(maxsize=2_048)
def find_type_of_ending(ending: str) -> str:
    """The type of `.txt`; texts are UTF-8."""
    found = MORE.get(ending) or TABLE.types_map[1].get(ending) or DEFAULT
    return f"{found}; charset=utf-8" if found.startswith("text/") else found


def find_type(name: str) -> str:
    """The type of a file by its name."""
    stem, dot, ending = name.rpartition(".")
    return find_type_of_ending(f".{ending.lower()}") if dot and stem else DEFAULT
