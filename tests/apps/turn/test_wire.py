"""STUN messages as bytes: the RFCs' vectors, every attribute both ways, and what must be refused."""

from __future__ import annotations

import ipaddress
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.turn.wire import attributes as a
from fazt.apps.turn.wire.credentials import (
    derive_key,
    make_nonce,
    make_password,
    make_username,
    prepare_text,
    read_nonce,
    read_username,
)
from fazt.apps.turn.wire.frames import measure_frame
from fazt.apps.turn.wire.message import Pair, build, pack_type, parse, sign, unpack_method
from fazt.apps.turn.wire.numbers import (
    ALLOCATE,
    BINDING,
    CREATE_PERMISSION,
    ERROR,
    INDICATION,
    PASSWORD_MD5,
    PASSWORD_SHA256,
    REQUEST,
    SUCCESS,
)
from fazt.core.errors import Invalid

SHORT_TERM_KEY = b"VOkJxbRl1RmTxUk/WvJxBt"
MATRIX = "\u30de\u30c8\u30ea\u30c3\u30af\u30b9"
T1 = bytes.fromhex("b7e7a701bc34d686fa87dfae")
T2 = bytes.fromhex("78ad3433c6ad72c029da412e")

# RFC 5769 sections 2.1 to 2.4.
REQUEST_SAMPLE = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff"
    "80290008932ff9b151263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249"
    "c1b571a280280004e57a3bcf"
)
IPV4_SAMPLE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
IPV6_SAMPLE = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9fa"
    "a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)
LONG_TERM_SAMPLE = bytes.fromhex(
    "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015001c"
    "662f2f3439396b39353464364f4c33346f4c39465354767936347341001400"
    "0b6578616d706c652e6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666"
)
# RFC 8489 appendix B.1 as erratum 6268 mends it.
SHA256_SAMPLE = bytes.fromhex(
    "000100902112a44278ad3433c6ad72c029da412e001e00204a3cf38fef6992bda952c6780417da0f2481941556"
    "9e60b205c46e41407f1704001500296f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c394653"
    "547679363473410000000014000b6578616d706c652e6f726700001d000400020000001c0020b5c7bf005b6c52a21c51c5"
    "e892f81924136296cb927c43149309278cc6518e65"
)


