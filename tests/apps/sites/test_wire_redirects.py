"""`_redirects`: each row is a rule and what it makes of a request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.sites.wire.redirects import Redirect, Redirects, Rewrite, parse_redirects


def parse(text: str) -> Redirects:
    redirects, warnings = parse_redirects(text)
    assert warnings == []
    return redirects


TABLE = [
    # line, path, query, answer
    ("/home /", "/home", "", Redirect("/", 301)),
    ("/home /", "/home/", "", Redirect("/", 301)),
    ("/home/ /", "/home", "", Redirect("/", 301)),
    ("/home /", "/homes", "", None),
    ("/home /", "/Home", "", None),
    ("/home / 302", "/home", "", Redirect("/", 302)),
    ("/home / 303", "/home", "", Redirect("/", 303)),
    ("/home / 307", "/home", "", Redirect("/", 307)),
    ("/home / 308 # the front page", "/home", "", Redirect("/", 308)),
    ("/twitch https://twitch.tv", "/twitch", "", Redirect("https://twitch.tv", 301)),
    ("/page /page2/#fragment 301", "/page", "", Redirect("/page2/#fragment", 301)),
    ("/page /page2/#fragment 301", "/page", "a=1", Redirect("/page2/?a=1#fragment", 301)),
    ("/querystrings /?query=string 301", "/querystrings", "x=1", Redirect("/?query=string", 301)),
    ("/old /new", "/old", "a=1&b=2", Redirect("/new?a=1&b=2", 301)),
    # splats
    ("/blog/* https://blog.my.domain/:splat", "/blog/2026/x", "", Redirect("https://blog.my.domain/2026/x", 301)),
    ("/blog/* /news/:splat", "/blog/", "", Redirect("/news/", 301)),
    ("/blog/* /news/:splat", "/blog", "", Redirect("/news/", 301)),
    ("/blog/* /news/:splat", "/blogs", "", None),
    ("/* /:splat.html 200", "/a b", "", Rewrite("/a b.html", "", 200)),
    ("/blog/* /news/:splat", "/blog/a b?c", "", Redirect("/news/a%20b%3Fc", 301)),
    ("/*.php /:splat 301", "/a/b.php", "", Redirect("/a/b", 301)),
    ("/* /index.html 200", "/any/where", "", Rewrite("/index.html", "", 200)),
    ("/* /index.html 200", "/", "q=1", Rewrite("/index.html", "q=1", 200)),
    # placeholders
    (
        "/products/:code/:name /products?code=:code&name=:name",
        "/products/7/a&b",
        "",
        Redirect("/products?code=7&name=a&b", 301),
    ),
    ("/news/:year/:month/* /blog/:year-:month/:splat", "/news/2026/11/x/y", "", Redirect("/blog/2026-11/x/y", 301)),
    ("/news/:year /blog/:year", "/news/2026/11", "", None),
    ("/news/:year /blog/:year", "/news/", "", None),
    ("/news/:year /blog/:year", "/news/2026/", "", Redirect("/blog/2026", 301)),
    ("/movies/:title.html /m/:title", "/movies/up.html", "", Redirect("/m/up", 301)),
    # query parameters
    ("/store id=:id /blog/:id 301", "/store", "id=my-post", Redirect("/blog/my-post", 301)),
    ("/store id=:id /blog/:id 301", "/store", "id=my-post&more=1", Redirect("/blog/my-post", 301)),
    ("/store id=:id /blog/:id 301", "/store", "", None),
    ("/store id=7 /seven 302", "/store", "id=7", Redirect("/seven", 302)),
    ("/store id=7 /seven 302", "/store", "id=8", None),
    # other codes show a page
    ("/en/* /en/404.html 404", "/en/gone", "", Rewrite("/en/404.html", "", 404)),
    ("/shop /closed.html 410", "/shop", "", Rewrite("/closed.html", "", 410)),
    # encoded and not
    ("/caf%C3%A9 /coffee", "/café", "", Redirect("/coffee", 301)),
    ("/coffee /café", "/coffee", "", Redirect("/caf%C3%A9", 301)),
    # hosts
    ("https://old.example.com/* https://example.com/:splat 301!", "/a", "", None),
    # nowhere else
    ("/go/* /:splat", "/go//evil.example", "", Redirect("/evil.example", 301)),
    ("/go/* /:splat", "/go/\\evil.example", "", Redirect("/%5Cevil.example", 301)),
    ("/a /a/", "/a/", "", None),
]


@pytest.mark.parametrize(("line", "path", "query", "answer"), TABLE)
def test_a_rule(line: str, path: str, query: str, answer: Redirect | Rewrite | None) -> None:
    assert parse(line).find("blog.example.com", path, query, file_exists=False) == answer


def test_the_first_rule_that_fits_wins() -> None:
    rules = parse("/a /first\n/* /second\n/a /third\n/b /fourth\n")
    assert rules.find("h", "/a", "", file_exists=False) == Redirect("/first", 301)
    assert rules.find("h", "/b", "", file_exists=False) == Redirect("/second", 301)


def test_a_file_wins_over_a_rule_without_force() -> None:
    rules = parse("/a /b\n/c /d 301!\n/* /index.html 200\n")
    assert rules.find("h", "/a", "", file_exists=True) is None
    assert rules.find("h", "/c", "", file_exists=True) == Redirect("/d", 301)


def test_a_rule_for_one_host() -> None:
    rules = parse("https://old.example.com/* https://example.com/:splat 301!")
    assert rules.find("old.example.com", "/x", "", file_exists=True) == Redirect("https://example.com/x", 301)
    assert rules.find("example.com", "/x", "", file_exists=True) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("/a", "target"),
        ("a /b", "begin with /"),
        ("/a /b 299", "299"),
        ("/a /b 302 Country=au,nz", "condition"),
        ("/a /b 302 what", "not understood"),
        ("/a/*/b/* /c", "only one *"),
        ("/:a-:b /c", "only one placeholder"),
        ("/:a/:a /c", "same name"),
        ("/api/* https://api.example.com/:splat 200", "other servers"),
        ("/" + "a" * 1000 + " /b", "longer than"),
    ],
)
def test_a_line_that_is_passed_over_is_named(line: str, reason: str) -> None:
    redirects, warnings = parse_redirects(f"# mine\n\n{line}\n/x /y")
    assert len(warnings) == 1
    assert warnings[0].startswith("_redirects, line 3: ")
    assert reason in warnings[0]
    assert redirects.find("h", "/x", "", file_exists=False) == Redirect("/y", 301)


def test_too_many_dynamic_rules_are_named() -> None:
    _, warnings = parse_redirects("".join(f"/a{n}/* /b\n" for n in range(510)))
    assert len(warnings) == 10


def test_patterns_do_not_run_away() -> None:
    rules = parse("/:a/:b/:c/:d/:e/:f/x*y /z")
    assert rules.find("h", "/" + "a/" * 900, "", file_exists=False) is None


LINES = st.text(alphabet="/:*ab =?&#!%.0123\n\t\\é", max_size=200) | st.text(max_size=100)


@given(LINES, st.text(max_size=50), st.text(max_size=30))
def test_nothing_is_raised_whatever_comes(text: str, path: str, query: str) -> None:
    redirects, _ = parse_redirects(text)
    answer = redirects.find("h", "/" + path, query, file_exists=False)
    if isinstance(answer, Redirect):
        assert answer.location.startswith(("/", "http"))
        assert not answer.location.startswith("//")
        assert not any(c in answer.location for c in "\r\n\\ ")
