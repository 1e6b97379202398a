"""Links in files and rules by themselves."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.links.model import (
    Condition,
    Link,
    NewLink,
    Rule,
    Variant,
    Visitor,
    check_rules,
    choose_target,
    with_query,
)
from fazt.apps.links.wire import exchange
from fazt.core.errors import FaztError, Invalid
from tests.conftest import NOW

FILES = {
    "shlink": json.dumps(
        {
            "shortUrls": {
                "data": [{"shortCode": "a", "longUrl": "https://x.example/", "tags": ["t"], "meta": {"maxVisits": 3}}]
            }
        }
    ),
    "bitly": json.dumps({"links": [{"link": "https://bit.ly/a", "long_url": "https://x.example/", "title": "T"}]}),
    "kutt": json.dumps({"data": [{"address": "a", "target": "https://x.example/", "description": "T"}]}),
    "yourls": json.dumps({"links": {"link_1": {"shorturl": "http://y.example/a", "url": "https://x.example/"}}}),
    "csv": "Long URL,Short code,Tags\nhttps://x.example/,a,one|two\n",
    "tabs": "keyword\turl\ttitle\na\thttps://x.example/\tT\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES.keys())
def test_what_other_programs_export(text: str) -> None:
    (row,) = exchange.read(text)
    assert row.link is not None
    assert (row.link.slug, row.link.target) == ("a", "https://x.example/")


def test_what_goes_out_comes_back() -> None:
    asked = NewLink(
        target="https://x.example/?q=1,2",
        slug="a/b",
        host="go.example",
        title='=x "y"',
        tags=("t", "u"),
        status=307,
        forward_query=False,
        is_crawlable=True,
        valid_from=NOW,
        expires_at=NOW + 1,
        max_visits=3,
        rules=(Rule("https://y.example/", (Condition("device", None, "ios"),)),),
        variants=(Variant("https://z.example/", 2),),
    )
    link = Link(id=1, owner="ann", created_at=NOW, changed_at=NOW, **msgspec.structs.asdict(asked))
    plain = Link(2, "", "plain", "https://x.example/", "ann", NOW, NOW)
    as_json = msgspec.json.encode([link, plain]).decode()
    for text in (exchange.write_csv([link, plain]), as_json):
        first, second = exchange.read(text)
        assert (first.link, second.link) == (asked, NewLink(target=plain.target, slug="plain"))
    (wrong,) = exchange.read('[{"target": "https://x.example/", "rules": [{"target": 3}]}]')
    assert wrong.link is None


@given(st.text())
def test_any_file_is_read_or_refused(text: str) -> None:
    try:
        exchange.read(text)
    except FaztError as error:
        assert isinstance(error, Invalid)  # noqa: PT017 - either it is read, or this


VISITOR = Visitor(now=NOW, address="203.0.113.7", query="a=1&b=", languages=("de-at", "en"), os="iOS", device="phone")


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        (Condition("device", None, "ios"), True),
        (Condition("device", None, "mobile"), True),
        (Condition("device", None, "android"), False),
        (Condition("language", None, "de"), True),
        (Condition("language", None, "de-CH"), False),
        (Condition("query-param", "a", "1"), True),
        (Condition("any-value-query-param", "a"), True),
        (Condition("valueless-query-param", "b"), True),
        (Condition("ip-address", None, "203.0.113.0/24"), True),
        (Condition("ip-address", None, "203.0.*.7"), True),
        (Condition("geolocation-country-code", None, "AT"), False),
        (Condition("before-date", None, "2030-01-01"), True),
        (Condition("after-date", None, "2030-01-01"), False),
        (Condition("time-of-day", None, "00:00-24:00"), True),
        (Condition("time-of-day", None, "12:00-12:00"), False),
    ],
)
def test_conditions(condition: Condition, fits: bool) -> None:
    rule = Rule("https://ruled.example/", (condition,))
    check_rules([rule], [], str)
    assert (choose_target("https://x.example/", [rule], [], VISITOR, "1") == rule.target) is fits


def test_a_split_keeps_each_visitor_and_its_weights() -> None:
    variants = [Variant("a", 3), Variant("b", 1)]
    counts = {"a": 0, "b": 0}
    for n in range(2_000):
        visitor = Visitor(now=NOW, address=f"203.0.{n // 250}.{n % 250}")
        drawn = choose_target("x", [], variants, visitor, "link 1")
        assert drawn == choose_target("x", [], variants, visitor, "link 1")
        counts[drawn] += 1
    assert 1_380 < counts["a"] < 1_620


@pytest.mark.parametrize(
    ("kind", "value"),
    [("device", "toaster"), ("before-date", "soon"), ("ip-address", "x"), ("time-of-day", "8-99:00"), ("moon", "full")],
)
def test_conditions_that_make_no_sense(kind: str, value: str) -> None:
    with pytest.raises(Invalid):
        check_rules([Rule("https://x.example/", (Condition(kind, None, value),))], [], str)


@pytest.mark.parametrize(
    ("target", "query", "whole"),
    [
        ("https://x/", "", "https://x/"),
        ("https://x/#f", "a=1", "https://x/?a=1#f"),
        ("https://x/?b=2", "a=1", "https://x/?b=2&a=1"),
        ("https://x/?", "a=1", "https://x/?a=1"),
    ],
)
def test_queries_go_along(target: str, query: str, whole: str) -> None:
    assert with_query(target, query) == whole
