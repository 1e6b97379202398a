"""What changed between two texts, line by line, for people."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

import msgspec

MAX_LINES = 3_000
CONTEXT = 3


class Line(msgspec.Struct, frozen=True):
    """A line of a comparison. `kind` is same, added or removed; or gap, for lines in between that are the same."""

    kind: str
    text: str


def compare(old: str, new: str) -> list[Line] | None:
    """The lines that differ with some around them; None where the texts are too long to compare."""
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > MAX_LINES:
        return None
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    lines: list[Line] = []
    for group in matcher.get_grouped_opcodes(CONTEXT):
        if group[0][1] > 0 or lines:
            lines.append(Line("gap", ""))
        for kind, i, j, k, m in group:
            lines += lines_of(kind, before[i:j], after[k:m])
    return lines


def lines_of(kind: str, before: list[str], after: list[str]) -> Iterator[Line]:
    """One stretch."""
    if kind == "equal":
        yield from (Line("same", text) for text in before)
        return
    yield from (Line("removed", text) for text in before)
    yield from (Line("added", text) for text in after)
