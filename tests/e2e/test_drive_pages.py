"""The file manager in a real browser: files go in, are shown, renamed, shared and deleted; every page looks right."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from tests.e2e.browser import Looks, find_faults_in, log_in, looks_of
from tests.program import Program

PAGES = [
    "/drive/files",
    "/drive/files/photos?view=grid",
    "/drive/files/notes.md",
    "/drive/files/photos/1.jpg",
    "/drive/search?q=jpg",
    "/drive/trash",
    "/drive/usage",
    "/drive/links",
]


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud with some of everything in its drive."""
    folder = tmp_path_factory.mktemp("cloud")
    shutil.copy(template_file, folder / "data.db")
    picture = io.BytesIO()
    Image.new("RGB", (900, 600), (40, 120, 200)).save(picture, "JPEG")
    with Program(folder) as program:
        with program.owner() as owner:
            owner.request("MKCOL", "/dav/files/photos")
            for number in range(3):
                owner.put(f"/dav/files/photos/{number}.jpg", content=picture.getvalue() + bytes([number]))
            for text in ("# Notes\n", "# Notes\n\nMore than before.\n"):
                owner.put("/dav/files/notes.md", content=text.encode())
            owner.put("/dav/files/a-long-name-that-goes-on-and-on-and-does-not-end-soon.bin", content=bytes(3_000))
            owner.put("/dav/files/gone.txt", content=b"gone")
            owner.delete("/dav/files/gone.txt")
            owner.post("/api/v1/drive/shares", json={"path": "/photos", "days": 7}).raise_for_status()
        yield program


def test_a_file_goes_in_is_renamed_shared_and_deleted(browser: Browser, cloud: Program, tmp_path: Path) -> None:
    large = tmp_path / "film.mp4"
    large.write_bytes(bytes(9 << 20))
    (tmp_path / "hello.txt").write_text("hello")
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    log_in(context, cloud)
    page = context.new_page()
    page.goto(f"{cloud.url}/drive/files")
    page.set_input_files("#choose-files", [large, tmp_path / "hello.txt"])
    expect(page.get_by_role("link", name="film.mp4")).to_be_visible(timeout=30_000)
    with cloud.owner() as owner:
        assert owner.head("/dav/files/film.mp4").headers["content-length"] == str(9 << 20)
        assert owner.request("PROPFIND", "/dav/uploads/me", headers={"depth": "0"}).status_code == 207
    page.get_by_label("Choose hello.txt").check()
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill("bye.txt")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("link", name="bye.txt")).to_be_visible()
    page.get_by_label("Choose bye.txt").check()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_role("dialog").locator(".copy code")
    expect(link).to_have_text(re.compile(r"/drive/s/\w+"))
    stranger = browser.new_context()
    seen = stranger.new_page()
    seen.goto(link.inner_text())
    expect(seen.get_by_text("hello")).to_be_visible()
    stranger.close()
    page.goto(f"{cloud.url}/drive/files/bye.txt")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url(f"{cloud.url}/drive/files")
    page.goto(f"{cloud.url}/drive/trash")
    page.get_by_role("row", name=re.compile("bye.txt")).get_by_role("button", name="Bring back").click()
    expect(page.get_by_text("It is at /bye.txt again.")).to_be_visible()
    context.close()


def test_what_was_the_last_in_the_trash_leaves_none(browser: Browser, cloud: Program) -> None:
    context = browser.new_context()
    log_in(context, cloud)
    page = context.new_page()
    with cloud.owner() as owner:
        owner.post("/api/v1/drive/trash/forget", json={"ids": []}).raise_for_status()
        owner.put("/dav/files/gone.txt", content=b"gone").raise_for_status()
        owner.delete("/dav/files/gone.txt").raise_for_status()
        page.goto(f"{cloud.url}/drive/trash")
        page.get_by_role("button", name="Bring back").click()
        expect(page.get_by_text("The trash is empty")).to_be_visible()
        expect(page.get_by_role("button", name="Empty the trash")).to_have_count(0)
        owner.delete("/dav/files/gone.txt").raise_for_status()
    context.close()


@pytest.fixture(scope="module")
def looks(browser: Browser, cloud: Program) -> Iterator[Looks]:
    with looks_of(browser, cloud) as opened:
        yield opened


@pytest.mark.parametrize("path", PAGES)
def test_every_page_looks_right(looks: Looks, cloud: Program, path: str) -> None:
    faults = find_faults_in(looks, cloud.url + path, has_one_h1=not path.endswith(".md"))  # a text may have its own
    assert faults == {}
