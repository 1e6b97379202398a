"""The table of STUN and TURN attributes: each knows its number and both directions of its value."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from fazt.apps.turn.wire.numbers import COOKIE, COOKIE_BYTES, IPV4, IPV6
from fazt.core.errors import Invalid

T = TypeVar("T")

OPTIONAL_FROM = 0x8000
"""From this number on, an attribute may be ignored by who doesn't know it."""


class Address(NamedTuple):
    """An IP address as its 4 or 16 bytes, and a port."""

    ip: bytes
    port: int

    @property
    def family(self) -> int:
        """1 for IPv4, 2 for IPv6, as on the wire."""
        return IPV4 if len(self.ip) == 4 else IPV6


class ErrorCode(NamedTuple):
    """A code such as 401, and a phrase for people."""

    code: int
    reason: str


class FamilyError(NamedTuple):
    """Why one of two asked address families was not given (RFC 8656 section 18.12)."""

    family: int
    code: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Attribute(Generic[T]):
    """One row of the table. `pack` and `unpack` are also given the message's transaction id.

    `unpack` raises Invalid for a value of the wrong size or form, and nothing else.
    """

    number: int
    name: str
    pack: Callable[[T, bytes], bytes]
    unpack: Callable[[bytes, bytes], T]


TABLE: dict[int, Attribute[object]] = {}


def _row(
    number: int, name: str, pack: Callable[[T, bytes], bytes], unpack: Callable[[bytes, bytes], T]
) -> Attribute[T]:
    attribute = Attribute(number, name, pack, unpack)
    TABLE[number] = attribute  # type: ignore[assignment]  # the table forgets the value's type on purpose
    return attribute


