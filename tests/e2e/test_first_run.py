"""From the first start to a site on the web, as a newcomer goes: by what the pages say, and nothing else."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fazt.apps import APPS
from tests.e2e.browser import Looks, find_faults_in, log_in, looks_of
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program, wait_until

FIRST_SITE_S = 120
EMPTY = [app.path for app in APPS if app.path not in {"", "/", "/upgrade"} and "pages" in app.parts]


@pytest.fixture
def new_program(template_file: Path, tmp_path: Path) -> Iterator[Program]:
    """A program that nobody has set up."""
    shutil.copy(template_file, tmp_path / "data.db")
    with Program(tmp_path, FAZT_OWNER_EMAIL="", FAZT_OWNER_PASSWORD="") as running:
        yield running


def choose(page: Page, button: str, path: Path) -> None:
    """Choose a file or folder where the page asks for one."""
    with page.expect_file_chooser() as asked:
        page.get_by_role("button", name=button).click()
    asked.value.set_files(path)


def test_from_the_link_to_a_site_on_the_web(new_program: Program, browser: Browser, tmp_path: Path) -> None:
    site = tmp_path / "My Site"
    (site / "assets").mkdir(parents=True)
    (site / "index.html").write_text("<!doctype html><title>Mine</title><h1>It is on the web</h1>")
    (site / "assets" / "style.css").write_text("h1 { color: teal }")
    began = time.monotonic()
    link = wait_until(lambda: re.findall(r"http://\S+/setup\?token=\S+", new_program.log), what="the link")[0]
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(link)
        page.get_by_label("Your name").fill("Ada")
        page.get_by_label("E-mail").fill(OWNER_EMAIL)
        page.get_by_label("Password", exact=True).fill(OWNER_PASSWORD)
        page.get_by_label("Password again").fill(OWNER_PASSWORD)
        page.get_by_role("button", name="Make my cloud").click()
        expect(page.get_by_role("heading", name="First steps")).to_be_visible()
        page.get_by_role("link", name="Choose a folder").click()
        choose(page, "Choose a folder", site)  # without a name: it gets that of the folder
        page.wait_for_url("**/sites/my-site")
        page.get_by_role("link", name="Open the site").click()
        expect(page.get_by_role("heading", name="It is on the web")).to_be_visible()
        assert page.url.startswith("http://my-site.localhost:")
        assert time.monotonic() - began < FIRST_SITE_S
        page.goto(f"{new_program.url.replace('127.0.0.1', 'localhost')}/sites")
        choose(page, "Choose a folder", site)
        page.wait_for_url("**/sites/my-site-2")  # never over another site
        page.get_by_role("link", name="Home").first.click()
        expect(page.locator(".tour li").first).to_contain_text("done")


def test_the_first_steps_are_closed_for_good_and_come_back(shared_program: Program, browser: Browser) -> None:
    steps = "First steps"
    with browser.new_context() as context, browser.new_context(java_script_enabled=False) as other:
        log_in(context, shared_program)
        page = context.new_page()
        page.goto(f"{shared_program.url}/")
        page.locator(".tour").get_by_role("button", name="Close").click()
        expect(page.get_by_role("heading", name=steps)).to_have_count(0)
        log_in(other, shared_program)  # another device
        elsewhere = other.new_page()
        elsewhere.goto(f"{shared_program.url}/")
        expect(elsewhere.get_by_role("heading", name=steps)).to_have_count(0)
        elsewhere.goto(f"{shared_program.url}/help")
        elsewhere.get_by_role("button", name="Show the first steps").click()
        expect(elsewhere.get_by_role("heading", name=steps)).to_be_visible()


def test_a_password_is_made_on_the_page_itself(shared_program: Program, browser: Browser) -> None:
    with browser.new_context() as context:
        log_in(context, shared_program)
        page = context.new_page()
        page.goto(f"{shared_program.url}/links")
        page.get_by_text("Connect an app").click()
        page.get_by_role("button", name="Make it", exact=True).click()
        expect(page.locator(".made code")).to_contain_text("fazt_")
        assert page.url == f"{shared_program.url}/links"
        secret = page.locator(".made code").inner_text()
        assert secret in page.locator("[data-recipe=curl] code").text_content()  # type: ignore[operator]
        page.reload()
        expect(page.locator(".made")).to_have_count(0)


@pytest.fixture(scope="module")
def looks(browser: Browser, shared_program: Program) -> Iterator[Looks]:
    with looks_of(browser, shared_program) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/", "/help", "/connect/drive"])
def test_the_new_pages_are_for_everybody(looks: Looks, shared_program: Program, path: str) -> None:
    assert find_faults_in(looks, shared_program.url + path) == {}


def test_every_empty_page_says_what_to_do(shared_program: Program) -> None:
    with shared_program.owner(follow_redirects=True) as owner:
        for path in EMPTY:
            main = owner.get(path).text.partition('<main id="main"')[2].partition("</main>")[0]
            assert re.search(r'class="button main|class="empty"|<form class="form"', main), path
