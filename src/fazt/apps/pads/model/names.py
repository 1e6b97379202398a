"""Names of pads."""

from __future__ import annotations

import re

from fazt.core.errors import Invalid

NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9_-])){0,79}\Z")
ENDINGS = (".txt", ".md")
"""An address that ends so asks for a pad in another shape."""


def check_name(name: str) -> str:
    """The name as it is. Raises Invalid."""
    if not NAME.match(name) or name.lower().endswith(ENDINGS):
        raise Invalid(
            f"{name[:80]!r} is no name of a pad.",
            hint="Up to 80 letters a-z, digits, and - _ . between; not ending with .txt or .md.",
        )
    return name


def split_ending(segment: str) -> tuple[str, str]:
    """`notes.txt` is the pad `notes` as `txt`."""
    for ending in ENDINGS:
        if segment.lower().endswith(ending) and len(segment) > len(ending):
            return segment[: -len(ending)], ending[1:]
    return segment, ""
