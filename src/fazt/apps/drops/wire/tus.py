"""tus 1.0: its headers read and written. https://tus.io/protocols/resumable-upload, version 1.0.0."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from fazt.core.errors import Invalid

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,expiration,termination,checksum,concatenation"
CHECKSUMS = ("sha1", "sha256", "sha512", "md5", "crc32")
BODY_TYPE = "application/offset+octet-stream"
MAX_METADATA, MAX_PARTS = 16_384, 1_000
KEY = re.compile(r"[!-+\--~]{1,200}\Z")  # ASCII without blank and comma
UPLOAD_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{24}\Z")


class Checksum(msgspec.Struct, frozen=True):
    """What the bytes of a request have to come to."""

    algorithm: str
    digest: bytes


class Concat(msgspec.Struct, frozen=True):
    """`Upload-Concat`: a partial upload, or the final one that several others make, by their ids."""

    is_partial: bool
    parts: tuple[str, ...] = ()


def parse_number(value: str | None, name: str) -> int | None:
    """A header that is a size or an offset. Raises Invalid."""
    if value is None:
        return None
    if not re.fullmatch("[0-9]{1,18}", value.strip(), re.ASCII):
        raise Invalid(f"{name} is not a whole number.")
    return int(value)


def parse_metadata(value: str) -> dict[str, str]:
    """`Upload-Metadata`: keys with base64 values, parted by commas; a lone key has the value "". Raises Invalid."""
    if len(value) > MAX_METADATA:
        raise Invalid(f"Upload-Metadata has more than {MAX_METADATA} characters.")
    found: dict[str, str] = {}
    for pair in value.split(",") if value.strip() else ():
        key, _, encoded = pair.strip().partition(" ")
        if not KEY.match(key) or key in found:
            raise Invalid("The keys of Upload-Metadata are ASCII without blanks, each given once.")
        try:
            found[key] = base64.b64decode(encoded.strip(), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError) as error:
            raise Invalid(f"The value of {key} in Upload-Metadata is not base64.") from error
    return found


def parse_checksum(value: str) -> Checksum:
    """`Upload-Checksum`: an algorithm and a base64 digest. Raises Invalid."""
    algorithm, _, encoded = value.strip().partition(" ")
    if algorithm not in CHECKSUMS:
        raise Invalid(f"The checksum {algorithm[:20]!r} is not one of {', '.join(CHECKSUMS)}.")
    try:
        return Checksum(algorithm, base64.b64decode(encoded.strip(), validate=True))
    except (binascii.Error, ValueError) as error:
        raise Invalid("Upload-Checksum is not base64.") from error


class Crc32:
    """CRC-32 as if it were of hashlib: four bytes, the highest first."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        """Take more bytes."""
        self._value = binascii.crc32(data, self._value)

    def digest(self) -> bytes:
        """What they come to."""
        return self._value.to_bytes(4, "big")


def new_hasher(algorithm: str) -> Any:
    """Something with `update` and `digest`, as of hashlib; not to keep secrets, only to notice accidents."""
    return Crc32() if algorithm == "crc32" else hashlib.new(algorithm, usedforsecurity=False)


def parse_concat(value: str) -> Concat:
    """`Upload-Concat`: `partial`, or `final;` with the addresses of partial uploads. Raises Invalid."""
    if value.strip() == "partial":
        return Concat(is_partial=True)
    kind, _, addresses = value.strip().partition(";")
    ids = tuple(id_of(address) for address in addresses.split())
    if kind.strip() != "final" or not 0 < len(ids) <= MAX_PARTS:
        raise Invalid(f"Upload-Concat is `partial`, or `final;` and up to {MAX_PARTS} addresses.")
    return Concat(is_partial=False, parts=ids)


def id_of(address: str) -> str:
    """The id of the upload at an address, relative or not. Raises Invalid."""
    try:
        found = urlsplit(address).path.rstrip("/").rpartition("/")[2]
    except ValueError:
        found = ""
    if not UPLOAD_ID.match(found):
        raise Invalid("Upload-Concat names something that is no upload.")
    return found
