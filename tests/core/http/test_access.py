"""What a request says of who sends it."""

from __future__ import annotations

from time import process_time

import pytest

from fazt.core.http.access import find_cookie


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("fazt=a", "a"),
        ("x=1; fazt=a; y=2", "a"),
        ("x=1;fazt=a ;y=2", "a"),
        ("x=1;\t fazt=a=b; fazt=c", "a=b"),
        ("fazt=", ""),
        ("__Host-fazt=a", None),
        ("x=fazt=a", None),
        ("x=1 fazt=a", None),
        ("x=fazt=a; fazt=b", "b"),
        ("fazt", None),
        ("fazt =a", None),
        ("", None),
        ("fazt=\xe9", "\xe9"),
    ],
)
def test_a_cookie_is_found_by_its_whole_name(sent: str, found: str | None) -> None:
    scope = {"headers": [(b"x", b"fazt=no"), (b"cookie", sent.encode("latin-1"))]}
    assert find_cookie(scope, "fazt") == found


def test_a_cookie_may_stand_in_the_second_header() -> None:
    assert find_cookie({"headers": [(b"cookie", b"a=1"), (b"cookie", b"fazt=2")]}, "fazt") == "2"


def test_one_cookie_of_very_many_is_found_in_no_time() -> None:
    began = process_time()
    for other in (b";", b"fazt=", b"afazt=;", b" ;", b" fazt"):
        scope = {"headers": [(b"cookie", b"x" + other * 500_000 + b";fazt=1")]}
        assert find_cookie(scope, "fazt") == "1"
    assert process_time() - began < 10
