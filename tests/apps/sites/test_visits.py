"""Visits of sites: what is counted, what is not, and the pages about it."""

from __future__ import annotations

from typing import Any

import httpx

from tests.apps.sites.conftest import Deploy
from tests.program import Program

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def ask(owner: httpx.Client, name: str, span: str = "day") -> dict[str, Any]:
    """Views and visitors by the chart, and the page itself."""
    chart = owner.get(f"/sites/{name}/visits/chart", params={"span": span}).raise_for_status().json()
    views, visitors = [sum(line["values"]) for line in chart["series"]]
    assert len(chart["times"]) == len(chart["series"][0]["values"])
    page = owner.get(f"/sites/{name}/visits", params={"span": span}).raise_for_status().text
    return {"views": views, "visitors": visitors, "page": page}


def test_page_views_are_counted(owner: httpx.Client, deploy: Deploy) -> None:
    files = {"index.html": b"x", "about.html": b"y", "a.css": b"a{}", "404.html": b"lost"}
    site = deploy("seen", files)
    people = {"user-agent": FIREFOX, "referer": "https://www.news.example/item?id=1", "accept-language": "de-AT,de"}
    assert site.get("/?utm_source=letter", headers=people).status_code == 200
    tag = site.get("/about", headers=people).headers["etag"]
    assert site.get("/about", headers={**people, "if-none-match": tag}).status_code == 304
    site.get("/", headers={"user-agent": GOOGLE})
    for path in ("/a.css", "/lost", "/about/"):
        site.get(path, headers=people)
    site.head("/", headers=people)
    site.get("/", headers={**people, "sec-purpose": "prefetch"})
    said = ask(owner, "seen")
    assert (said["views"], said["visitors"]) == (3, 1)
    for text in ("/about", "news.example", "Firefox", "letter", "Googlebot"):
        assert text in said["page"], text


def test_a_site_may_count_nobody(owner: httpx.Client, deploy: Deploy) -> None:
    site = deploy("unseen", {"index.html": b"x"}, track=False)
    site.get("/", headers={"user-agent": FIREFOX})
    assert ask(owner, "unseen")["views"] == 0


def test_pages_elsewhere_are_counted_with_a_site(program: Program, owner: httpx.Client, deploy: Deploy) -> None:
    deploy("far", {"index.html": b"x"})
    with program.client(headers={"user-agent": FIREFOX}) as stranger:
        body = {"s": "far", "u": "https://elsewhere.example/page?utm_campaign=spring", "r": "https://search.example/"}
        stranger.post("/track", data=body)
        stranger.get("/pixel.gif", params={"s": "far"}, headers={"referer": "https://elsewhere.example/mail"})
        stranger.post("/track", data={"s": "nobody", "u": "https://elsewhere.example/"})
        stranger.post("/track", data={"s": "far", "u": "http://[bad"})
    said = ask(owner, "far", "month")
    assert said["views"] == 2
    for text in ("/page", "/mail", "search.example", "spring"):
        assert text in said["page"], text


def test_all_sites_together_and_as_csv(owner: httpx.Client, deploy: Deploy) -> None:
    for name in ("first", "second"):
        deploy(name, {"index.html": b"x"}).get("/", headers={"user-agent": FIREFOX})
    said = ask(owner, "-", "week")
    assert said["views"] >= 2
    assert "/sites/second/visits" in said["page"]
    rows = owner.get("/sites/first/visits/export")
    assert rows.headers["content-disposition"] == 'attachment; filename="visits-first.csv"'
    lines = rows.text.splitlines()
    assert len(lines) == 2
    assert "Firefox" in lines[1]
    assert len(owner.get("/sites/-/visits/export").text.splitlines()) > 2
    assert owner.get("/sites/first/visits", params={"span": "eternity"}).status_code == 400
    assert owner.get("/sites/nobody/visits").status_code == 404
