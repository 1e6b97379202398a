"""The pages of links, and its commands."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program


@pytest.fixture(scope="module")
def browser(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.client(headers={"accept": "text/html"}, follow_redirects=True) as client:
        client.post("/login", data={"login": OWNER_EMAIL, "password": OWNER_PASSWORD}).raise_for_status()
        client.put("/api/v1/settings/links.fetch_titles", json={"value": False}).raise_for_status()
        yield client


def make(browser: httpx.Client, slug: str) -> int:
    page = browser.post("/links", data={"target": "https://example.org/", "slug": slug, "tags": "news"})
    assert "The link is there." in page.text
    return int(str(page.url).rpartition("/")[2])


def test_a_link_is_made_changed_and_brought_back(browser: httpx.Client) -> None:
    link_id = make(browser, "hello")
    assert "is taken" in browser.post("/links", data={"target": "https://example.org/", "slug": "hello"}).text
    form = {
        "target": "https://example.org/new",
        "slug": "hello",
        "status": "301",
        "forward_query": "on",
        "expires_at": "2099-01-01T10:00",
        "rule_type": ["device", ""],
        "rule_key": ["", ""],
        "rule_value": ["ios", ""],
        "rule_target": ["https://ios.example/", ""],
        "variant_target": ["https://a.example/", ""],
        "variant_weight": ["3", ""],
    }
    assert "Saved." in browser.post(f"/links/{link_id}", data=form).text
    link = browser.get(f"/api/v1/links/{link_id}").json()
    assert (link["target"], link["status"], link["expires_at"]) == ("https://example.org/new", 301, 4_070_944_800_000)
    assert (link["rules"][0]["target"], link["variants"][0]["weight"]) == ("https://ios.example/", 3)
    wrong = browser.post(f"/links/{link_id}", data={**form, "target": "javascript:alert(1)"})
    assert "begins with https://" in wrong.text
    assert "Visitors are asked" in browser.post(f"/links/{link_id}/password", data={"password": "sesame"}).text
    assert "can be brought back" in browser.post(f"/links/{link_id}/delete").text
    assert "is back" in browser.post("/links/-/restore", data={"id": str(link_id)}).text


@pytest.mark.parametrize(
    ("typed", "target"),
    [
        ("example.com/page?a=b", "https://example.com/page?a=b"),
        ("example.com", "https://example.com"),
        ("http://example.com/", "http://example.com/"),
    ],
)
def test_an_address_may_be_typed_as_people_say_it(browser: httpx.Client, typed: str, target: str) -> None:
    page = browser.post("/links", data={"target": typed, "slug": "", "tags": ""})
    link_id = str(page.url).rpartition("/")[2]
    assert browser.get(f"/api/v1/links/{link_id}").json()["target"] == target


@pytest.mark.parametrize("typed", ["javascript:alert(1)", "ann@example.com", "word", "data:x.y/z"])
def test_what_is_no_address_stays_none(browser: httpx.Client, typed: str) -> None:
    assert "begins with https://" in browser.post("/links", data={"target": typed, "slug": "", "tags": ""}).text


def test_many_at_once_and_files(browser: httpx.Client) -> None:
    ids = [str(make(browser, name)) for name in ("many-a", "many-b")]
    browser.post("/links/-/many", data={"id": ids, "tag": "spring", "do": "tag"})
    assert browser.get("/api/v1/links", params={"tag": "spring"}).json()["total"] == 2
    assert "2 deleted" in browser.post("/links/-/many", data={"id": ids, "do": "delete"}).text
    file = {"file": ("links.csv", b"url,slug\nhttps://x.example/,from-file\nnonsense,other\n")}
    assert "1 links made, 1 left out." in browser.post("/links/-/import", files=file).text
    assert "from-file" in browser.get("/api/v1/links/export").text
    assert any(link["slug"] == "from-file" for link in browser.get("/api/v1/links/export?form=json").json())


def test_who_follows(browser: httpx.Client, shared_program: Program) -> None:
    link_id = make(browser, "followed")
    with shared_program.client(headers={"user-agent": "Mozilla/5.0 Firefox/145.0"}) as visitor:
        visitor.get("/r/followed", headers={"referer": "https://news.example/"})
        visitor.get("/r/nothing-here")
    assert "news.example" in browser.get(f"/links/{link_id}/visits").text
    everything = browser.get("/links/0/visits?span=day")
    assert "nothing-here" in everything.text
    chart = browser.get(f"/links/{link_id}/visits/chart").json()
    assert sum(chart["series"][0]["values"]) == 1


def test_commands(shared_program: Program, browser: httpx.Client) -> None:
    url = shared_program.run("links", "add", "https://example.org/", "--slug", "cli", "--tag", "x").stdout
    assert url.endswith("/r/cli\n")
    assert "cli" in shared_program.run("links", "list", "--tag", "x").stdout
    assert "example.com" in shared_program.run("links", "edit", "cli", "--target", "https://example.com/").stdout
    assert json.loads(shared_program.run("links", "stats", "cli", "--json").stdout)["views"] == 0
    shared_program.run("links", "qr", "cli", str(shared_program.data.parent / "cli.png"))
    assert (shared_program.data.parent / "cli.png").read_bytes().startswith(b"\x89PNG")
    gone = json.loads(shared_program.run("links", "rm", "cli", "--json").stdout)
    assert shared_program.run("links", "restore", str(gone["id"])).stdout == url
    report = shared_program.run("links", "import", "-", input="url,slug\nhttps://x.example/,piped\n").stdout
    assert report == "1 links made, 0 left out.\n"
    assert "piped" in shared_program.run("links", "export").stdout
