"""Conditional requests and ranges (RFC 9110, sections 13 and 14), as pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime

from fazt.core.http.hosts import Headers, find_header

MAX_RANGES = 16
NEXT_TAG = re.compile(r'[ \t,]*(?:(\*)|((?:W/)?"[^"]*"))')


def quote_etag(tag: str, *, weak: bool = False) -> str:
    """A tag as it stands in a header."""
    return f'W/"{tag}"' if weak else f'"{tag}"'


def parse_etags(value: str) -> list[str]:
    """The entity tags in a list, as written (`W/` kept); `*` alone is `["*"]`."""
    tags: list[str] = []
    found = NEXT_TAG.match(value)
    while found:
        if found[1]:
            return ["*"]
        tags.append(found[2])
        found = NEXT_TAG.match(value, found.end())
    return tags


def matches_strongly(tags: list[str], etag: str | None) -> bool:
    """If-Match (13.1.1); `etag` is quoted, None where nothing is there."""
    if etag is None:
        return False
    return tags == ["*"] or (not etag.startswith("W/") and etag in tags)


def matches_weakly(tags: list[str], etag: str | None) -> bool:
    """If-None-Match (13.1.2)."""
    if etag is None:
        return False
    return tags == ["*"] or etag.removeprefix("W/") in [tag.removeprefix("W/") for tag in tags]


def parse_date(value: str) -> int | None:
    """An HTTP date as whole seconds since 1970, or None when it is not one."""
    try:
        return int(parsedate_to_datetime(value).timestamp())
    except (ValueError, TypeError, OverflowError):
        return None


def format_date(at: int) -> str:
    """Milliseconds as an HTTP date."""
    return formatdate(at // 1_000, usegmt=True)


def evaluate(method: str, headers: Headers, etag: str | None, modified: int | None = None) -> int:
    """200, 304 or 412, in the order of section 13.2.2. `etag` is quoted; `modified` is in ms."""
    seconds = None if modified is None else modified // 1_000
    if (value := find_header(headers, b"if-match")) is not None:
        if not matches_strongly(parse_etags(value.decode("latin-1")), etag):
            return 412
    elif (value := find_header(headers, b"if-unmodified-since")) is not None:
        date = parse_date(value.decode("latin-1"))
        if date is not None and (seconds is None or seconds > date):
            return 412
    is_read = method in {"GET", "HEAD"}
    if (value := find_header(headers, b"if-none-match")) is not None:
        if matches_weakly(parse_etags(value.decode("latin-1")), etag):
            return 304 if is_read else 412
    elif is_read and (value := find_header(headers, b"if-modified-since")) is not None:
        date = parse_date(value.decode("latin-1"))
        if date is not None and seconds is not None and seconds <= date:
            return 304
    return 200


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes `start` up to and without `end`."""

    start: int
    end: int

    def content_range(self, size: int) -> str:
        """The value of Content-Range."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


def parse_ranges(value: str, size: int) -> list[Range] | None:
    """The satisfiable ranges; None where the header is to be ignored; [] asks for a 416."""
    unit, equals, text = value.partition("=")
    if unit.strip().lower() != "bytes" or not equals or text.count(",") >= MAX_RANGES:
        return None
    ranges = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not dash or not (first + last).isascii() or not (first + last).isdigit() or len(first + last) > 36:
            return None
        if first and last and int(last) < int(first):
            return None
        start = int(first) if first else max(0, size - int(last))
        end = min(size, int(last) + 1) if first and last else size
        if start < end:
            ranges.append(Range(start, end))
    return ranges


def find_ranges(
    method: str, headers: Headers, etag: str | None, size: int, modified: int | None = None
) -> list[Range] | None:
    """The ranges to answer with, after If-Range (13.1.5); None for the whole."""
    value = find_header(headers, b"range")
    if value is None or method != "GET":
        return None
    condition = find_header(headers, b"if-range")
    if condition is not None:
        text = condition.decode("latin-1").strip()
        if text.startswith(('"', "W/")):
            if text.startswith("W/") or text != etag:
                return None
        elif modified is None or parse_date(text) != modified // 1_000:
            return None
    return parse_ranges(value.decode("latin-1"), size)
