"""Topics, patterns, frames and formats: tables, and whatever a stranger may send."""

from __future__ import annotations

import json
import struct
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fazt.apps.pubsub.model.access import Rule, Rules, check_rule
from fazt.apps.pubsub.model.filter import parse_filter
from fazt.apps.pubsub.model.index import Index, Patterns
from fazt.apps.pubsub.model.message import JSON, Message
from fazt.apps.pubsub.model.since import parse_since
from fazt.apps.pubsub.model.topic import check_pattern, check_topic, matches
from fazt.apps.pubsub.wire import asking, formats
from fazt.core import frames
from fazt.core.auth import Caller
from fazt.core.errors import Forbidden, Invalid, TooLarge, Unauthorized

LEVELS = st.lists(st.sampled_from(["a", "b", "c", "fazt"]), min_size=1, max_size=4).map("/".join)
PATTERNS = st.builds(
    lambda levels, rest: "/".join([*levels, *(["#"] if rest else [])]) or "#",
    st.lists(st.sampled_from(["a", "b", "fazt", "+"]), max_size=4),
    st.booleans(),
)
NOW = 1_800_000_000_000


def make(data: bytes = b"21.5", content_type: str = "text/plain", **extra: object) -> Message:
    return Message(seq=7, n=2, id="mabc", topic="home/temp", at=NOW, data=data, content_type=content_type, extra=extra)


@pytest.mark.parametrize(
    ("pattern", "topic", "is_match"),
    [
        ("home/temp", "home/temp", True),
        ("home/+", "home/temp", True),
        ("home/+", "home/a/temp", False),
        ("home/#", "home/a/temp", True),
        ("home/#", "home", True),
        ("home/#", "homes", False),
        ("+/temp", "home/temp", True),
        ("#", "home/temp", True),
        ("#", "fazt/mail.received", False),
        ("+/mail.received", "fazt/mail.received", False),
        ("fazt/#", "fazt/mail.received", True),
        ("db/+", "db/notes", True),
    ],
)
def test_patterns(pattern: str, topic: str, is_match: bool) -> None:
    assert matches(check_pattern(pattern), topic) is is_match


def test_a_shells_wildcards_mean_the_same() -> None:
    assert check_pattern("home/*/temp/**") == "home/+/temp/#"


@pytest.mark.parametrize(
    "name", ["", "/", "a//b", "a/", "a b", "a#", "a+b", "x" * 201, "a\x00", "..", "a,b", "/".join("a" * 17)]
)
def test_what_is_no_topic(name: str) -> None:
    with pytest.raises(Invalid):
        check_topic(name)


