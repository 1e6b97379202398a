"""What `fazt.json` says about a site with code: which of its files answer before the code does."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec


class Manifest(msgspec.Struct):
    """The part of the file that matters here; the app `runtime` reads, and checks, the rest."""

    static: bool | str | list[str] = False


def parse_static(text: str) -> tuple[str, ...]:
    """Patterns of files, from `"static"`: true is all of them; none where the file says nothing, or nonsense."""
    try:
        static = msgspec.json.decode(text.encode(errors="replace"), type=Manifest).static
    except msgspec.DecodeError:
        return ()
    if isinstance(static, bool):
        return ("*",) if static else ()
    return (static,) if isinstance(static, str) else tuple(static)


def is_static(path: str, patterns: Iterable[str]) -> bool:
    """Whether a file answers by itself: `*` stands for any letters, slashes too; a folder for all that is in it."""
    for pattern in patterns:
        plain = pattern.lstrip("/").removeprefix("./")
        if fnmatchcase(path, plain) or (plain and path.startswith(plain.rstrip("/") + "/")):
            return True
    return False
