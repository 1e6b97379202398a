"""Paths, content types, encodings and what stays behind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.sites.model import check_host, check_name, check_path, check_paths, find_code
from fazt.apps.sites.wire.encoding import Encoding, _choose, choose_encoding
from fazt.apps.sites.wire.ignore import Ignore
from fazt.apps.sites.wire.resolve import Found, Moved, encode_path, find_error_page, resolve, wants_page
from fazt.apps.sites.wire.types import guess_type, is_compressible, is_immutable
from fazt.core.errors import Conflict, Invalid

FILES = frozenset(
    {
        "index.html",
        "about.html",
        "404.html",
        "docs/index.html",
        "docs/404.html",
        "docs/intro.html",
        "both.html",
        "both/index.html",
        "app.js",
        "_redirects",
        "a b/index.html",
        "/evil/index.html",
    }
)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/", Found("index.html")),
        ("/index.html", Found("index.html")),
        ("/about", Found("about.html")),
        ("/about.html", Found("about.html")),
        ("/about/", Moved("/about")),
        ("/docs", Moved("/docs/")),
        ("/docs/", Found("docs/index.html")),
        ("/docs/index.html", Found("docs/index.html")),
        ("/docs/intro", Found("docs/intro.html")),
        ("/docs/intro/", Moved("/docs/intro")),
        ("/both", Found("both.html")),
        ("/both/", Found("both/index.html")),
        ("/app.js", Found("app.js")),
        ("/app.js/", None),
        ("/app", None),
        ("/_redirects", None),
        ("/a b", Moved("/a%20b/")),
        ("//evil", Moved("/evil/")),
        ("/../about", None),
        ("//", None),
        ("", None),
        ("about", None),
    ],
)
def test_resolve(path: str, answer: Found | Moved | None) -> None:
    assert resolve(path, FILES) == answer


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/nothing", "404.html"),
        ("/docs/nothing", "docs/404.html"),
        ("/docs/deep/er/nothing", "docs/404.html"),
        ("/docs", "404.html"),
        ("/other/nothing", "404.html"),
    ],
)
def test_the_nearest_error_page(path: str, page: str) -> None:
    assert find_error_page(path, FILES) == page


def test_the_nearest_error_page_of_a_very_deep_path_takes_no_time() -> None:
    asked = 0

    class Files:
        def __contains__(self, path: object) -> bool:
            nonlocal asked
            asked += 1
            return path in FILES

    assert find_error_page("/docs" + "/a" * 30_000, Files()) == "docs/404.html"
    assert find_error_page("/" * 60_000, Files()) == "404.html"
    assert asked < 3_000


def test_no_error_page() -> None:
    assert find_error_page("/a/b", {"index.html"}) == ""


@given(st.text(max_size=60))
def test_a_location_never_leads_away(path: str) -> None:
    location = encode_path("/" + path)
    assert location.startswith("/")
    assert not location.startswith("//")
    assert location.isascii()
    assert not any(c in location for c in "\r\n\\ ")


def test_single_page_apps_answer_pages_only() -> None:
    assert wants_page("/users/7")
    assert wants_page("/")
    assert not wants_page("/missing.js")


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("A/B.HTML", "text/html; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.wasm", "application/wasm"),
        ("a.svg", "image/svg+xml; charset=utf-8"),
        ("a.woff2", "font/woff2"),
        ("site.webmanifest", "application/manifest+json; charset=utf-8"),
        ("a.b/noending", "application/octet-stream"),
        ("LICENSE", "text/plain; charset=utf-8"),
        (".well-known/apple-app-site-association", "application/json"),
        ("x.unknown", "application/octet-stream"),
    ],
)
def test_types(path: str, content_type: str) -> None:
    assert guess_type(path) == content_type


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("assets/index-BQ7k2x9Z.js", True),
        ("assets/index-B_x-9Kq2.css", True),
        ("static/js/main.3f2a9c1b.js", True),
        ("static/js/2.a3b2c1d0.chunk.js", True),
        ("main.3f2a9c1b.chunk.css", True),
        ("chunk-VBHS2GZJ.js", True),
        ("app-5f8c2e1ab37d9e40c1f6.js", True),
        ("_app/immutable/entry/start.js", True),
        ("_next/static/chunks/main.js", True),
        ("fonts/inter.4f5c8a9e1b2d3c4f.woff2", True),
        ("index.html", False),
        ("page.3f2a9c1b.html", False),
        ("jquery-3.6.0.min.js", False),
        ("report-20240101.pdf", False),
        ("style-darkmode.css", False),
        ("app-version2.js", False),
        ("setup-Windows10.exe", False),
        ("component-DarkTheme.js", False),
        ("release-RELEASE2.js", False),
        ("photo-IMG_2024.jpg", False),
        ("bootstrap.bundle.min.js", False),
        ("deadbeef.js", False),
        ("MyPhoto-FromParis2019.jpg", False),
    ],
)
def test_names_with_a_hash(path: str, *, expected: bool) -> None:
    assert is_immutable(path) is expected


def test_what_is_compressed() -> None:
    assert is_compressible("a.js", 5000)
    assert not is_compressible("a.js", 100)
    assert not is_compressible("a.png", 5000)
    assert not is_compressible("a.js", 100 << 20)


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        (b"", Encoding.IDENTITY),
        (b"gzip, deflate, br, zstd", Encoding.BROTLI),
        (b"gzip, deflate", Encoding.GZIP),
        (b"GZIP", Encoding.GZIP),
        (b"x-gzip", Encoding.GZIP),
        (b"br;q=0, gzip", Encoding.GZIP),
        (b"br;q=0.5, gzip;q=0.9", Encoding.GZIP),
        (b"*", Encoding.BROTLI),
        (b"*;q=0", Encoding.IDENTITY),
        (b"identity, gzip;q=0.5", Encoding.IDENTITY),
        (b"identity;q=0.5, gzip", Encoding.GZIP),
        (b"gzip;q=abc", Encoding.IDENTITY),
        (b"gzip;q=nan", Encoding.IDENTITY),
        (b",,;", Encoding.IDENTITY),
    ],
)
def test_encodings(accept: bytes, encoding: Encoding) -> None:
    assert choose_encoding(accept) is encoding


def test_a_long_header_is_not_remembered() -> None:
    assert choose_encoding(b"br, gzip;q=0.5, " + b"x" * 60_000) is Encoding.BROTLI
    kept = _choose.cache_info().currsize
    assert choose_encoding(b"br, gzip;q=0.5, " + b"x" * 60_001) is Encoding.BROTLI
    assert _choose.cache_info().currsize == kept


@given(st.binary(max_size=100))
def test_any_accept_encoding_is_read(accept: bytes) -> None:
    assert choose_encoding(accept) in Encoding


def test_what_stays_behind() -> None:
    paths = [
        "index.html",
        ".env",
        ".env.local",
        "sub/.env",
        ".git/config",
        "sub/.git/HEAD",
        "node_modules/a/b.js",
        ".DS_Store",
        "a/._b",
        ".well-known/security.txt",
        "drafts/x.md",
        "drafts/keep.md",
        "notes.txt",
        "environment.js",
        ".faztignore",
    ]
    ignore = Ignore("# mine\ndrafts/*\n!drafts/keep.md\n*.txt\n!.env\n")
    assert ignore.keep(paths) == ["index.html", "drafts/keep.md", "environment.js"]
    assert ".well-known/security.txt" in Ignore().keep(paths)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "empty"),
        ("/etc/passwd", "absolute"),
        ("C:/windows", "absolute"),
        ("c:x", "absolute"),
        ("../up", "'..'"),
        ("a/../b", "'..'"),
        ("a/./b", "'.'"),
        ("a//b", "empty name"),
        ("a/", "empty name"),
        ("a\\b", "backslash"),
        ("a\x00b", "control"),
        ("a\nb", "control"),
        ("a\udce9b", "UTF-8"),
        ("x" * 256, "longer than 255"),
        ("x/" * 600 + "y", "longer than 1024"),
        ("aux", "Windows"),
        ("docs/CON.txt", "Windows"),
        ("a/com1/b", "Windows"),
    ],
)
def test_paths_that_are_refused(path: str, reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        check_path(path)


@pytest.mark.parametrize(
    "path", ["index.html", "a/b/c.js", "..hidden", "a..b", "héé/日本.html", "console.js", "std::vec.html"]
)
def test_paths_that_are_fine(path: str) -> None:
    assert check_path(path) == path


def test_a_path_cannot_be_file_and_folder() -> None:
    with pytest.raises(Conflict):
        check_paths(["a", "a/b/c"])
    check_paths(["a.html", "a/b"])


@pytest.mark.parametrize("name", ["blog", "Blog ", "my-site", "a", "x1"])
def test_names(name: str) -> None:
    assert check_name(name) == name.strip().lower()


@pytest.mark.parametrize("name", ["", "-a", "a-", "a.b", "a_b", "xn--abc", "é", "www", "a" * 64, "a\nb"])
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(Invalid):
        check_name(name)


def test_hosts() -> None:
    assert check_host("WWW.Example.com.") == "www.example.com"
    assert check_host("bücher.example") == "xn--bcher-kva.example"
    for bad in ("localhost", "1.2.3.4", "a b.com", "-a.com", "", "a..b"):
        with pytest.raises(Invalid):
            check_host(bad)


def test_code() -> None:
    assert find_code({"index.html": 1}) == ""
    assert find_code(["main.ts", "x"]) == "main.ts"
