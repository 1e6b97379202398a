"""The pages of sites in a real browser: a folder becomes a site, and every page looks right everywhere."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.apps.sites.archives import make_zip
from tests.e2e.browser import Looks, Watched, find_faults_in, looks_of
from tests.program import Program

HELLO = Path(__file__).parents[2] / "examples" / "hello"
PAGES = [
    "/sites",
    "/sites/blog",
    "/sites/blog/files",
    "/sites/blog/settings",
    "/sites/blog/visits",
    "/sites/-/visits?span=week",
    "/sites/blank",
    "/sites/blank/visits",
]


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud with a site that has some of everything."""
    folder = tmp_path_factory.mktemp("cloud")
    shutil.copy(template_file, folder / "data.db")
    with Program(folder) as program:
        with program.owner() as owner:
            for n in range(3):
                files = {"index.html": b"<h1>%d</h1>" % n, "assets/a-long-name-that-goes-on-and-on.css": b"a{}" * 400}
                owner.put("/api/v1/sites/blog", content=make_zip(files), params={"message": f"Change {n}"})
            owner.post("/api/v1/sites/blog/domains", json={"host": "www.example.org"}).raise_for_status()
            owner.put("/api/v1/sites/blank", content=make_zip({"x.txt": b"x"})).raise_for_status()
            owner.put("/api/v1/sites/blank/password", json={"password": "open sesame"}).raise_for_status()
            owner.put("/api/v1/sites/gone", content=make_zip({"x.txt": b"x"})).raise_for_status()
            owner.delete("/api/v1/sites/gone").raise_for_status()
        headers = {"host": "blog.localhost", "referer": "https://news.example/", "user-agent": "Firefox/145.0"}
        with program.client(headers=headers) as visitor:
            assert visitor.get("/").status_code == 200
        yield program


@pytest.fixture(scope="module")
def looks(browser: Browser, cloud: Program) -> Iterator[Looks]:
    with looks_of(browser, cloud) as opened:
        yield opened


@pytest.mark.parametrize("path", PAGES)
def test_pages_look_right_everywhere(looks: Looks, cloud: Program, path: str) -> None:
    assert find_faults_in(looks, cloud.url + path) == {}


def test_a_folder_becomes_a_site_and_its_next_version(looks: Looks, cloud: Program, tmp_path: Path) -> None:
    folder = tmp_path / "hello"
    shutil.copytree(HELLO, folder)
    deep = folder / ("a" * 60) / ("b" * 60)
    deep.mkdir(parents=True)
    (deep / "caf\u00e9.txt").write_text("deep")
    (folder / ".env").write_text("SECRET=1")
    watched = Watched(looks[1280, "light"])
    page = watched.page
    watched.open(cloud.url + "/sites")
    page.get_by_role("button", name="Choose a folder").wait_for()
    page.get_by_label("Name").fill("Dropped")
    page.set_input_files("[data-folder]", folder)
    page.wait_for_url("**/sites/dropped")
    expect(page.get_by_role("table", name="Versions")).to_contain_text("by this page")
    with cloud.client(headers={"host": "dropped.localhost"}) as visitor:
        assert "<h1>Hello</h1>" in visitor.get("/").text
        assert visitor.get(f"/{'a' * 60}/{'b' * 60}/caf%C3%A9.txt").text == "deep"
        assert visitor.get("/.env").status_code == 404
    archive = tmp_path / "next.zip"
    archive.write_bytes(make_zip({"index.html": b"<h1>Next</h1>"}))
    page.set_input_files("[data-archive]", archive)
    expect(page.get_by_role("table", name="Versions")).to_contain_text(re.compile(r"2\s*shown"))
    page.get_by_role("button", name="Show this one").click()
    expect(page.get_by_text("Version 1 is shown.")).to_be_visible()
    bad = tmp_path / "bad.zip"
    bad.write_bytes(make_zip({"../up.html": b"x"}))
    page.set_input_files("[data-archive]", bad)
    expect(page.get_by_role("status").filter(has_text="'..'").first).to_be_visible()
    watched.faults = [fault for fault in watched.faults if "400" not in fault]
    assert watched.find_faults() == []


def test_a_dropped_folder(looks: Looks, cloud: Program) -> None:
    watched = Watched(looks[1280, "light"])
    watched.open(cloud.url + "/sites")
    watched.page.get_by_role("button", name="Choose a folder").wait_for()
    watched.page.get_by_label("Name").fill("loose")
    transfer = watched.page.evaluate_handle(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["<h1>Loose</h1>"], "index.html", { type: "text/html" }));
            data.items.add(new File(["a{}"], "a.css", { type: "text/css" }));
            return data;
        }"""
    )
    watched.page.dispatch_event("[data-zone]", "drop", {"dataTransfer": transfer})
    watched.page.wait_for_url("**/sites/loose")
    with cloud.client(headers={"host": "loose.localhost"}) as visitor:
        assert visitor.get("/").text == "<h1>Loose</h1>"
    assert watched.find_faults() == []


def test_people_enter_a_protected_site(browser: Browser, cloud: Program) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://blank.localhost:{cloud.port}/x.txt")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the password.")
    page.get_by_label("Password").fill("open sesame")
    page.get_by_role("button", name="Open").click()
    expect(page.locator("body")).to_have_text("x")
    assert page.url.endswith("/x.txt")
    context.close()
