"""Headers, forms, names and encrypted records as bytes; parsing raises nothing but what is foreseen."""

from __future__ import annotations

import json
import os
import random
from contextlib import suppress

import http_ece
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.drops.model import clean_path, disposition, matches_types, preview_of, serving_type, type_of, unique_path
from fazt.apps.drops.wire import tus
from fazt.apps.drops.wire.form import FieldRead, FileBegun, FileData, FileEnded, FormReader, Piece, parse_disposition
from fazt.apps.drops.wire.records import (
    ROOM,
    Listing,
    SealedFile,
    decode64,
    encode64,
    open_listing,
    open_stream,
    seal_listing,
    seal_stream,
    sealed_size,
)
from fazt.apps.drops.wire.share import options_of_fields, options_of_headers, parse_span
from fazt.core.errors import Invalid, TooLarge

KEY, SALT = bytes(range(16)), bytes(range(16, 32))
SIZES = (0, 1, ROOM - 1, ROOM, ROOM + 1, 3 * ROOM, 3 * ROOM + 5)


def seal(data: bytes, piece: int = 1_000) -> bytes:
    return b"".join(seal_stream(KEY, SALT, (data[at : at + piece] for at in range(0, len(data), piece))))


def unseal(sealed: bytes, piece: int = 10_000, salt: bytes = SALT) -> bytes:
    return b"".join(open_stream(KEY, encode64(salt), (sealed[at : at + piece] for at in range(0, len(sealed), piece))))


@pytest.mark.parametrize("size", SIZES)
def test_records_are_rfc_8188(size: int) -> None:
    data = random.Random(size).randbytes(size)
    sealed = seal(data)
    assert len(sealed) == sealed_size(size)
    assert unseal(sealed) == unseal(sealed, 7_777_777) == data
    assert http_ece.decrypt(sealed, key=KEY, version="aes128gcm") == data
    if not size:
        return  # http-ece makes no record of nothing
    theirs = http_ece.encrypt(data, salt=SALT, key=KEY, rs=65_536, version="aes128gcm")
    assert unseal(theirs) == data


def test_the_example_of_rfc_8188() -> None:
    sealed = decode64("I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg")
    data = http_ece.decrypt(sealed, key=decode64("yqdlZ-tYemfogSmv7Ws5PQ"), version="aes128gcm")
    assert data == b"I am the walrus"


def test_any_record_can_be_made_again() -> None:
    data = random.Random(1).randbytes(3 * ROOM + 5)
    sealed = seal(data)
    for first in (1, 2, 3):
        again = b"".join(seal_stream(KEY, SALT, [data[first * ROOM :]], first))
        assert sealed.endswith(again)
        assert b"".join(open_stream(KEY, encode64(SALT), [again], first)) == data[first * ROOM :]


