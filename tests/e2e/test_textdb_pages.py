"""The pages of TextDB in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import Looks, Watched, find_faults_in, looks_of
from tests.program import Program

PAGES = [
    "/textdb",
    "/textdb/orders",
    "/textdb/orders?where=total%20%3E%203&sort=-total",
    "/textdb/orders/document?id=o1",
    "/textdb/orders/settings",
    "/textdb/empty",
]


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud with a collection of odd documents, and an empty one."""
    folder = tmp_path_factory.mktemp("cloud")
    shutil.copy(template_file, folder / "data.db")
    with Program(folder) as program:
        with program.owner() as owner:
            settings = {"rules": {"read": "public"}, "schema": {"type": ["object", "array", "string"]}}
            owner.put("/api/v1/textdb/collections/orders", json=settings).raise_for_status()
            owner.put("/api/v1/textdb/collections/empty", json={}).raise_for_status()
            for n in range(60):
                body = {"id": f"o{n}", "name": "a name that goes on " * n, "total": n, "tags": ["one", "two"]}
                owner.post("/db/orders", json=body).raise_for_status()
            owner.put("/db/orders/o1", json={"id": "o1", "name": "again", "markup": "<b>no</b>"}).raise_for_status()
            owner.post("/db/orders", json="x" * 3_000).raise_for_status()
        yield program


@pytest.fixture(scope="module")
def looks(browser: Browser, cloud: Program) -> Iterator[Looks]:
    with looks_of(browser, cloud) as opened:
        yield opened


@pytest.mark.parametrize("path", PAGES)
def test_pages_look_right_everywhere(looks: Looks, cloud: Program, path: str) -> None:
    assert find_faults_in(looks, cloud.url + path) == {}


def test_the_feed_grows_and_a_file_is_imported(looks: Looks, cloud: Program, tmp_path: Path) -> None:
    feed, settings = Watched(looks[1280, "light"]), Watched(looks[1280, "light"])
    feed.page.goto(f"{cloud.url}/textdb/orders/feed")
    expect(feed.page.locator("[data-feed] li").first).to_contain_text("xxx")
    settings.open(f"{cloud.url}/textdb/orders/settings")
    (tmp_path / "more.csv").write_text("id,name\nc1,from a file\nbad/id,x\n")
    settings.page.set_input_files("#import-file", tmp_path / "more.csv")
    settings.page.click("[data-import] button")
    expect(settings.page.locator("[data-status]")).to_contain_text("1 new, 1 refused. Line 3:")
    expect(feed.page.locator("[data-feed] li").first).to_contain_text("from a file")
    assert feed.faults + settings.faults == []
    feed.page.close()
    settings.page.close()


def test_what_is_no_json_is_said_while_typing(looks: Looks, cloud: Program) -> None:
    watched = Watched(looks[390, "dark"])
    watched.open(f"{cloud.url}/textdb/orders/new")
    watched.page.fill("textarea", '{"a": }')
    expect(watched.page.locator("[data-said]")).to_contain_text("JSON")
    watched.page.fill("textarea", '{"a":1}')
    watched.page.click("text=Tidy up")
    expect(watched.page.locator("textarea")).to_have_value('{\n  "a": 1\n}\n')
    watched.page.click("button:has-text('Save')")
    expect(watched.page.locator("body")).to_contain_text("The document is there.")
    watched.page.close()
