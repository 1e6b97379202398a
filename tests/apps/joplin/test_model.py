"""Serialised items: read as Joplin reads them, changed without touching anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.joplin import wire
from fazt.apps.joplin.model import items
from fazt.apps.joplin.model.exports import safe_name, unique
from fazt.core.errors import Invalid
from tests.apps.joplin.making import NOW, folder, hexid, note, resource

ENCRYPTED = (
    b"id: 00000000000000000000000000000001\nparent_id: 2\nupdated_time: 2026-11-23T00:05:40.285Z\nis_todo: \n"
    b"encryption_cipher_text: JED01abc\nencryption_applied: 1\ntype_: 1"
)


def test_a_note_is_read_from_its_end() -> None:
    body = "one\n\nid: 9\ntype_: 6\n\n\nlast"
    read = items.parse_item(note(1, "Title: with colon", body, parent=2, is_todo="1"))
    assert (read.id, read.type, read.title, read.body) == (hexid(1), 1, "Title: with colon", body)
    assert (read.parent_id, read.updated_time, read.is_encrypted, read.deleted_time) == (hexid(2), NOW, False, 0)
    assert items.parse_item(note(1, "", "")).body == ""
    assert items.parse_item(note(1, "T", "")).title == "T"
    assert items.parse_item(note(1, "", "body")).body == "body"


def test_an_encrypted_note_says_nothing() -> None:
    read = items.parse_item(ENCRYPTED)
    assert (read.title, read.body, read.is_encrypted, read.parent_id) == ("", "", True, "2")
    with pytest.raises(Invalid, match="encrypted"):
        items.touch(ENCRYPTED, NOW)


def test_moments_are_milliseconds() -> None:
    assert items.parse_moment("2026-11-23T00:05:40.285Z") == 1_795_392_340_285
    assert [items.parse_moment(text) for text in ("", "soon", "9999-99-99", "0001-01-01T00:00:00Z")] == [0, 0, 0, 0]


def test_links_are_found_as_joplin_writes_them() -> None:
    one, two, three, four = (hexid(n) for n in range(1, 5))
    body = (
        f'![x](:/{one}) [y](:/{two}#part)\n[r]: :/{three}\n<img src=":/{four}"/> :/{hexid(5)} [n](http://:/{hexid(6)})'
    )
    assert items.find_links(body) == [one, two, three, four]


def test_a_change_touches_nothing_else() -> None:
    before = note(1, "T", "a\r\nb", future="x: y\\n", is_todo="1")
    after = items.touch(before, NOW + 5, {"deleted_time": "7", "brand_new": "a\nb"})
    assert after.startswith(b"T\n\na\r\nb\n\n")
    assert b"\nfuture: x: y\\\\n\n" in after
    assert items.parse_item(after).fields["brand_new"] == "a\\nb"
    kept = [
        line for line in before.split(b"\n") if not line.startswith((b"updated_", b"user_updated", b"deleted_time"))
    ]
    assert [line for line in kept if line not in after.split(b"\n")] == []
    assert items.parse_item(after).updated_time == NOW + 5
    assert items.parse_item(items.touch(after, NOW)).updated_time == NOW + 6


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    st.text(alphabet=st.characters(exclude_categories=["Cs"])),
)
def test_any_title_and_body_come_back(title: str, body: str) -> None:
    body = body.replace("\r\n", "\n")
    read = items.parse_item(items.touch(note(1), NOW, title=title, body=body))
    assert read.head.partition("\n")[0] == items.one_line(title)
    assert read.body == body


@given(st.binary() | st.builds(lambda text: text.encode() + b"\ntype_: 1", st.text(alphabet=":\n \\az")))
def test_reading_raises_nothing_but_invalid(data: bytes) -> None:
    try:
        read = items.parse_item(data)
    except Invalid:
        return
    assert 0 < read.type < 20


@given(st.text())
def test_escaping_is_undone(value: str) -> None:
    assert items.unescape(items.escape(value.replace("\0", ""))) == value.replace("\0", "")


@given(st.text())
def test_addresses_raise_nothing_but_invalid(text: str) -> None:
    try:
        wire.parse_item_path(text)
    except Invalid:
        return


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("root:/:/delta", ("", "delta")),
        ("root", ("", "")),
        ("root/delta", ("", "delta")),
        ("root:/a.md:", ("a.md", "")),
        ("root:/.sync/version.txt:/content", (".sync/version.txt", "content")),
        ("root%3A%2Fa%20b%3A/content", ("a b", "content")),
    ],
)
def test_addresses(raw: str, expected: tuple[str, str]) -> None:
    assert wire.parse_item_path(raw) == expected


def test_exported_names_are_safe_and_unique() -> None:
    taken: set[str] = set()
    assert [unique(safe_name(t), taken, ".md") for t in ("a/b", "A:B", "..", "", "x" * 300)] == [
        "a-b.md",
        "A-B (2).md",
        "Untitled.md",
        "Untitled (2).md",
        "x" * 80 + ".md",
    ]


def test_kinds_of_items() -> None:
    assert items.parse_item(folder(1, "Book")).title == "Book"
    assert items.parse_item(resource(1)).fields["mime"] == "image/png"
