"""The pages of TextDB, as a browser without script uses them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program


@pytest.fixture(scope="module")
def browser(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.client(headers={"accept": "text/html"}, follow_redirects=True) as client:
        client.post("/login", data={"login": OWNER_EMAIL, "password": OWNER_PASSWORD}).raise_for_status()
        yield client


@pytest.fixture(scope="module")
def notes(browser: httpx.Client) -> str:
    made = browser.post("/textdb", data={"name": "notes", "preset": "readable"})
    assert "notes is there." in made.text
    for n in range(60):
        body = {"id": f"n{n:02}", "title": f"note {n}", "views": n}
        browser.post("/db/notes", json=body).raise_for_status()
    return "notes"


def ids(answer: httpx.Response) -> list[str]:
    return re.findall(r"document\?id=(n\d\d)\"", answer.text)


def test_a_collection_is_made_with_words(browser: httpx.Client, notes: str, shared_program: Program) -> None:
    with shared_program.client() as stranger:
        assert stranger.get("/db/notes/n01").status_code == 200
    assert "There is a collection notes already." in browser.post("/textdb", data={"name": "notes"}).text
    assert "cannot name a collection" in browser.post("/textdb", data={"name": "a/b"}).text


def test_the_table_is_filtered_ordered_and_paged(browser: httpx.Client, notes: str) -> None:
    first = browser.get("/textdb/notes")
    assert ids(first)[:2] == ["n59", "n58"]
    more = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert more is not None
    assert ids(browser.get(more[1].replace("&amp;", "&")))[-1] == "n00"
    found = browser.get("/textdb/notes", params={"where": "views >= 57", "sort": "views"})
    assert ids(found) == ["n57", "n58", "n59"]
    wrong = browser.get("/textdb/notes", params={"where": "views >="})
    assert wrong.status_code == 400
    assert "Mend the question" in wrong.text


def test_a_document_is_edited_deleted_and_brought_back(browser: httpx.Client, notes: str) -> None:
    path = "/textdb/notes/document"
    page = browser.get(path, params={"id": "n07"})
    etag = re.search(r'name="etag" value="([^"]+)"', page.text)
    assert etag is not None
    form = {
        "id": "n07",
        "etag": etag[1].replace("&#34;", '"'),
        "text": '{"id": "n07", "price": 1.50, "big": 12345678901234567890}',
    }
    assert "Saved." in browser.post(path, data=form).text
    assert browser.get("/db/notes/n07").text == form["text"]
    assert "Somebody else changed" in browser.post(path, data=form).text
    assert "This is not JSON" in browser.post(path, data={**form, "text": "{"}).text
    assert "n07 is deleted." in browser.post(f"{path}/delete", data={"id": "n07"}).text
    assert browser.get("/db/notes/n07", headers={"accept": "*/*"}).status_code == 404
    deleted = browser.get(path, params={"id": "n07"})
    seq = re.findall(r'name="seq" value="(\d+)"', deleted.text)
    assert "newest again" in browser.post(f"{path}/restore", data={"id": "n07", "seq": seq[-1]}).text
    assert browser.get("/db/notes/n07").json()["title"] == "note 7"


def test_settings_are_saved_and_refused(browser: httpx.Client, notes: str) -> None:
    form = {"rule-read": "public", "history": "3", "indexes": "views\n", "search": "title", "max_bytes": "1000"}
    assert "Saved." in browser.post("/textdb/notes/settings", data={**form, "schema": '{"type": "object"}'}).text
    kept = browser.get("/api/v1/textdb/collections/notes").json()["settings"]
    assert (kept["history"], kept["indexes"], kept["search"]) == (3, ["views"], ["title"])
    assert kept["schema"] == {"type": "object"}
    wrong = browser.post("/textdb/notes/settings", data={**form, "schema": "[1]"})
    assert "A JSON Schema is an object." in wrong.text
    assert "[1]" in wrong.text


def test_the_feed_shows_what_was_written(browser: httpx.Client, notes: str) -> None:
    assert "note 59" in browser.get("/textdb/notes/feed").text


def test_dropping_wants_the_name(browser: httpx.Client) -> None:
    browser.post("/textdb", data={"name": "old"})
    assert "Type the name" in browser.post("/textdb/old/drop", data={"name": "new"}).text
    assert "old is deleted" in browser.post("/textdb/old/drop", data={"name": "old"}).text
    assert json.loads(browser.get("/api/v1/textdb/collections").text) != []


def test_pages_are_the_owners(shared_program: Program) -> None:
    with shared_program.client(headers={"accept": "text/html"}) as stranger:
        assert stranger.get("/textdb").status_code == 303
