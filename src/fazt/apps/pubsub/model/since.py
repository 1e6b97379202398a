"""Where a listener begins: behind a message, at a time, with the last few, or now."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

import msgspec

from fazt.core.clock import SECOND
from fazt.core.errors import Invalid

UNITS = {"ms": 1, "s": SECOND, "m": 60 * SECOND, "h": 3_600 * SECOND, "d": 86_400 * SECOND}
PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
SPAN = re.compile(rf"(?:{PART.pattern})+")
ID = re.compile(r"[A-Za-z0-9]{12}")
MAX_LAST = 10_000
Way = Literal["now", "all", "latest", "seq", "id", "at", "last"]


class Since(msgspec.Struct, frozen=True):
    """`seq`: behind that number; `id`: behind that message; `at`: from that moment (ms); `last`: so many."""

    way: Way = "now"
    number: int = 0
    id: str = ""


NOW = Since()


class Span(NamedTuple):
    """All behind `heard` was or will be told, by history or live; what is behind `live` is told live."""

    heard: int
    live: int


def parse_span(text: str) -> int | None:
    """`90s`, `1h30m`, `2d` in ms, or None where it is no span of time."""
    if not SPAN.fullmatch(text) or len(text) > 40:
        return None
    return int(sum(float(number) * UNITS[unit] for number, unit in PART.findall(text)))


def parse_since(text: str, now: int) -> Since:
    """`all`, `latest`, `now`, a sequence number, a message's id, `10m`, or a time. Raises Invalid.

    A number above a thousand million is a time in seconds (ntfy); sequence numbers are far below that.
    """
    text = text.strip()
    if text in {"", "now", "none"}:
        return NOW
    if text in {"all", "latest"}:
        return Since(text)  # type: ignore[arg-type] # just looked at
    span = parse_span(text)
    if span is not None:
        return Since("at", max(0, now - span))
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        number = int(text)
        return Since("at", number * SECOND) if number > 1_000_000_000 else Since("seq", number)
    if ID.fullmatch(text):
        return Since("id", id=text)
    raise Invalid(
        "since is all, latest, now, a number of the log, a message's id, a span such as 10m, or a time in seconds.",
        hint="Leave it out to hear only what is new.",
    )


def parse_last(text: str) -> Since:
    """`?last=20`. Raises Invalid."""
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) > MAX_LAST:
        raise Invalid(f"last is a number up to {MAX_LAST}.")
    return Since("last", int(text))
