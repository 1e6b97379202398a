"""Clicks as they happen: on the hub, on the page, and a sample of very many."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import httpx
import pytest

from fazt.apps.links.engine import live
from fazt.apps.links.model import Link
from fazt.core.clock import HOUR
from fazt.core.events import Event
from fazt.core.visits import Record
from fazt.core.visits.model import UTM
from tests.conftest import NOW
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

LINK = Link(7, "", "hello", "https://example.org/", "ann", NOW, NOW)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"


class Heard:
    """The part of core.events that is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_there = False
        self.told: list[Event] = []

    def is_heard(self, _name: str) -> bool:
        self.asked += 1
        return self.is_there

    def tell_live(self, fact: Event) -> None:
        self.told.append(fact)


def make_record(at: int, robot: int = 0) -> Record:
    words = dict.fromkeys(("referrer", "language", *UTM), "")
    return Record(
        kind="link",
        target="7",
        at=at,
        path="hello",
        country="DE",
        robot=robot,
        browser="Chrome",
        os="Linux",
        device="desktop",
        visitor=1,
        **words,
    )


def test_very_many_clicks_are_told_by_sample_and_counted() -> None:
    heard = Heard()
    clicks = live.LiveClicks(heard)  # type: ignore[arg-type]
    for n in range(1_000):
        clicks.note(LINK, make_record(NOW + n))
    assert (heard.asked, heard.told) == (1_000 // live.WINDOW_MS, [])
    heard.is_there = True
    for n in range(1_000):
        clicks.note(LINK, make_record(NOW + 2_000 + n, robot=n % 2))
    assert len(heard.told) == 1_000 // live.WINDOW_MS * live.IN_WINDOW
    assert sum(1 + fact.data["skipped"] for fact in heard.told) == 1_000 - (live.WINDOW_MS - live.IN_WINDOW)
    assert [fact.data["robot"] for fact in heard.told[:2]] == ["", "bot"]
    clicks.note(LINK, make_record(NOW - HOUR))
    assert heard.told[-1].at == NOW - HOUR, "a clock that was set back holds nothing up"


@pytest.fixture(scope="module")
def owner(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.owner() as client:
        client.put("/api/v1/settings/links.fetch_titles", json={"value": False}).raise_for_status()
        yield client


def click_until(done: threading.Event, program: Program, slug: str) -> None:
    """Follow a link again and again: a listener may come a moment later than its answer's head."""
    with program.client(headers={"user-agent": CHROME, "referer": "https://news.example/"}) as visitor:
        while not done.wait(0.05):
            assert visitor.get(f"/r/{slug}").status_code == 302


def read_first(client: httpx.Client, path: str, program: Program, slug: str) -> dict[str, object]:
    """The first message of a stream while somebody follows the link."""
    done = threading.Event()
    clicking = threading.Thread(target=click_until, args=(done, program, slug))
    with client.stream("GET", path, timeout=20) as answer:
        assert answer.status_code == 200
        clicking.start()
        try:
            for line in answer.iter_lines():
                text = line.removeprefix("data: ")
                if text.startswith("{") and '"' + slug in text.replace("\\", ""):
                    found: dict[str, object] = json.loads(text)
                    return found
        finally:
            done.set()
            clicking.join()
    raise AssertionError("the stream ended")


def test_clicks_are_heard_on_the_hub_and_leave_nothing_there(owner: httpx.Client, shared_program: Program) -> None:
    made = owner.post("/api/v1/links", json={"target": "https://example.org/", "slug": "heard"}).json()
    message = read_first(owner, "/hub/fazt/links.clicked/json", shared_program, "heard")
    assert message["topic"] == "fazt/links.clicked"
    told = message["data"]
    assert isinstance(told, dict)
    assert (told["name"], told["data"]["id"], told["data"]["referrer"]) == ("links.clicked", made["id"], "news.example")
    assert owner.get("/hub/fazt/links.clicked/json?poll=1&since=all").text.strip() == ""
    token = shared_program.run("token", "create", "hub", "--scope", "pubsub:read").stdout.strip()
    with shared_program.client(headers={"authorization": f"Bearer {token}"}) as other:
        assert other.get("/hub/fazt/links.clicked/json?poll=1").status_code == 403


def test_the_page_and_its_stream(owner: httpx.Client, shared_program: Program) -> None:
    made = owner.post("/api/v1/links", json={"target": "https://example.org/", "slug": "watched"}).json()
    with shared_program.client(follow_redirects=True, headers={"accept": "text/html"}) as browser:
        assert "/login" in str(browser.get("/links/live/stream").url)
        browser.post("/login", data={"login": OWNER_EMAIL, "password": OWNER_PASSWORD}).raise_for_status()
        click = read_first(browser, f"/links/live/stream?link={made['id']}", shared_program, "watched")
        assert (click["browser"], click["robot"], click["country"]) == ("Chrome", "", "")
        page = browser.get(f"/links/live?link={made['id']}").text
        assert "watched" in page
        assert "visits.country_database" in page
        assert "news.example" in page
        assert browser.get("/links/live").status_code == 200
        assert browser.get("/links/live?link=99999").status_code == 404


def test_clicks_as_csv_and_ndjson(owner: httpx.Client, shared_program: Program) -> None:
    made = owner.post("/api/v1/links", json={"target": "https://example.org/", "slug": "in-rows"}).json()
    with shared_program.client() as visitor:
        visitor.get("/r/in-rows", headers={"user-agent": CHROME})
        visitor.get("/r/in-rows", headers={"user-agent": "WhatsApp/2.23"})
    root = f"/api/v1/links/{made['id']}/visits/export"
    lines = owner.get(root).text.split("\r\n")
    assert lines[0].startswith("kind,target,at,path")
    assert len(lines) == 4
    rows = [json.loads(line) for line in owner.get(root, params={"form": "ndjson"}).text.splitlines()]
    assert [(row["path"], row["robot"]) for row in rows] == [("in-rows", ""), ("in-rows", "unfurler")]
    every = owner.get("/api/v1/links/0/visits/export", params={"form": "ndjson"}).text
    assert every.count('"in-rows"') == 2
    assert owner.get("/api/v1/links/99999/visits/export").status_code == 404
