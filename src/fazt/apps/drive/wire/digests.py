"""Digests of bodies: RFC 9530, its forebear RFC 3230, and Content-MD5."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import Any, Protocol

from fazt.apps.drive.wire.headers import Checksum
from fazt.core.errors import Invalid

FIELD = re.compile(r"\s*([A-Za-z0-9-]+)\s*=\s*:?([A-Za-z0-9+/=]+):?\s*\Z")
NAMES = {"sha-256": "SHA256", "sha-512": "SHA512", "md5": "MD5", "sha": "SHA1", "sha-1": "SHA1"}


class Hasher(Protocol):
    """What hashlib's objects are."""

    def update(self, data: bytes, /) -> None:
        """Add bytes."""

    def hexdigest(self) -> str:
        """The sum of all so far."""


class Adler32:
    """zlib's checksum in the shape of hashlib's."""

    def __init__(self) -> None:
        self._sum = 1

    def update(self, data: bytes, /) -> None:
        """Add bytes."""
        self._sum = zlib.adler32(data, self._sum)

    def hexdigest(self) -> str:
        """Eight hex digits."""
        return f"{self._sum:08x}"


def new_hasher(algorithm: str) -> Hasher:
    """A hasher for the name of a Checksum."""
    import hashlib  # noqa: PLC0415

    if algorithm == "ADLER32":
        return Adler32()
    hasher: Any = hashlib.new(algorithm.lower(), usedforsecurity=False)
    found: Hasher = hasher
    return found


def parse_digests(fields: dict[str, str]) -> list[Checksum]:
    """What Content-Digest, Repr-Digest, Digest and Content-MD5 say of a body. Raises Invalid.

    Unknown algorithms are passed over, as RFC 9530 wants.
    """
    found = []
    for name, value in fields.items():
        if name == "content-md5":
            found.append(Checksum("MD5", _to_hex(value.strip())))
            continue
        for part in value.split(","):
            match = FIELD.match(part)
            if match is None:
                raise Invalid(f"{name} is malformed.")
            algorithm = NAMES.get(match[1].lower())
            if algorithm is not None:
                found.append(Checksum(algorithm, _to_hex(match[2])))
    return found


def _to_hex(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).hex()
    except (binascii.Error, ValueError) as error:
        raise Invalid("A digest is in base64.") from error


def format_digests(hash: str, wanted: str, wanted_old: str) -> list[tuple[bytes, bytes]]:
    """Repr-Digest and Digest of bytes with this SHA-256, where Want-Repr-Digest or Want-Digest ask for it."""
    coded = base64.b64encode(bytes.fromhex(hash))
    headers = []
    if "sha-256" in wanted.lower():
        headers.append((b"repr-digest", b"sha-256=:" + coded + b":"))
    if "sha-256" in wanted_old.lower():
        headers.append((b"digest", b"SHA-256=" + coded))
    return headers
