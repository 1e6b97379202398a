"""Conditional requests and ranges, against tables from RFC 9110 and at random."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.core.http.conditional import (
    Range,
    evaluate,
    find_ranges,
    format_date,
    parse_date,
    parse_etags,
    parse_ranges,
)

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ('"a"', ['"a"']),
        ('"a", W/"b" ,"c,d"', ['"a"', 'W/"b"', '"c,d"']),
        ("*", ["*"]),
        ("", []),
        ("bare", []),
        ('"a", bare', ['"a"']),
        ('"a","b', ['"a"']),
        ('W/"a"\t,, "" W/', ['W/"a"', '""']),
    ],
)
def test_entity_tags_are_read_as_written(value: str, tags: list[str]) -> None:
    assert parse_etags(value) == tags


def test_many_entity_tags_take_as_long_as_each_of_them() -> None:
    began = process_time()
    assert len(parse_etags('"a",' * 500_000)) == 500_000
    assert process_time() - began < 10


@pytest.mark.parametrize(
    ("method", "header", "value", "status"),
    [
        ("GET", b"if-none-match", b'"a"', 304),
        ("GET", b"if-none-match", b'W/"a"', 304),
        ("HEAD", b"if-none-match", b"*", 304),
        ("PUT", b"if-none-match", b"*", 412),
        ("GET", b"if-none-match", b'"b"', 200),
        ("GET", b"if-match", b'"a"', 200),
        ("GET", b"if-match", b'W/"a"', 412),
        ("PUT", b"if-match", b'"b"', 412),
        ("PUT", b"if-match", b"*", 200),
        ("GET", b"if-modified-since", format_date(NOW).encode(), 304),
        ("GET", b"if-modified-since", format_date(NOW - 1000).encode(), 200),
        ("GET", b"if-modified-since", b"yesterday", 200),
        ("PUT", b"if-modified-since", format_date(NOW).encode(), 200),
        ("PUT", b"if-unmodified-since", format_date(NOW - 1000).encode(), 412),
        ("PUT", b"if-unmodified-since", format_date(NOW).encode(), 200),
    ],
)
def test_conditions_follow_the_rfc(method: str, header: bytes, value: bytes, status: int) -> None:
    assert evaluate(method, [(header, value)], '"a"', NOW) == status


def test_if_match_star_fails_where_nothing_is() -> None:
    assert evaluate("PUT", [(b"if-match", b"*")], None) == 412
    assert evaluate("PUT", [(b"if-none-match", b"*")], None) == 200


def test_if_none_match_makes_if_modified_since_moot() -> None:
    headers = [(b"if-none-match", b'"b"'), (b"if-modified-since", format_date(NOW).encode())]
    assert evaluate("GET", headers, '"a"', NOW) == 200


@pytest.mark.parametrize(
    ("value", "ranges"),
    [
        ("bytes=0-0", [Range(0, 1)]),
        ("bytes=0-", [Range(0, 100)]),
        ("bytes=-10", [Range(90, 100)]),
        ("bytes=-1000", [Range(0, 100)]),
        ("bytes=90-1000", [Range(90, 100)]),
        ("bytes=0-1, 5-6", [Range(0, 2), Range(5, 7)]),
        ("bytes=100-", []),
        ("bytes=-0", []),
        ("bytes=5-4", None),
        ("bytes=a-b", None),
        ("bytes=-", None),
        ("items=0-1", None),
        ("bytes=" + ",".join(["0-1"] * 17), None),
    ],
)
def test_ranges(value: str, ranges: list[Range] | None) -> None:
    assert parse_ranges(value, 100) == ranges


@given(st.text(max_size=60), st.integers(0, 1000))
def test_ranges_never_raise_and_never_leave_the_file(value: str, size: int) -> None:
    for found in parse_ranges("bytes=" + value, size) or []:
        assert 0 <= found.start < found.end <= size


@given(st.text(max_size=60))
def test_entity_tags_never_raise(value: str) -> None:
    for tag in parse_etags(value):
        assert tag == "*" or tag.endswith('"')


@pytest.mark.parametrize(
    ("condition", "whole"),
    [
        (b'"a"', False),
        (b'"b"', True),
        (b'W/"a"', True),
        (format_date(NOW).encode(), False),
        (format_date(NOW - 1000).encode(), True),
    ],
)
def test_if_range_decides_between_part_and_whole(condition: bytes, whole: bool) -> None:
    headers = [(b"range", b"bytes=0-1"), (b"if-range", condition)]
    assert (find_ranges("GET", headers, '"a"', 10, NOW) is None) is whole


def test_dates_go_both_ways() -> None:
    assert parse_date(format_date(NOW)) == NOW // 1000
    assert parse_date("Sunday, 06-Nov-94 08:49:37 GMT") == 784111777
    assert parse_date("not a date") is None
