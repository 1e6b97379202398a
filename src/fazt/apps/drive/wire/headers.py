"""Headers of WebDAV and of those who extend it."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from fazt.apps.drive.model.locks import Condition, IfHeader, IfList, clamp_timeout
from fazt.core.errors import Invalid

Depth = Literal["0", "1", "infinity"]
MAX_IF_CHARS = 16_384
MAX_CONDITIONS = 500
TOKEN = re.compile(r"\s*(?:(\()|(\))|<([^<>]*)>|\[\s*((?:W/)?\"[^\"]*\")\s*\]|([Nn][Oo][Tt])(?=[\s<\[]))")
LATEST = 253_402_300_799  # the last second of the year 9999
CHECKSUM = re.compile(r"(SHA1|MD5|ADLER32|SHA256):([0-9A-Fa-f]+)\Z", re.IGNORECASE)
LENGTHS = {"SHA1": 40, "MD5": 32, "ADLER32": 8, "SHA256": 64}


def parse_depth(value: str | None, default: Depth) -> Depth:
    """The Depth header. Raises Invalid."""
    text = default if value is None else value.strip().lower()
    if text == "0":
        return "0"
    if text == "1":
        return "1"
    if text == "infinity":
        return "infinity"
    raise Invalid(f"Depth is {text[:20]!r}, not 0, 1 or infinity.")


def parse_overwrite(value: str | None) -> bool:
    """The Overwrite header; without one it is T (Finder relies on it). Raises Invalid."""
    text = "T" if value is None else value.strip().upper()
    if text not in {"T", "F"}:
        raise Invalid("Overwrite is T or F.")
    return text == "T"


def parse_timeout(value: str | None) -> int:
    """How many seconds a lock is asked for, clamped: the first of the list that can be read."""
    for part in (value or "").split(","):
        text = part.strip().lower()
        if text == "infinite":
            return clamp_timeout(None)
        number = text.removeprefix("second-")
        if number != text and number.isascii() and number.isdigit():
            return clamp_timeout(int(number[:12]))
    return clamp_timeout(None)


def parse_lock_token(value: str | None) -> str:
    """The Lock-Token header; npm's client sends it without its brackets. Raises Invalid."""
    text = (value or "").strip()
    token = text[1:-1] if text.startswith("<") and text.endswith(">") else text
    if not token or any(char.isspace() or char in "<>" for char in token):
        raise Invalid("Lock-Token names the lock, as <urn:uuid:…>.")
    return token


def parse_if(value: str) -> IfHeader:
    """The If header (RFC 4918, 10.4), in time that grows with its length. Raises Invalid."""
    if len(value) > MAX_IF_CHARS:
        raise Invalid("The If header is too long.")
    reader = _IfReader()
    at, text = 0, value.strip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise Invalid("The If header is malformed.")
        reader.read(found)
        at = found.end()
    return reader.finish()


class _IfReader:
    """Where in an If header the reading is."""

    def __init__(self) -> None:
        self.lists: list[IfList] = []
        self.conditions: list[Condition] | None = None
        self.tag = ""
        self.has_tag = self.is_not = self.is_fresh = False
        self.count = 0

    def read(self, found: re.Match[str]) -> None:
        """Take the next word. Raises Invalid where it cannot stand here."""
        opens, closes, angle, etag, negation = found.groups()
        if self.conditions is None:
            self._read_outside(opens, angle)
        elif closes and self.conditions and not self.is_not:
            self.lists.append(IfList(self.tag, tuple(self.conditions)))
            self.conditions, self.is_fresh = None, False
        elif negation and not self.is_not:
            self.is_not = True
        elif angle is not None or etag:
            self._add(angle, etag)
        else:
            raise Invalid("The If header is malformed.")

    def _read_outside(self, opens: str | None, angle: str | None) -> None:
        if opens:
            self.conditions = []
        elif angle and not self.is_fresh and (self.has_tag or not self.lists):
            self.tag, self.has_tag, self.is_fresh = angle, True, True
        else:
            raise Invalid("The If header is malformed.")

    def _add(self, angle: str | None, etag: str | None) -> None:
        assert self.conditions is not None
        self.count += 1
        if self.count > MAX_CONDITIONS or (angle is not None and not angle.strip()):
            raise Invalid("The If header is malformed.")
        self.conditions.append(Condition(token=(angle or "").strip(), etag=etag or "", is_not=self.is_not))
        self.is_not = False

    def finish(self) -> IfHeader:
        """All that was read. Raises Invalid where it ends too early."""
        if self.conditions is not None or not self.lists or self.is_fresh:
            raise Invalid("The If header is malformed.")
        return IfHeader(tuple(self.lists))


# --- ownCloud and Nextcloud


def parse_oc_time(value: str | None) -> int | None:
    """X-OC-Mtime or X-OC-CTime in ms: seconds since 1970, clamped to what dates can say. Raises Invalid."""
    if value is None:
        return None
    try:
        seconds = float(value.strip())
    except ValueError as error:
        raise Invalid("X-OC-Mtime is a number of seconds.") from error
    if seconds != seconds:  # noqa: PLR0124 - not a number is the only thing that is not itself
        raise Invalid("X-OC-Mtime is a number of seconds.")
    return int(max(0.0, min(seconds, float(LATEST))) * 1_000)


class Checksum(msgspec.Struct, frozen=True):
    """What the bytes of a body should come to: an algorithm in capitals, and the sum in lower-case hex."""

    algorithm: str
    digest: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.digest}"


def parse_checksums(value: str | None) -> list[Checksum]:
    """OC-Checksum: `SHA1:…`, perhaps several. Unknown algorithms are passed over. Raises Invalid."""
    found = []
    for part in (value or "").split():
        match = CHECKSUM.match(part)
        if match is None:
            continue
        algorithm, digest = match[1].upper(), match[2].lower()
        if len(digest) != LENGTHS[algorithm]:
            raise Invalid("OC-Checksum is malformed.")
        found.append(Checksum(algorithm, digest))
    return found
