"""The cloud as one: its dashboard stays up to date, its box finds all there is, and everything is shared alike."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.apps.joplin.making import Api, hexid, note
from tests.e2e.browser import Looks, find_faults_in, looks_of
from tests.program import Program, wait_until

FOUND = {"drive", "textdb", "joplin", "links", "pubsub", "sites"}


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud in which every app has something about saffron."""
    folder = tmp_path_factory.mktemp("whole")
    shutil.copy(template_file, folder / "data.db")
    with Program(folder) as program, program.owner() as owner:
        owner.put("/dav/files/saffron.txt", content=b"Saffron is a spice.").raise_for_status()
        owner.post("/db/spices", json={"id": "s", "name": "Saffron", "price": 9}).raise_for_status()
        owner.post("/api/v1/links", json={"target": "https://example.org", "slug": "spice", "title": "Saffron shop"})
        owner.post("/hub/kitchen/saffron", content="1").raise_for_status()
        (folder / "public").mkdir()
        (folder / "public" / "index.html").write_text("<h1>Saffron</h1>")
        program.run("deploy", str(folder / "public"), "--name", "saffron")
        notes = Api(program)
        notes.put_item(1, note(1, "Saffron rice", "with *saffron*"))
        notes.http.close()
        owner.get("/r/spice")
        owner.post("/api/v1/storage/measure").raise_for_status()
        yield program


@pytest.fixture(scope="module")
def looks(browser: Browser, cloud: Program) -> Iterator[Looks]:
    with looks_of(browser, cloud) as opened:
        yield opened


@pytest.fixture
def desk(looks: Looks) -> Iterator[Page]:
    page = looks[1280, "light"].new_page()
    yield page
    page.close()


def test_all_apps_answer_one_question(cloud: Program) -> None:
    with cloud.owner() as owner:

        def ask() -> set[str]:
            found = owner.get("/api/v1/search", params={"q": "saffr", "limit": 50}).json()
            return {one["kind"].partition(".")[0] for one in found}

        wait_until(lambda: ask() >= FOUND, 30, "everything is found")
        assert owner.get("/api/v1/search", params={"q": "saffron", "app": "links"}).json()[0]["kind"].startswith("link")
        owner.delete("/db/spices/s").raise_for_status()
        owner.delete("/dav/files/saffron.txt").raise_for_status()
        wait_until(lambda: ask() & {"textdb", "drive"} == set(), 30, "what is gone is not found")
    said = cloud.run("--json", "search", "saffron", "rice").stdout
    assert '"joplin.note"' in said
    assert "Nothing found" in cloud.run("search", "nowhereatall").stdout


def test_the_box_answers_while_one_types(desk: Page, cloud: Program) -> None:
    desk.goto(f"{cloud.url}/jobs")
    desk.keyboard.press("/")
    desk.keyboard.type("saffron ri")
    hit = desk.get_by_role("option", name=re.compile("Saffron rice"))
    expect(hit).to_be_visible()
    desk.keyboard.press("ArrowDown")
    expect(hit).to_have_attribute("aria-selected", "true")
    desk.keyboard.press("Enter")
    desk.wait_for_url(f"{cloud.url}/joplin/notes/{hexid(1)}")
    desk.keyboard.press("/")
    desk.keyboard.type("storage")
    expect(desk.get_by_role("option", name="Storage", exact=True)).to_be_visible()
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("listbox")).to_be_hidden()


def test_the_dashboard_says_by_itself_what_happened(desk: Page, cloud: Program) -> None:
    desk.goto(cloud.url)
    expect(desk.get_by_role("heading", name="Lately")).to_be_visible()
    card = desk.locator(".app-card", has_text="Links").locator(".figure")
    before = int(card.inner_text())
    with cloud.owner() as owner:
        owner.post("/api/v1/links", json={"target": "https://example.org/2", "slug": "second"}).raise_for_status()
    expect(card).to_have_text(str(before + 1), timeout=15_000)


def test_the_dashboard_shows_what_happened_before_it_listened(desk: Page, cloud: Program) -> None:
    def write_first(route: Route) -> None:
        with cloud.owner() as owner:
            owner.post("/api/v1/links", json={"target": "https://example.org/3", "slug": "third"}).raise_for_status()
        route.continue_()

    desk.route("**/home/live", write_first)
    desk.goto(cloud.url)
    shown = desk.locator(".app-card", has_text="Links").locator(".figure")
    with cloud.owner() as owner:
        links = len(owner.get("/api/v1/links").json())
    expect(shown).to_have_text(str(links), timeout=15_000)


def test_a_note_is_shared_in_the_dialog(desk: Page, cloud: Program, browser: Browser) -> None:
    desk.goto(f"{cloud.url}/joplin/notes/{hexid(1)}")
    desk.get_by_role("link", name="Share", exact=True).click()
    dialog = desk.get_by_role("dialog", name="Share by link")
    dialog.get_by_label("Password").fill("sesame")
    dialog.get_by_role("button", name="Make the link").click()
    link = dialog.locator(".copy code")
    expect(link).to_have_text(re.compile(r"/joplin/s/\w+"))
    stranger = browser.new_context()
    seen = stranger.new_page()
    seen.goto(link.inner_text())
    seen.get_by_label("Password").fill("sesame")
    seen.get_by_role("button", name="Open").click()
    expect(seen.get_by_role("heading", name="Saffron rice")).to_be_visible()
    stranger.close()
    desk.goto(f"{cloud.url}/shares")
    expect(desk.get_by_role("row", name=re.compile("Saffron rice"))).to_be_visible()


def test_storage_adds_up_to_the_file(desk: Page, cloud: Program) -> None:
    with cloud.owner() as owner:
        found = wait_until(
            lambda: answer.json() if (answer := owner.get("/api/v1/storage")).status_code == 200 else None, 30
        )
    shares = [share["tables"] + share["indexes"] + share["blobs"] for share in found["apps"] + found["house"]]
    assert sum(shares) == found["total"]
    desk.goto(f"{cloud.url}/storage")
    expect(desk.get_by_text(f"{found['total']:,} bytes").first).to_be_visible()


PAGES = ("/", "/search?q=saffron", "/storage", "/analytics", "/analytics?kind=link", "/shares", "/activity")


@pytest.mark.parametrize("path", [*PAGES, "/settings?q=mail"])
def test_every_page_looks_right(looks: Looks, cloud: Program, path: str) -> None:
    assert find_faults_in(looks, cloud.url + path) == {}
