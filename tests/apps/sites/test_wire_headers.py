"""`_headers`: blocks that fit add up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.sites.wire.headers import merge_headers, parse_headers
from fazt.core.errors import Invalid

CLOUDFLARE = """\
# The example of the documentation
/secure/page
  X-Frame-Options: DENY
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer

/static/*
  Access-Control-Allow-Origin: *
  X-Robots-Tag: nosnippet

https://myproject.pages.dev/*
  X-Robots-Tag: noindex
"""


@pytest.mark.parametrize(
    ("host", "path", "headers"),
    [
        (
            "custom.domain",
            "/secure/page",
            {"x-frame-options": "DENY", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"},
        ),
        ("custom.domain", "/static/image.jpg", {"access-control-allow-origin": "*", "x-robots-tag": "nosnippet"}),
        ("myproject.pages.dev", "/home", {"x-robots-tag": "noindex"}),
        (
            "myproject.pages.dev",
            "/static/styles.css",
            {"access-control-allow-origin": "*", "x-robots-tag": "nosnippet, noindex"},
        ),
        ("custom.domain", "/home", {}),
    ],
)
def test_blocks_add_up(host: str, path: str, headers: dict[str, str]) -> None:
    blocks, warnings = parse_headers(CLOUDFLARE)
    assert warnings == []
    assert merge_headers(blocks, host, path, {}) == headers


def test_the_same_name_twice_is_joined() -> None:
    blocks, _ = parse_headers("/*\n  cache-control: max-age=0\n  Cache-Control: no-store\n")
    assert merge_headers(blocks, "h", "/x", {"cache-control": "default"}) == {"cache-control": "max-age=0, no-store"}


def test_a_header_is_detached() -> None:
    text = "/*\n  Content-Security-Policy: default-src 'self'\n/*.jpg\n  ! Content-Security-Policy\n  ! Cache-Control\n"
    blocks, warnings = parse_headers(text)
    assert warnings == []
    assert merge_headers(blocks, "h", "/a.jpg", {"cache-control": "x"}) == {}
    assert merge_headers(blocks, "h", "/a", {}) == {"content-security-policy": "default-src 'self'"}


def test_placeholders_in_values() -> None:
    blocks, _ = parse_headers('/movies/:title\n  x-movie-name: You are watching ":title"\n')
    assert merge_headers(blocks, "h", "/movies/up\r\nset-cookie: a", {}) == {
        "x-movie-name": 'You are watching "up%0D%0Aset-cookie:%20a"'
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("  X-Early: 1\n", "no path above"),
        ("/a\n  nonsense\n", "not Name: value"),
        ("/a\n  Content-Length: 5\n", "set by the server"),
        ("/a\n  Set-Cookie: a=b\n", "set by the server"),
        ("/a\n  X: caf\u00e9\n", "plain ASCII"),
        ("/a\n  X Y: 1\n", "name of a header"),
        ("nowhere\n", "begin with /"),
        ("/a\n  X: " + "1" * 2000, "longer than"),
    ],
)
def test_a_line_that_is_passed_over_is_named(text: str, reason: str) -> None:
    _, warnings = parse_headers(text)
    assert len(warnings) == 1
    assert reason in warnings[0]


def test_headers_below_a_bad_path_go_nowhere() -> None:
    blocks, warnings = parse_headers("/a\n  X-A: 1\nbad\n  X-B: 2\n")
    assert len(warnings) == 1
    assert merge_headers(blocks, "h", "/a", {}) == {"x-a": "1"}


def test_basic_auth_is_refused_since_the_page_would_be_open() -> None:
    with pytest.raises(Invalid, match="Basic-Auth"):
        parse_headers("/private/*\n  Basic-Auth: me:secret\n")


@given(st.text(max_size=300) | st.text(alphabet="/*:!ab\n =\t", max_size=300), st.text(max_size=40))
def test_nothing_but_invalid_is_raised(text: str, path: str) -> None:
    try:
        blocks, _ = parse_headers(text)
    except Invalid:
        return
    for name, value in merge_headers(blocks, "h", "/" + path, {}).items():
        assert name == name.lower()
        assert value.isascii()
        assert not any(c in value for c in "\r\n\x00")
