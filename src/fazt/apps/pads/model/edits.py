"""From one text to another by few and small changes, so that what others are typing meanwhile stays whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

import msgspec

MAX_LINES = 4_000
MAX_CHARS = 2_000
"""Longer stretches are compared more coarsely: comparing takes time that grows with their square."""


class Edit(msgspec.Struct, frozen=True):
    """Put `text` in place of the bytes from `start` to `end` of a text in UTF-8."""

    start: int
    end: int
    text: str


class Span(msgspec.Struct, frozen=True):
    """Characters `a` to `b` of the old text become those from `c` to `d` of the new one."""

    a: int
    b: int
    c: int
    d: int


def clean_text(text: str) -> str:
    """A text as pads have it: lines end with a line feed, and NUL, which some clients cannot show, is left out."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def find_edits(old: str, new: str) -> list[Edit]:
    """The edits that make `new` of `old`, in order."""
    edits: list[Edit] = []
    done_chars = done_bytes = 0
    for span in find_spans(old, new):
        done_bytes += len(old[done_chars : span.a].encode())
        start = done_bytes
        done_bytes += len(old[span.a : span.b].encode())
        done_chars = span.b
        edits.append(Edit(start, done_bytes, new[span.c : span.d]))
    return edits


def find_spans(old: str, new: str) -> list[Span]:
    """What differs."""
    whole = trim(old, new, Span(0, len(old), 0, len(new)))
    if whole.a == whole.b and whole.c == whole.d:
        return []
    return [
        fine for coarse in compare_lines(old, new, whole) for fine in compare_chars(old, new, trim(old, new, coarse))
    ]


def trim(old: str, new: str, span: Span) -> Span:
    """Without what is the same at both ends."""
    a, b, c, d = span.a, span.b, span.c, span.d
    most = min(b - a, d - c)
    front = common_length(lambda size: old.startswith(new[c : c + size], a), most)
    a, c = a + front, c + front
    most -= front
    back = common_length(lambda size: old.endswith(new[d - size : d], a, b), most)
    return Span(a, b - back, c, d - back)


def common_length(holds: object, most: int) -> int:
    """The largest size up to `most` for which `holds(size)`, which does for all smaller ones."""
    low, high = 0, most
    assert callable(holds)
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def compare_lines(old: str, new: str, span: Span) -> Iterator[Span]:
    """Stretches of whole lines that differ."""
    before, after = old[span.a : span.b].splitlines(keepends=True), new[span.c : span.d].splitlines(keepends=True)
    if len(before) > MAX_LINES or len(after) > MAX_LINES or min(len(before), len(after)) < 2:
        yield span
        return
    yield from differing(before, after, span)


def compare_chars(old: str, new: str, span: Span) -> Iterator[Span]:
    """Stretches of characters that differ."""
    before, after = old[span.a : span.b], new[span.c : span.d]
    if not before or not after or max(len(before), len(after)) > MAX_CHARS:
        if before or after:
            yield span
        return
    yield from differing(before, after, span)


def differing(before: Sequence[str], after: Sequence[str], span: Span) -> Iterator[Span]:
    """By pieces (lines or characters) of a span."""
    olds, news = offsets(before, span.a), offsets(after, span.c)
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield Span(olds[i], olds[j], news[k], news[m])


def offsets(pieces: Sequence[str], start: int) -> list[int]:
    """Where each piece begins, and the end."""
    found = [start]
    for piece in pieces:
        found.append(found[-1] + len(piece))
    return found
