"""Following links, as browsers and programs do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest

from tests.program import Program

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile/15E Safari/604"
TARGET = "https://example.org/page?a=1#part"


@pytest.fixture(scope="module")
def owner(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.owner() as client:
        client.put("/api/v1/settings/links.fetch_titles", json={"value": False}).raise_for_status()
        client.put("/api/v1/settings/links.hosts", json={"value": ["go.localhost"]}).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def visitor(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.client(headers={"user-agent": CHROME}) as client:
        yield client


def make(owner: httpx.Client, slug: str = "", target: str = TARGET, **fields: object) -> dict[str, object]:
    answer = owner.post("/api/v1/links", json={"target": target, "slug": slug, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, object] = answer.json()
    return made


def test_a_click_is_on_disk_when_it_is_answered(
    owner: httpx.Client, visitor: httpx.Client, shared_program: Program
) -> None:
    made = make(owner, "hello")
    assert made["url"] == f"http://go.localhost:{shared_program.port}/hello"
    answer = visitor.get("/r/hello?b=2", headers={"referer": "https://news.example/x"})
    assert (answer.status_code, answer.headers["location"]) == (302, "https://example.org/page?a=1&b=2#part")
    with closing(sqlite3.connect(shared_program.data)) as conn:
        rows = conn.execute("SELECT referrer, browser FROM core_visit WHERE kind = 'link'").fetchall()
    assert rows == [("news.example", "Chrome")]
    visitor.head("/r/hello")
    visitor.get("/r/hello", headers={"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"})
    found = owner.get(f"/api/v1/links/{made['id']}").json()
    assert (found["clicks"], found["robot_clicks"]) == (1, 1)
    report = owner.get(f"/api/v1/links/{made['id']}/visits").json()
    assert (report["views"], report["robot_views"]) == (1, 1)


def test_the_root_of_a_short_link_host(owner: httpx.Client, visitor: httpx.Client) -> None:
    make(owner, "docs/start")
    make(owner, "own", host="go.localhost")
    go = {"host": "go.localhost"}
    assert visitor.get("/docs/start", headers=go).status_code == 302
    assert visitor.get("/own", headers=go).status_code == 302
    assert visitor.get("/r/own").status_code == 404
    assert "Disallow: /" in visitor.get("/robots.txt", headers=go).text
    assert visitor.get("/login", headers=go).status_code == 404


@pytest.mark.parametrize(
    "target",
    ["javascript:alert(1)", "data:text/html,x", "//example.org", "example.org", "https://", "https://a b", "http://[x"],
)
def test_targets_that_lead_nowhere_good(owner: httpx.Client, target: str) -> None:
    assert owner.post("/api/v1/links", json={"target": target}).status_code == 400


def test_loops_are_refused(owner: httpx.Client) -> None:
    for target in ("http://localhost/r/x", "https://go.localhost/x"):
        answer = owner.post("/api/v1/links", json={"target": target})
        assert answer.status_code == 400
        assert "short link of this cloud" in answer.json()["detail"]


def test_visits_are_numbered(owner: httpx.Client, visitor: httpx.Client) -> None:
    make(owner, "twice", max_visits=2)
    assert [visitor.get("/r/twice").status_code for _ in range(3)] == [302, 302, 410]


def test_a_password(owner: httpx.Client, visitor: httpx.Client) -> None:
    made = make(owner, "secret", password="open sesame")
    assert made["has_password"] is True
    assert visitor.get("/r/secret").status_code == 401
    assert "not the password" in visitor.post("/r/secret", data={"password": "no"}).text
    opened = visitor.post("/r/secret", data={"password": "open sesame"})
    assert opened.status_code == 303
    visitor.cookies.update(opened.cookies)
    assert visitor.get("/r/secret").headers["location"] == TARGET
    visitor.cookies.clear()


def test_before_after_and_preview(owner: httpx.Client, visitor: httpx.Client) -> None:
    make(owner, "later", valid_from=4_000_000_000_000)
    make(owner, "over", expires_at=1_000)
    make(owner, "look")
    assert visitor.get("/r/later").status_code == 404
    assert visitor.get("/r/over").status_code == 410
    preview = visitor.get("/r/look+")
    assert preview.status_code == 200
    assert TARGET in preview.text.replace("&amp;", "&")


def test_rules(owner: httpx.Client, visitor: httpx.Client) -> None:
    rules = [
        {"target": "https://ios.example/", "conditions": [{"type": "device", "matchValue": "ios"}]},
        {"target": "https://de.example/", "conditions": [{"type": "language", "matchValue": "de"}]},
    ]
    make(owner, "ruled", rules=rules, forward_query=False)
    places = {
        "https://ios.example/": {"user-agent": IPHONE},
        "https://de.example/": {"accept-language": "de-AT,de;q=0.9"},
        TARGET: {"accept-language": "fr"},
    }
    for place, headers in places.items():
        assert visitor.get("/r/ruled", headers=headers).headers["location"] == place


def test_slugs_are_taken_and_freed(owner: httpx.Client, visitor: httpx.Client) -> None:
    made = make(owner, "mine")
    assert owner.post("/api/v1/links", json={"target": TARGET, "slug": "mine"}).status_code == 409
    assert owner.delete(f"/api/v1/links/{made['id']}").status_code == 204
    assert visitor.get("/r/mine").status_code == 404
    assert owner.post(f"/api/v1/links/{made['id']}/restore").status_code == 201
    assert visitor.get("/r/mine").status_code == 302
    changed = owner.patch(f"/api/v1/links/{made['id']}", json={"target": "https://other.example/", "tags": ["A", "b"]})
    assert changed.json()["tags"] == ["a", "b"]
    assert visitor.get("/r/mine").headers["location"] == "https://other.example/"
    assert owner.get("/api/v1/links", params={"tag": "a"}).json()["total"] == 1


@pytest.mark.parametrize("slug", ["a b", "a?b", "../x", "robots.txt", "x" * 201, "a//b", "a%2fb"])
def test_slugs_that_no_address_could_hold(owner: httpx.Client, slug: str) -> None:
    assert owner.post("/api/v1/links", json={"target": TARGET, "slug": slug}).status_code == 400


def test_who_tries_slugs_is_slowed(owner: httpx.Client, visitor: httpx.Client) -> None:
    codes = [visitor.get(f"/r/try{n}").status_code for n in range(40)]
    assert codes[0] == 404
    assert codes[-1] == 429
    assert visitor.get("/r/hello").status_code == 302, "those that exist are followed all the same"


def test_qr_codes(owner: httpx.Client) -> None:
    made = make(owner)
    assert b"<svg" in owner.get(f"/api/v1/links/{made['id']}/qr").content
    assert owner.get(f"/api/v1/links/{made['id']}/qr", params={"format": "png"}).content[:4] == b"\x89PNG"