def ip(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


def test_sample_request() -> None:
    message = parse(REQUEST_SAMPLE)
    assert (message.method, message.kind, message.transaction) == (BINDING, REQUEST, T1)
    assert message.get(a.SOFTWARE) == "STUN test client"
    assert message.get(a.PRIORITY) == 0x6E0001FF
    assert message.get(a.USERNAME) == "evtj:h6vY"
    assert message.is_signed_by(SHORT_TERM_KEY, a.MESSAGE_INTEGRITY)
    assert not message.is_signed_by(b"other", a.MESSAGE_INTEGRITY)
    assert not message.is_signed_by(SHORT_TERM_KEY, a.MESSAGE_INTEGRITY_SHA256)


@pytest.mark.parametrize(
    ("sample", "address"), [(IPV4_SAMPLE, "192.0.2.1"), (IPV6_SAMPLE, "2001:db8:1234:5678:11:2233:4455:6677")]
)
def test_sample_responses(sample: bytes, address: str) -> None:
    message = parse(sample)
    assert message.kind == SUCCESS
    assert message.get(a.XOR_MAPPED_ADDRESS) == a.Address(ip(address), 32853)
    assert message.is_signed_by(SHORT_TERM_KEY, a.MESSAGE_INTEGRITY)


def test_sample_long_term_request_is_rebuilt_byte_for_byte() -> None:
    key = derive_key(MATRIX, "example.org", "TheMatrIX", PASSWORD_MD5)
    pairs: list[Pair] = [(a.USERNAME, MATRIX), (a.NONCE, b"f//499k954d6OL34oL9FSTvy64sA"), (a.REALM, "example.org")]
    assert build(BINDING, REQUEST, T2, pairs, key=key) == LONG_TERM_SAMPLE
    assert parse(LONG_TERM_SAMPLE).is_signed_by(key, a.MESSAGE_INTEGRITY)


def test_sample_with_sha256_is_rebuilt_byte_for_byte() -> None:
    key = derive_key(MATRIX, "example.org", "TheMatrIX", PASSWORD_SHA256)
    message = parse(SHA256_SAMPLE)
    pairs: list[Pair] = [
        (a.USERHASH, message.get(a.USERHASH)),
        (a.NONCE, b"obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"),
        (a.REALM, "example.org"),
        (a.PASSWORD_ALGORITHM, PASSWORD_SHA256),
    ]
    assert build(BINDING, REQUEST, T2, pairs, key=key, integrity=a.MESSAGE_INTEGRITY_SHA256) == SHA256_SAMPLE
    assert message.is_signed_by(key, a.MESSAGE_INTEGRITY_SHA256)


def test_sha256_may_be_cut_to_sixteen_bytes() -> None:
    key = b"k" * 32
    whole = build(BINDING, REQUEST, T1, key=key, integrity=a.MESSAGE_INTEGRITY_SHA256)
    value = sign(whole[:20], key, a.MESSAGE_INTEGRITY_SHA256, 20 + 4 + 16)[:16]
    short = build(BINDING, REQUEST, T1, [(a.MESSAGE_INTEGRITY_SHA256, value)])
    assert parse(short).is_signed_by(key, a.MESSAGE_INTEGRITY_SHA256)


@pytest.mark.parametrize(
    ("attribute", "value", "size"),
    [
        (a.MAPPED_ADDRESS, a.Address(ip("192.0.2.1"), 80), 8),
        (a.XOR_PEER_ADDRESS, a.Address(ip("192.0.2.1"), 80), 8),
        (a.XOR_RELAYED_ADDRESS, a.Address(ip("2001:db8::1"), 65535), 20),
        (a.XOR_MAPPED_ADDRESS, a.Address(ip("::1"), 0), 20),
        (a.USERNAME, "1800000000:ana", 14),
        (a.REALM, "fazt", 4),
        (a.NONCE, b"\xff\x00", 2),
        (a.DATA, b"", 0),
        (a.CHANNEL_NUMBER, 0x4001, 4),
        (a.LIFETIME, 600, 4),
        (a.PRIORITY, 1, 4),
        (a.REQUESTED_ADDRESS_FAMILY, 2, 4),
        (a.ADDITIONAL_ADDRESS_FAMILY, 2, 4),
        (a.REQUESTED_TRANSPORT, 17, 4),
        (a.EVEN_PORT, True, 1),
        (a.EVEN_PORT, False, 1),
        (a.DONT_FRAGMENT, b"", 0),
        (a.RESERVATION_TOKEN, b"12345678", 8),
        (a.PASSWORD_ALGORITHM, 2, 4),
        (a.PASSWORD_ALGORITHMS, (1, 2), 8),
        (a.ERROR_CODE, a.ErrorCode(438, "Stale"), 9),
        (a.ADDRESS_ERROR_CODE, a.FamilyError(2, 440, "No"), 6),
        (a.UNKNOWN_ATTRIBUTES, (0x1A, 0x7FFF, 3), 6),
        (a.SOFTWARE, "fazt", 4),
    ],
    ids=lambda value: value.name if isinstance(value, a.Attribute) else "",
)
def test_attribute_both_ways(attribute: a.Attribute[Any], value: Any, size: int) -> None:
    packed = attribute.pack(value, T1)
    assert len(packed) == size
    message = parse(build(ALLOCATE, REQUEST, T1, [(attribute, value)]))
    assert message.get(attribute) == value
    assert message.attributes == [(attribute.number, packed)]


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (a.XOR_PEER_ADDRESS, b""),
        (a.XOR_PEER_ADDRESS, bytes.fromhex("0001000001020304ff")),  # five address bytes
        (a.XOR_PEER_ADDRESS, bytes.fromhex("00020000") + bytes(4)),  # IPv6 with IPv4's length
        (a.XOR_PEER_ADDRESS, bytes.fromhex("00010000") + bytes(16)),
        (a.XOR_PEER_ADDRESS, bytes.fromhex("00030000") + bytes(4)),
        (a.LIFETIME, b"\0\0\0"),
        (a.CHANNEL_NUMBER, b"\x40\x00"),
        (a.EVEN_PORT, b""),
        (a.DONT_FRAGMENT, b"x"),
        (a.RESERVATION_TOKEN, b"1234567"),
        (a.USERNAME, b"\xff\xfe"),
        (a.PASSWORD_ALGORITHM, b"\0\1"),
        (a.PASSWORD_ALGORITHM, bytes(8)),
        (a.PASSWORD_ALGORITHMS, bytes.fromhex("00010005")),
        (a.UNKNOWN_ATTRIBUTES, b"\0"),
        (a.ERROR_CODE, b"\0\0"),
        (a.MESSAGE_INTEGRITY_SHA256, bytes(17)),
        (a.MESSAGE_INTEGRITY, bytes(19)),
        (a.USERHASH, bytes(31)),
    ],
    ids=lambda value: value.name if isinstance(value, a.Attribute) else "",
)
def test_value_of_wrong_form_is_invalid(attribute: a.Attribute[Any], value: bytes) -> None:
    with pytest.raises(Invalid):
        attribute.unpack(value, T1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(19),
        bytes(20),  # no cookie
        bytes.fromhex("000100002112a443") + T1,
        bytes.fromhex("400100002112a442") + T1,
        bytes.fromhex("c00100002112a442") + T1,
        bytes.fromhex("000100022112a442") + T1 + b"\0\0",
        bytes.fromhex("000100042112a442") + T1,
        bytes.fromhex("000100002112a442") + T1 + bytes(4),
        bytes.fromhex("000100042112a442") + T1 + bytes.fromhex("80220001"),  # runs past the end
        REQUEST_SAMPLE[:-1] + b"\0",
        build(BINDING, REQUEST, T1, fingerprint=True)[:-8] + bytes.fromhex("802800040000"),
    ],
)
def test_not_a_message(data: bytes) -> None:
    with pytest.raises(Invalid):
        parse(data)