@pytest.mark.parametrize("size", SIZES)
def test_what_was_changed_is_noticed(size: int) -> None:
    sealed = seal(random.Random(size).randbytes(size))
    chance = random.Random(size)
    for _ in range(20):
        at = chance.randrange(len(sealed))
        with pytest.raises(Invalid):
            unseal(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
        with pytest.raises(Invalid):
            unseal(sealed[:at])
    with pytest.raises(Invalid):
        unseal(sealed + b"x")
    with pytest.raises(Invalid):
        unseal(sealed, salt=bytes(16))


def test_records_cannot_change_places() -> None:
    sealed = seal(os.urandom(3 * ROOM))
    first, second = sealed[21 : 21 + 65_536], sealed[21 + 65_536 : 21 + 131_072]
    with pytest.raises(Invalid):
        unseal(sealed[:21] + second + first + sealed[21 + 131_072 :])


def test_the_list_of_an_encrypted_drop() -> None:
    listing = Listing([SealedFile("a/b \u00fc.txt", 5, encode64(SALT))], title="T")
    sealed = seal_listing(KEY, listing)
    assert open_listing(KEY, sealed) == listing
    plain = json.loads(http_ece.decrypt(decode64(sealed), key=KEY, version="aes128gcm"))
    assert plain["files"][0]["name"] == "a/b \u00fc.txt"
    for wrong in ("", "!", sealed[:-2], encode64(b"x" * 50)):
        with pytest.raises(Invalid):
            open_listing(KEY, wrong)
    with pytest.raises(Invalid):
        open_listing(SALT, sealed)


BODY = (
    b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nh\xc3\xa9\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a \\"b\\".txt"\r\nContent-Type: text/x\r\n\r\n'
    b"one\r\n--x\r\n--b\r\n"
    b'Content-Disposition: form-data; name="none"; filename=""\r\n\r\n\r\n--b--\r\n'
)


@pytest.mark.parametrize("step", [1, 7, 1_000])
def test_a_form_in_pieces_of_any_size(step: int) -> None:
    reader = FormReader(b"b")
    pieces: list[Piece] = []
    for at in range(0, len(BODY), step):
        pieces += reader.feed(BODY[at : at + step])
    reader.end()
    data = b"".join(piece.data for piece in pieces if isinstance(piece, FileData))
    others = [piece for piece in pieces if not isinstance(piece, FileData)]
    assert others == [FieldRead("title", "h\u00e9"), FileBegun("file", 'a "b".txt', "text/x"), FileEnded()]
    assert data == b"one\r\n--x"


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_any_form_is_read_or_refused(pieces: list[bytes]) -> None:
    reader = FormReader(b"b")
    try:
        for piece in [b"--b\r\n", *pieces]:
            reader.feed(piece)
        reader.end()
    except (Invalid, TooLarge):
        pass


@given(st.text(max_size=300))
def test_any_name_becomes_harmless(text: str) -> None:
    try:
        path = clean_path(text)
    except Invalid:
        return
    assert path
    assert not path.startswith("/")
    assert not {"", ".", ".."}.intersection(path.split("/"))
    assert all(ord(c) >= 32 and c not in "\\\x7f" for c in path)
    assert path.encode()
    assert disposition(path.rpartition("/")[2]).encode("latin-1").isascii()


@given(st.text(max_size=200))
def test_any_header_is_read_or_refused(text: str) -> None:
    for parse in (tus.parse_metadata, tus.parse_checksum, tus.parse_concat, parse_span, parse_disposition):
        with suppress(Invalid):
            parse(text)
    for name in ("max-days", "max-downloads", "expires-in", "x-password", "x-title"):
        with suppress(Invalid):
            options_of_headers({name: text})
    with suppress(Invalid):
        options_of_fields({"expires": text, "max_downloads": text}, options_of_headers({}))


def test_names_that_are_taken() -> None:
    taken = {"a.txt", "a (2).txt", "d/.x", "noext"}
    assert unique_path("a.txt", taken) == "a (3).txt"
    assert unique_path("d/.x", taken) == "d/.x (2)"
    assert unique_path("noext", taken) == "noext (2)"
    assert unique_path("b", taken) == "b"


@pytest.mark.parametrize(
    ("name", "said", "served", "shown"),
    [
        ("a.png", "", "image/png", "image"),
        ("a.svg", "", "image/svg+xml", "image"),
        ("a.mp4", "", "video/mp4", "video"),
        ("a.pdf", "", "application/pdf", "pdf"),
        ("a.html", "", "text/plain; charset=utf-8", "text"),
        ("a.js", "text/javascript", "text/plain; charset=utf-8", "text"),
        ("a.css", "", "text/plain; charset=utf-8", "text"),
        ("a.xhtml", "", "text/plain; charset=utf-8", "text"),
        ("a", "text/html", "text/plain; charset=utf-8", "text"),
        ("a", "multipart/x-mixed-replace", "application/octet-stream", ""),
        ("a.xml", "", "text/plain; charset=utf-8", "text"),
        ("a.exe", "", "application/octet-stream", ""),
        ("a.zip", "", "application/zip", ""),
    ],
)
def test_no_type_is_served_that_runs(name: str, said: str, served: str, shown: str) -> None:
    type = type_of(name, said)
    assert serving_type(type, name) == served
    assert preview_of(type, name) == shown


def test_kinds_that_a_request_takes() -> None:
    assert matches_types("a.PDF", "application/pdf", ".pdf, image/*")
    assert matches_types("a", "image/png", ".pdf, image/*")
    assert not matches_types("a.txt", "text/plain", ".pdf, image/*")
    assert matches_types("a.txt", "text/plain", " ")