def _sized(value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise Invalid(f"An attribute has {len(value)} bytes where {size} belong.")
    return value


def _xor(data: bytes, mask: bytes) -> bytes:
    size = len(data)
    return (int.from_bytes(data, "big") ^ int.from_bytes(mask[:size], "big")).to_bytes(size, "big")


def pack_address(address: Address, _transaction: bytes = b"") -> bytes:
    """MAPPED-ADDRESS (RFC 8489 section 14.1)."""
    return struct.pack("!BBH", 0, address.family, address.port) + address.ip


def unpack_address(value: bytes, _transaction: bytes = b"") -> Address:
    """See pack_address. The family byte and the length must agree."""
    if len(value) < 4:
        raise Invalid("An address is cut short.")
    family, port = value[1], int.from_bytes(value[2:4], "big")
    if (family, len(value)) not in ((IPV4, 8), (IPV6, 20)):
        raise Invalid("An address's family and length disagree.")
    return Address(value[4:], port)


def _xor_address(address: Address, transaction: bytes) -> Address:
    return Address(_xor(address.ip, COOKIE_BYTES + transaction), address.port ^ (COOKIE >> 16))


def pack_xor_address(address: Address, transaction: bytes) -> bytes:
    """XOR-MAPPED-ADDRESS (RFC 8489 section 14.2)."""
    return pack_address(_xor_address(address, transaction))


def unpack_xor_address(value: bytes, transaction: bytes) -> Address:
    """See pack_xor_address."""
    return _xor_address(unpack_address(value), transaction)


def _pack_bytes(value: bytes, _transaction: bytes) -> bytes:
    return value


def _unpack_bytes(value: bytes, _transaction: bytes) -> bytes:
    return value


def _pack_text(value: str, _transaction: bytes) -> bytes:
    return value.encode()


def _unpack_text(value: bytes, _transaction: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Invalid("A text is not UTF-8.") from error


def _pack_number(value: int, _transaction: bytes) -> bytes:
    return value.to_bytes(4, "big")


def _unpack_number(value: bytes, _transaction: bytes) -> int:
    return int.from_bytes(_sized(value, 4), "big")


def _pack_high_half(value: int, _transaction: bytes) -> bytes:
    return struct.pack("!HH", value, 0)


def _unpack_high_half(value: bytes, _transaction: bytes) -> int:
    return int.from_bytes(_sized(value, 4)[:2], "big")


def _pack_high_byte(value: int, _transaction: bytes) -> bytes:
    return bytes((value, 0, 0, 0))


def _unpack_high_byte(value: bytes, _transaction: bytes) -> int:
    return _sized(value, 4)[0]


def _pack_even_port(reserve_next: bool, _transaction: bytes) -> bytes:  # noqa: FBT001 - it is the value itself
    return b"\x80" if reserve_next else b"\x00"


def _unpack_even_port(value: bytes, _transaction: bytes) -> bool:
    return bool(_sized(value, 1)[0] & 0x80)


def _unpack_token(value: bytes, _transaction: bytes) -> bytes:
    return _sized(value, 8)


def _unpack_empty(value: bytes, _transaction: bytes) -> bytes:
    return _sized(value, 0)


def _unpack_sha1(value: bytes, _transaction: bytes) -> bytes:
    return _sized(value, 20)


def _unpack_sha256(value: bytes, _transaction: bytes) -> bytes:
    if len(value) not in (16, 20, 24, 28, 32):
        raise Invalid("An integrity value has a length that no truncation gives.")
    return value


def _unpack_userhash(value: bytes, _transaction: bytes) -> bytes:
    return _sized(value, 32)


def _pack_error(error: ErrorCode, _transaction: bytes) -> bytes:
    return struct.pack("!HBB", 0, error.code // 100, error.code % 100) + error.reason.encode()


def _unpack_error(value: bytes, transaction: bytes) -> ErrorCode:
    if len(value) < 4 or value[3] > 99:
        raise Invalid("An error code is cut short, or none.")
    return ErrorCode((value[2] & 7) * 100 + value[3], _unpack_text(value[4:], transaction))


def _pack_family_error(error: FamilyError, _transaction: bytes) -> bytes:
    return struct.pack("!BBBB", error.family, 0, error.code // 100, error.code % 100) + error.reason.encode()


def _unpack_family_error(value: bytes, transaction: bytes) -> FamilyError:
    code, reason = _unpack_error(value, transaction)
    return FamilyError(value[0], code, reason)


def _pack_numbers(numbers: tuple[int, ...], _transaction: bytes) -> bytes:
    return struct.pack(f"!{len(numbers)}H", *numbers)


def _unpack_numbers(value: bytes, _transaction: bytes) -> tuple[int, ...]:
    if len(value) % 2:
        raise Invalid("A list of attribute numbers has an odd length.")
    return struct.unpack(f"!{len(value) // 2}H", value)


def _pack_algorithms(algorithms: tuple[int, ...], _transaction: bytes) -> bytes:
    return b"".join(struct.pack("!HH", algorithm, 0) for algorithm in algorithms)


def _unpack_algorithms(value: bytes, _transaction: bytes) -> tuple[int, ...]:
    """Numbers alone: none of the algorithms there are has parameters, those that bring some are skipped over."""
    found: list[int] = []
    at = 0
    while at < len(value):
        if at + 4 > len(value):
            raise Invalid("A list of password algorithms is cut short.")
        number, size = struct.unpack_from("!HH", value, at)
        found.append(number)
        at += 4 + size + (-size % 4)
    if at != len(value):
        raise Invalid("A list of password algorithms is cut short.")
    return tuple(found)


def _pack_algorithm(algorithm: int, transaction: bytes) -> bytes:
    return _pack_algorithms((algorithm,), transaction)


def _unpack_algorithm(value: bytes, transaction: bytes) -> int:
    algorithms = _unpack_algorithms(value, transaction)
    if len(algorithms) != 1:
        raise Invalid("One password algorithm belongs here.")
    return algorithms[0]


MAPPED_ADDRESS = _row(0x0001, "MAPPED-ADDRESS", pack_address, unpack_address)
USERNAME = _row(0x0006, "USERNAME", _pack_text, _unpack_text)
MESSAGE_INTEGRITY = _row(0x0008, "MESSAGE-INTEGRITY", _pack_bytes, _unpack_sha1)
ERROR_CODE = _row(0x0009, "ERROR-CODE", _pack_error, _unpack_error)
UNKNOWN_ATTRIBUTES = _row(0x000A, "UNKNOWN-ATTRIBUTES", _pack_numbers, _unpack_numbers)
CHANNEL_NUMBER = _row(0x000C, "CHANNEL-NUMBER", _pack_high_half, _unpack_high_half)
LIFETIME = _row(0x000D, "LIFETIME", _pack_number, _unpack_number)
XOR_PEER_ADDRESS = _row(0x0012, "XOR-PEER-ADDRESS", pack_xor_address, unpack_xor_address)
DATA = _row(0x0013, "DATA", _pack_bytes, _unpack_bytes)
REALM = _row(0x0014, "REALM", _pack_text, _unpack_text)
NONCE = _row(0x0015, "NONCE", _pack_bytes, _unpack_bytes)
XOR_RELAYED_ADDRESS = _row(0x0016, "XOR-RELAYED-ADDRESS", pack_xor_address, unpack_xor_address)
REQUESTED_ADDRESS_FAMILY = _row(0x0017, "REQUESTED-ADDRESS-FAMILY", _pack_high_byte, _unpack_high_byte)
EVEN_PORT = _row(0x0018, "EVEN-PORT", _pack_even_port, _unpack_even_port)
REQUESTED_TRANSPORT = _row(0x0019, "REQUESTED-TRANSPORT", _pack_high_byte, _unpack_high_byte)
DONT_FRAGMENT = _row(0x001A, "DONT-FRAGMENT", _pack_bytes, _unpack_empty)
MESSAGE_INTEGRITY_SHA256 = _row(0x001C, "MESSAGE-INTEGRITY-SHA256", _pack_bytes, _unpack_sha256)
PASSWORD_ALGORITHM = _row(0x001D, "PASSWORD-ALGORITHM", _pack_algorithm, _unpack_algorithm)
USERHASH = _row(0x001E, "USERHASH", _pack_bytes, _unpack_userhash)
XOR_MAPPED_ADDRESS = _row(0x0020, "XOR-MAPPED-ADDRESS", pack_xor_address, unpack_xor_address)
RESERVATION_TOKEN = _row(0x0022, "RESERVATION-TOKEN", _pack_bytes, _unpack_token)
PRIORITY = _row(0x0024, "PRIORITY", _pack_number, _unpack_number)
ADDITIONAL_ADDRESS_FAMILY = _row(0x8000, "ADDITIONAL-ADDRESS-FAMILY", _pack_high_byte, _unpack_high_byte)
ADDRESS_ERROR_CODE = _row(0x8001, "ADDRESS-ERROR-CODE", _pack_family_error, _unpack_family_error)
PASSWORD_ALGORITHMS = _row(0x8002, "PASSWORD-ALGORITHMS", _pack_algorithms, _unpack_algorithms)
SOFTWARE = _row(0x8022, "SOFTWARE", _pack_text, _unpack_text)
# The number that coturn's client still has for ADDITIONAL-ADDRESS-FAMILY, from a draft of RFC 8656.
DRAFT_ADDITIONAL_FAMILY = _row(0x8032, "ADDITIONAL-ADDRESS-FAMILY (draft)", _pack_high_byte, _unpack_high_byte)
FINGERPRINT = _row(0x8028, "FINGERPRINT", _pack_number, _unpack_number)
