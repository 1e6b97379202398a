"""The protocol as bytes: what clients send is read whole, and nothing else gets through."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.pads.engine.presence import Presence
from fazt.apps.pads.model import Broken, Document, Edit, clean_text, find_edits
from fazt.apps.pads.model.diffs import compare
from fazt.apps.pads.model.document import rewrite
from fazt.apps.pads.wire import messages
from fazt.apps.pads.wire.awareness import Entry, build_entries, parse_awareness
from fazt.apps.pads.wire.lib0 import write_uint
from fazt.apps.pads.wire.updates import Walked, find_gap, find_pairs, walk
from fazt.core.errors import FaztError, Invalid, TooLarge


def make_update(text: str = "hello world") -> bytes:
    document = Document(client_id=1)
    document.edit([Edit(0, 0, text)])
    return document.missing()


def test_what_yjs_says_is_understood() -> None:
    # From yjs 13.6: "a😀b" typed, an X put behind the emoji's first half by somebody else, one character deleted.
    update = bytes.fromhex("02010200c4010101020158020100040104746578740461efbfbd84010104efbfbd6200")
    walked = walk(update)
    assert walked.blocks == [(2, 0, 1), (1, 0, 2), (1, 2, 4)]
    assert Document([update]).text == "a\ufffdX\ufffdb"


@pytest.mark.parametrize(
    "update",
    [
        b"",
        b"\x01",
        b"\xff\xff\xff\xff\x0f\x00",
        b"\x01\x01\x01\x00\x1f\x00",
        bytes.fromhex("b8cdbe0aaa6cd488704999"),
        b"\x00\x00\x00",
    ],
)
def test_what_is_no_update_is_refused(update: bytes) -> None:
    with pytest.raises(Invalid):
        walk(update)


def test_an_update_with_a_gap_is_found() -> None:
    document = Document(client_id=7)
    document.edit([Edit(0, 0, "a")])
    second = document.edit([Edit(1, 1, "b")])
    third = document.edit([Edit(0, 1, "")])
    assert find_gap(walk(second), {})
    assert find_gap(walk(third), {})
    assert not find_gap(walk(second), {7: 1})
    assert not find_gap(walk(third), {7: 2})


@given(st.binary(max_size=200))
def test_reading_messages_raises_nothing_but_our_errors(data: bytes) -> None:
    for parse in (messages.parse, messages.parse_state, parse_awareness, walk):
        with suppress(FaztError):
            parse(data)


@given(st.data())
def test_a_damaged_update_breaks_nothing(data: st.DataObject) -> None:
    update = bytearray(make_update("ab€\n" * 3))
    for _ in range(data.draw(st.integers(1, 4))):
        update[data.draw(st.integers(0, len(update) - 1))] = data.draw(st.integers(0, 255))
    document = Document([make_update("here before")])
    try:
        walked = walk(bytes(update))
        if not find_gap(walked, messages.parse_state(document.state)):
            document.apply(bytes(update))
        assert isinstance(document.text, str)
    except (Invalid, Broken):
        pass


@given(st.text(max_size=60), st.text(max_size=60))
def test_edits_make_one_text_of_the_other(old: str, new: str) -> None:
    old, new = clean_text(old), clean_text(new)
    data = old.encode()
    for edit in reversed(find_edits(old, new)):
        data = data[: edit.start] + edit.text.encode() + data[edit.end :]
    assert data.decode() == new


def test_edits_are_small_so_that_others_work_stays() -> None:
    start = "one\ntwo\nthree\n"
    base = make_update(start)
    mine = rewrite([base], "one\ntwo and a half\nthree\n")
    theirs = rewrite([base], "ONE\ntwo\nthree\nfour\n")
    assert Document([base, mine, theirs]).text == "ONE\ntwo and a half\nthree\nfour\n"
    assert rewrite([base], start) == b""


def test_texts_are_compared_line_by_line() -> None:
    lines = compare("a\nb\nc\n", "a\nB\nc\n")
    assert lines is not None
    assert [(line.kind, line.text) for line in lines] == [
        ("same", "a"),
        ("removed", "b"),
        ("added", "B"),
        ("same", "c"),
    ]
    assert compare("x\n" * 4_000, "") is None


def test_the_text_of_a_foreign_client_is_found_by_any_name() -> None:
    from pycrdt import Doc, Text

    foreign: Doc[Text] = Doc()
    foreign.get("codemirror", type=Text).insert(0, "theirs")
    document = Document([foreign.get_update()])
    assert (document.root, document.text) == ("codemirror", "theirs")


def test_awareness_belongs_to_the_connection_that_brought_it() -> None:
    presence = Presence()
    first = presence.hear("a", [Entry(1, 1, '{"user":{}}')])
    assert parse_awareness(first) == [Entry(1, 1, '{"user":{}}')]
    assert presence.hear("b", [Entry(1, 1, "{}")]) == b""
    assert parse_awareness(presence.leave("a")) == [Entry(1, 2, "null")]
    assert presence.everybody() == b""
    with pytest.raises(TooLarge):
        parse_awareness(build_entries([Entry(1, 1, '"' + "x" * 5_000 + '"')]))
    assert write_uint(300) == b"\xac\x02"


@pytest.mark.parametrize(
    ("update", "is_cut"),
    [
        ("000101010201", True),  # half of it deleted
        ("000101010002", True),  # the other half
        ("000101010102", False),  # all of it
        ("000101010301", False),  # what stands behind it
        ("01010200c401010102015800", True),  # an X put into it
        ("01010200c401020103015800", False),  # behind it
        ("01010300040104746578740661f09f9880620103010102", False),  # another one, deleted at once
        ("01010300040104746578740661f09f9880620103010201", True),  # half of another one
    ],
)
def test_cuts_through_a_character_are_found(update: str, *, is_cut: bool) -> None:
    whole = bytes.fromhex("01010100040104746578740661f09f98806200")  # from yjs: a😀b
    assert find_pairs([whole]).find_cut(walk(bytes.fromhex(update))) is is_cut


def test_an_index_of_wide_characters_is_that_of_the_text() -> None:
    document = Document(client_id=1)
    updates = [document.edit([Edit(0, 0, text)]) for text in ("a", "😀x😁", "é", "😂")]
    pairs = find_pairs(updates)
    same = find_pairs([document.missing()])
    for clock in range(10):
        probe = Walked([], {}, [], [(1, clock)])
        assert pairs.find_cut(probe) == same.find_cut(probe) == (clock in {2, 5, 8})