@pytest.mark.parametrize("pattern", ["#/a", "a/#/b", "a+", "**/x"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(Invalid):
        check_pattern(pattern)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # a busy machine is no fault
@given(st.lists(PATTERNS, max_size=8), LEVELS)
def test_the_index_finds_what_the_rule_says(patterns: list[str], topic: str) -> None:
    index: Index[int] = Index()
    for number, pattern in enumerate(patterns):
        index.add(pattern, number)
    wanted = {number for number, pattern in enumerate(patterns) if matches(pattern, topic)}
    assert set(index.match(topic)) == wanted
    assert (topic in Patterns(patterns)) == bool(wanted)
    for number, pattern in enumerate(patterns):
        index.remove(pattern, number)
    assert index.match(topic) == {}
    assert index._root.is_empty()


OWNER = Caller("o", role="owner")
MEMBER = Caller("m")


def test_rules_say_who_may_what() -> None:
    rules = Rules(
        [Rule("public/#", "everyone", "read"), Rule("public/own", "m", "rw"), Rule("home/#", "members", "none")]
    )
    assert rules.may(None, "public/x", "read")
    assert not rules.may(None, "public/x", "write")
    assert rules.may(MEMBER, "public/own", "write")
    assert not rules.may(MEMBER, "home/x", "read")
    assert rules.may(MEMBER, "other", "write")
    assert rules.may(OWNER, "home/x", "read")
    assert not rules.may(OWNER, "fazt/x.y", "write")
    assert not rules.may(MEMBER, "fazt/x.y", "read")
    with pytest.raises(Unauthorized):
        rules.check(None, "other", "read")
    with pytest.raises(Forbidden):
        rules.check(MEMBER, "home/x", "read")
    with pytest.raises(Invalid):
        check_rule("a", "everyone", "all")


def test_tokens_are_held_to_their_topics() -> None:
    rules = Rules([])
    token = Caller("o", role="owner", scopes=frozenset({"pubsub:read:home/*", "pubsub:read:fazt/*", "mail:read"}))
    assert rules.may(token, "home/temp", "read")
    assert not rules.may(token, "home/temp", "write")
    assert not rules.may(token, "garden", "read")
    assert rules.may(token, "fazt/mail.received", "read")
    assert not rules.may(token, "fazt/drive.changed", "read")
    wide = Caller("o", role="owner", scopes=frozenset({"pubsub:rw"}))
    assert not rules.may(wide, "db/notes", "read")
    assert rules.may(
        Caller("o", role="owner", scopes=frozenset({"pubsub:rw", "textdb:read:notes"})), "db/notes", "read"
    )


def client_frame(opcode: int, payload: bytes, *, fin: bool = True, mask: bytes = b"\x01\x02\x03\x04") -> bytes:
    size = len(payload)
    head = bytes([(0x80 if fin else 0) | opcode])
    if size < 126:
        head += bytes([0x80 | size])
    else:
        head += (
            bytes([0x80 | 126]) + struct.pack("!H", size) if size < 65_536 else bytes([0xFF]) + struct.pack("!Q", size)
        )
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # as above
@given(st.binary(max_size=70_000), st.integers(1, 999), st.binary(min_size=4, max_size=4))
def test_a_frame_comes_whole_however_it_is_cut(payload: bytes, step: int, mask: bytes) -> None:
    parser = frames.Parser(100_000)
    data = client_frame(frames.BINARY, payload, mask=mask) + client_frame(frames.PING, b"!")
    found = [one for at in range(0, len(data), step) for one in parser.feed(data[at : at + step])]
    assert found == [(frames.BINARY, payload), (frames.PING, b"!")]


def test_pieces_of_a_message_with_a_ping_between() -> None:
    data = (
        client_frame(1, b"a", fin=False)
        + client_frame(9, b"")
        + client_frame(0, b"b", fin=False)
        + client_frame(0, b"c")
    )
    assert frames.Parser(100).feed(data) == [(9, b""), (1, b"abc")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x01a", 1002),
        (b"\xc1\x80\0\0\0\0", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (b"\x09\x80\0\0\0\0", 1002),
        (b"\x89\xfe\0\x7e", 1002),
        (b"\x80\x80\0\0\0\0", 1002),
        (client_frame(1, b"a", fin=False) + client_frame(1, b"b"), 1002),
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 1009),
        (client_frame(1, b"x" * 60, fin=False) + client_frame(0, b"x" * 60), 1009),
        (client_frame(1, b"", fin=False) + client_frame(0, b"", fin=False) * 9, 1009),
    ],
)
def test_malformed_frames(data: bytes, code: int) -> None:
    with pytest.raises(frames.Malformed) as caught:
        frames.Parser(100).feed(data)
    assert caught.value.code == code


@given(st.binary(max_size=400))
def test_garbage_is_malformed_at_worst(data: bytes) -> None:
    with suppress(frames.Malformed):
        for opcode, payload in frames.Parser(100).feed(data):
            if opcode == frames.CLOSE:
                frames.parse_close(payload)


def test_what_a_message_looks_like() -> None:
    assert formats.to_json(make()) == (
        b'{"event":"message","seq":7,"n":2,"id":"mabc","topic":"home/temp","at":"2027-01-15T08:00:00.000Z","data":"21.5"}'
    )
    assert json.loads(formats.to_json(make(b'{"a":1}', JSON, title="T")))["data"] == {"a": 1}
    assert json.loads(formats.to_json(make(b"\xff\xfe"))) | {"encoding": "base64"} == json.loads(
        formats.to_json(make(b"\xff\xfe"))
    )
    assert formats.raw_line(make(b"a\nb")) == b"4\r\na b\n\r\n"
    assert formats.sse_body(make(b"a\nb")) == b"17\r\nid: 7\ndata: a\ndata: b\n\n\r\n"
    assert formats.ws_body(make(b"\xff"))[0] == 0x82
    assert frames.build(1, b"x" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert frames.build(1, b"x" * 70_000)[:4] == b"\x81\x7f\x00\x00"


@given(st.binary(max_size=60), st.sampled_from(["", "application/json", "text/csv", "x" * 120]))
def test_bodies_are_kept_or_refused(data: bytes, content_type: str) -> None:
    with suppress(Invalid, TooLarge):
        body, kept = asking.to_body(data, content_type, 50)
        message = make(body, kept)
        for form in formats.FORMATS.values():
            assert form.message(message)
        json.loads(formats.to_json(message))
        assert b"\n" not in formats.to_json(message)


@given(st.text(max_size=30))
def test_since_is_understood_or_refused(text: str) -> None:
    with suppress(Invalid):
        parse_since(text, NOW)


def test_since_in_its_forms() -> None:
    assert parse_since("10m", NOW).number == NOW - 600_000
    assert parse_since("1h30m", NOW).number == NOW - 5_400_000
    assert parse_since("17", NOW).way == "seq"
    assert parse_since("1799999999", NOW).number == 1_799_999_999_000
    assert parse_since("mabcdefghijk", NOW).id == "mabcdefghijk"


@given(st.binary(max_size=80))
def test_items_are_understood_or_refused(data: bytes) -> None:
    with suppress(Invalid, TooLarge):
        asking.parse_items(data)


def test_filters() -> None:
    def is_wanted(message: Message, /, **asked: str) -> bool:
        wanted = parse_filter(asked)
        return wanted is None or wanted(message)

    tagged = make(b"21.5", tags=["a", "b"], priority=4, title="T")
    assert is_wanted(tagged)
    assert is_wanted(tagged, tags="a,b", priority="high,5", title="T", message="21.5")
    assert not is_wanted(tagged, tags="a,c")
    assert not is_wanted(tagged, priority="1")
    assert is_wanted(make(), priority="default")
    assert is_wanted(make(), above="20", below="22")
    assert not is_wanted(make(), above="21.5")
    assert not is_wanted(make(b"words"), above="1")
    room = make(b'{"room":"kitchen","n":1}', JSON)
    assert is_wanted(room, **{"field.room": "kitchen", "field.n": "1"})
    assert not is_wanted(room, **{"field.room": "hall"})
    with pytest.raises(Invalid):
        parse_filter({"priority": "9"})


def test_members_have_the_topics_below_their_name() -> None:
    rules = Rules([Rule("ada/shared", "members", "read")], "none")
    ada = Caller("a", handle="ada")
    assert rules.may(ada, "ada", "write")
    assert rules.may(ada, "ada/door", "write")
    assert not rules.may(ada, "ada/shared", "write"), "a rule counts before"
    assert not rules.may(ada, "adam/door", "read")
    assert not rules.may(Caller("b", handle="bert"), "ada/door", "read")
