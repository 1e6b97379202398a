"""STUN messages: parsed from bytes and built into bytes (RFC 8489 sections 5, 6 and 14)."""

from __future__ import annotations

import hashlib
import hmac
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fazt.apps.turn.wire.attributes import (
    FINGERPRINT,
    MESSAGE_INTEGRITY,
    MESSAGE_INTEGRITY_SHA256,
    OPTIONAL_FROM,
    Attribute,
)
from fazt.apps.turn.wire.numbers import CLASS_MASK, COOKIE, HEADER_SIZE
from fazt.core.errors import Invalid

T = TypeVar("T")
Pair = tuple[Attribute[Any], Any]

FINGERPRINT_MASK = 0x5354554E
_HEADER = struct.Struct("!HHI12s")
_ATTRIBUTE = struct.Struct("!HH")
_AFTER_INTEGRITY = (MESSAGE_INTEGRITY_SHA256.number, FINGERPRINT.number)


@dataclass(slots=True)
class Message:
    """A parsed message. `attributes` are (number, value) in their order, values not yet decoded.

    `ends` tells for each integrity attribute and FINGERPRINT at which byte of `raw` it starts.
    """

    method: int
    kind: int
    transaction: bytes
    attributes: list[tuple[int, bytes]]
    raw: bytes = b""
    ends: dict[int, int] = field(default_factory=dict)

    def get(self, attribute: Attribute[T]) -> T | None:
        """The decoded value of the first such attribute, or None. Raises Invalid for a bad value."""
        for number, value in self.attributes:
            if number == attribute.number:
                return attribute.unpack(value, self.transaction)
        return None

    def get_all(self, attribute: Attribute[T]) -> list[T]:
        """Every such attribute decoded. Raises Invalid for a bad value."""
        return [
            attribute.unpack(value, self.transaction) for number, value in self.attributes if number == attribute.number
        ]

    def has(self, attribute: Attribute[Any]) -> bool:
        """Whether there is such an attribute."""
        return any(number == attribute.number for number, _ in self.attributes)

    def list_unknown(self, known: frozenset[int]) -> tuple[int, ...]:
        """Numbers of attributes that must be understood and are not among `known`, each once."""
        return tuple(dict.fromkeys(n for n, _ in self.attributes if n < OPTIONAL_FROM and n not in known))

    def is_signed_by(self, key: bytes, attribute: Attribute[bytes]) -> bool:
        """Whether the integrity attribute is there and made with `key` (RFC 8489 sections 14.5, 14.6)."""
        end = self.ends.get(attribute.number)
        if end is None:
            return False
        claimed = self.get(attribute) or b""
        counted = end + 4 + len(claimed)
        return hmac.compare_digest(sign(self.raw[:end], key, attribute, counted)[: len(claimed)], claimed)


def parse(data: bytes) -> Message:
    """One whole message. Raises Invalid, and nothing else, for whatever is not exactly that.

    A FINGERPRINT that is there must be right. What follows an integrity attribute does not count.
    """
    if len(data) < HEADER_SIZE:
        raise Invalid("A STUN message has at least 20 bytes.")
    kind, length, cookie, transaction = _HEADER.unpack_from(data)
    if kind > 0x3FFF or cookie != COOKIE:
        raise Invalid("This is not a STUN message.")
    if length % 4 or HEADER_SIZE + length != len(data):
        raise Invalid("A STUN message's length is wrong.")
    message = Message(unpack_method(kind), kind & CLASS_MASK, transaction, [], bytes(data))
    _read_attributes(message)
    return message


def _read_attributes(message: Message) -> None:
    data, at, size = message.raw, HEADER_SIZE, len(message.raw)
    while at < size:
        number, length = _ATTRIBUTE.unpack_from(data, at)
        end = at + 4 + length
        if end > size:
            raise Invalid("An attribute runs past the end of its message.")
        if not message.ends or (number in _AFTER_INTEGRITY and number not in message.ends):
            message.attributes.append((number, data[at + 4 : end]))
            if number in (MESSAGE_INTEGRITY.number, *_AFTER_INTEGRITY):
                message.ends[number] = at
        if number == FINGERPRINT.number:
            _check_fingerprint(message, at)
            return
        at = end + (-length % 4)


def _check_fingerprint(message: Message, at: int) -> None:
    if at + 8 != len(message.raw) or message.get(FINGERPRINT) != zlib.crc32(message.raw[:at]) ^ FINGERPRINT_MASK:
        raise Invalid("A message's fingerprint is wrong.")


def build(
    method: int,
    kind: int,
    transaction: bytes,
    pairs: Iterable[Pair] = (),
    *,
    key: bytes = b"",
    integrity: Attribute[bytes] = MESSAGE_INTEGRITY,
    fingerprint: bool = False,
) -> bytes:
    """A whole message; signed where a `key` is given, padding always zero."""
    body = b"".join(_pack_attribute(attribute, value, transaction) for attribute, value in pairs)
    data = _HEADER.pack(pack_type(method, kind), len(body), COOKIE, transaction) + body
    if key:
        size = 20 if integrity is MESSAGE_INTEGRITY else 32
        value = sign(data, key, integrity, len(data) + 4 + size)
        data = _with_length(data, len(data) + 4 + size) + _ATTRIBUTE.pack(integrity.number, size) + value
    if fingerprint:
        data = _with_length(data, len(data) + 8)
        data += _ATTRIBUTE.pack(FINGERPRINT.number, 4) + (zlib.crc32(data) ^ FINGERPRINT_MASK).to_bytes(4, "big")
    return data


def _pack_attribute(attribute: Attribute[Any], value: Any, transaction: bytes) -> bytes:
    packed = attribute.pack(value, transaction)
    return _ATTRIBUTE.pack(attribute.number, len(packed)) + packed + bytes(-len(packed) % 4)


def sign(data: bytes, key: bytes, attribute: Attribute[bytes], counted: int) -> bytes:
    """The HMAC over `data` (all before the integrity attribute), its header saying `counted` bytes in all."""
    digest = hashlib.sha1 if attribute is MESSAGE_INTEGRITY else hashlib.sha256
    return hmac.new(key, _with_length(data, counted), digest).digest()


def _with_length(data: bytes, size: int) -> bytes:
    return data[:2] + (size - HEADER_SIZE).to_bytes(2, "big") + data[4:]


def pack_type(method: int, kind: int) -> int:
    """The 14 bits of a message type: the class bits sit between the method's (RFC 8489 section 5)."""
    return (method & 0x0F80) << 2 | (method & 0x0070) << 1 | (method & 0x000F) | kind


def unpack_method(kind: int) -> int:
    """The method inside a message type."""
    return (kind & 0x3E00) >> 2 | (kind & 0x00E0) >> 1 | (kind & 0x000F)