def test_fingerprint_must_come_last() -> None:
    inside = build(BINDING, REQUEST, T1, fingerprint=True) + bytes.fromhex("80220000")
    with pytest.raises(Invalid):
        parse(inside[:2] + (len(inside) - 20).to_bytes(2, "big") + inside[4:])


def test_first_of_a_duplicate_counts_and_all_can_be_had() -> None:
    peers = [a.Address(ip("192.0.2.1"), 1), a.Address(ip("192.0.2.2"), 2)]
    message = parse(build(CREATE_PERMISSION, REQUEST, T1, [(a.XOR_PEER_ADDRESS, peer) for peer in peers]))
    assert message.get(a.XOR_PEER_ADDRESS) == peers[0]
    assert message.get_all(a.XOR_PEER_ADDRESS) == peers


def test_nothing_counts_after_the_integrity() -> None:
    signed = build(ALLOCATE, REQUEST, T1, [(a.LIFETIME, 1)], key=b"k")
    smuggled = signed + bytes.fromhex("000600016d000000") + bytes.fromhex("00080000")
    message = parse(smuggled[:2] + (len(smuggled) - 20).to_bytes(2, "big") + smuggled[4:])
    assert message.get(a.USERNAME) is None
    assert message.is_signed_by(b"k", a.MESSAGE_INTEGRITY)


def test_a_changed_byte_breaks_the_signature() -> None:
    signed = bytearray(build(ALLOCATE, REQUEST, T1, [(a.LIFETIME, 600)], key=b"k"))
    signed[27] ^= 1
    assert not parse(bytes(signed)).is_signed_by(b"k", a.MESSAGE_INTEGRITY)


