"""Encrypted files: RFC 8188's aes128gcm with records of 64 KiB, whose key is in the fragment of the link."""

from __future__ import annotations

import base64
import binascii
import os
import struct
from collections.abc import Iterable, Iterator

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fazt.core.errors import Invalid

KEY_BYTES = SALT_BYTES = 16
HEADER_BYTES = 21
RECORD_BYTES = 65_536
OVERHEAD = 17
"""Of a record: the tag (16), and the byte that says whether it is the last (1)."""
ROOM = RECORD_BYTES - OVERHEAD
WRONG = "This cannot be decrypted: the link's key is wrong, or the bytes were changed."


class SealedFile(msgspec.Struct, frozen=True):
    """What the list of an encrypted drop says of a file. `salt` has to be the one in its header."""

    name: str
    size: int
    salt: str
    type: str = ""


class Listing(msgspec.Struct, frozen=True):
    """The encrypted list of an encrypted drop: its files in the order of their positions."""

    files: list[SealedFile]
    version: int = 1
    title: str = ""
    note: str = ""


def encode64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode64(text: str) -> bytes:
    """The inverse. Raises Invalid."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid("This is not base64url.") from error


def parse_key(fragment: str) -> bytes:
    """The key in the fragment of a link. Raises Invalid."""
    key = decode64(fragment.removeprefix("#"))
    if len(key) != KEY_BYTES:
        raise Invalid("The link has no key behind its #.", hint="Copy the whole link.")
    return key


def sealed_size(size: int) -> int:
    """How many bytes a file of `size` bytes becomes."""
    return HEADER_BYTES + size + OVERHEAD * max(1, -(-size // ROOM))


def derive(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869), as RFC 8188 uses it."""
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)


class Cipher:
    """The records of one file."""

    def __init__(self, key: bytes, salt: bytes) -> None:
        self._aead = AESGCM(derive(key, salt, b"Content-Encoding: aes128gcm\0", 16))
        self._nonce = int.from_bytes(derive(key, salt, b"Content-Encoding: nonce\0", 12), "big")

    def _nonce_of(self, number: int) -> bytes:
        return (self._nonce ^ number).to_bytes(12, "big")

    def seal(self, number: int, data: bytes, *, is_last: bool) -> bytes:
        """Record `number` of up to ROOM bytes."""
        return self._aead.encrypt(self._nonce_of(number), data + (b"\2" if is_last else b"\1"), None)

    def open(self, number: int, record: bytes) -> tuple[bytes, bool]:
        """The bytes of a record, and whether it is the last. Raises Invalid."""
        try:
            text = self._aead.decrypt(self._nonce_of(number), record, None).rstrip(b"\0")
        except (InvalidTag, ValueError) as error:
            raise Invalid(WRONG) from error
        if text[-1:] not in {b"\1", b"\2"}:
            raise Invalid(WRONG)
        return text[:-1], text[-1:] == b"\2"


def header_of(salt: bytes) -> bytes:
    """The header of a file: salt, size of a record, no key id."""
    return salt + struct.pack("!IB", RECORD_BYTES, 0)


def seal_stream(key: bytes, salt: bytes, data: Iterable[bytes], first: int = 0) -> Iterator[bytes]:
    """The header (unless `first` is another record) and the records of `data`, whose pieces are of any size."""
    if not first:
        yield header_of(salt)
    cipher, buffer, number = Cipher(key, salt), bytearray(), first
    for piece in data:
        buffer += piece
        while len(buffer) > ROOM:
            yield cipher.seal(number, bytes(buffer[:ROOM]), is_last=False)
            del buffer[:ROOM]
            number += 1
    yield cipher.seal(number, bytes(buffer), is_last=True)


def open_stream(key: bytes, salt: str, data: Iterable[bytes], first: int = 0) -> Iterator[bytes]:
    """The bytes of a sealed file. `data` begins with its header, or with record `first` where that is not 0.

    Raises Invalid for a wrong key, for other bytes than were sealed, and where the end is missing.
    """
    buffer, number, is_whole = bytearray(), first, False
    cipher = Cipher(key, decode64(salt))
    is_headed = first > 0
    for piece in data:
        buffer += piece
        if not is_headed and len(buffer) >= HEADER_BYTES:
            if bytes(buffer[:HEADER_BYTES]) != header_of(decode64(salt)):
                raise Invalid(WRONG)
            del buffer[:HEADER_BYTES]
            is_headed = True
        while is_headed and len(buffer) > RECORD_BYTES:
            text, is_whole = cipher.open(number, bytes(buffer[:RECORD_BYTES]))
            if is_whole:
                raise Invalid(WRONG)
            yield text
            del buffer[:RECORD_BYTES]
            number += 1
    if is_headed and buffer:
        text, is_whole = cipher.open(number, bytes(buffer))
        yield text
    if not is_whole:
        raise Invalid("The encrypted file ends too early.")


def seal_listing(key: bytes, listing: Listing) -> str:
    """The list as it is sent."""
    return encode64(b"".join(seal_stream(key, os.urandom(SALT_BYTES), [msgspec.json.encode(listing)])))


def open_listing(key: bytes, sealed: str) -> Listing:
    """The list of an encrypted drop. Raises Invalid."""
    data = decode64(sealed)
    text = b"".join(open_stream(key, encode64(data[:SALT_BYTES]), [data]))
    try:
        return msgspec.json.decode(text, type=Listing)
    except msgspec.DecodeError as error:
        raise Invalid(WRONG) from error