def test_unknown_required_attributes_are_listed_once() -> None:
    body = bytes.fromhex("777700008077000077770000")
    message = parse(bytes.fromhex("0003000c2112a442") + T1 + body)
    assert message.list_unknown(frozenset()) == (0x7777,)
    assert message.list_unknown(frozenset({0x7777})) == ()


def test_padding_is_zero() -> None:
    assert build(BINDING, REQUEST, T1, [(a.SOFTWARE, "x")])[-4:] == b"x\0\0\0"


def test_types_of_all_methods_and_classes() -> None:
    for method in range(0x1000):
        for kind in (REQUEST, INDICATION, SUCCESS, ERROR):
            packed = pack_type(method, kind)
            assert (unpack_method(packed), packed & 0x0110) == (method, kind)
            assert packed <= 0x3FFF


@given(st.binary(max_size=200))
def test_parsing_raises_nothing_but_invalid(data: bytes) -> None:
    framed = b"\0\1" + (len(data) // 4 * 4).to_bytes(2, "big") + bytes.fromhex("2112a442") + T1 + data
    for candidate in (data, framed[: 20 + len(data) // 4 * 4]):
        try:
            message = parse(candidate)
        except Invalid:
            continue
        for number, value in message.attributes:
            try:
                if row := a.TABLE.get(number):
                    row.unpack(value, message.transaction)
            except Invalid:
                pass


@given(st.sampled_from(sorted(a.TABLE)), st.binary(max_size=40))
def test_values_raise_nothing_but_invalid(number: int, value: bytes) -> None:
    row = a.TABLE[number]
    try:
        decoded = row.unpack(value, T1)
    except Invalid:
        return
    assert row.unpack(row.pack(decoded, T1), T1) == decoded


def test_frames_on_a_stream() -> None:
    assert measure_frame(REQUEST_SAMPLE, 0, len(REQUEST_SAMPLE)) == len(REQUEST_SAMPLE)
    assert measure_frame(b"\x40\x00\x00\x05", 0, 4) == 12  # padded to a multiple of four
    assert measure_frame(b"\x7f\xff\x00\x00", 0, 4) == 4
    assert measure_frame(b"\x00\x01\x00", 0, 3) == 0
    for start in ("80000000", "ffff0000", "00010003"):
        with pytest.raises(Invalid):
            measure_frame(bytes.fromhex(start), 0, 4)


def test_nonce_is_only_good_for_its_address_and_key() -> None:
    key = os.urandom(32)
    nonce = make_nonce(key, "192.0.2.1", 1_800_000_000)
    assert nonce.startswith(b"obMatJos2")
    assert len(nonce) < 128
    assert read_nonce(key, "192.0.2.1", nonce) == 1_800_000_000
    assert read_nonce(key, "192.0.2.2", nonce) is None
    assert read_nonce(os.urandom(32), "192.0.2.1", nonce) is None


@given(st.binary(max_size=60))
def test_foreign_nonces(nonce: bytes) -> None:
    assert read_nonce(b"key", "::1", nonce) is None
    assert read_nonce(b"key", "::1", make_nonce(b"key", "::1", 1)[:13] + nonce[:16]) is None


def test_time_limited_credentials() -> None:
    name = make_username("ana", 1_800_000_000)
    assert read_username(name) == (1_800_000_000, "ana")
    assert read_username("1800000000:") == (1_800_000_000, "")
    assert read_username("ana") is None
    assert read_username("x:ana") is None
    assert read_username("²:ana") is None
    # printf 1:ana | openssl dgst -sha1 -hmac north -binary | base64
    assert make_password("north", "1:ana") == "z8VPrk6xc568u00w8B8gYDZraEk="


def test_prepared_texts() -> None:
    assert prepare_text("Ame\u0301lie\u00a0X") == "Am\u00e9lie X"
