"""Every page in a real browser: on a phone and on a desk, in light and dark, with and without script."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from fazt.apps import APPS
from fazt.core.clock import system_clock
from fazt.core.db.sqlite import create_sqlite_engine
from fazt.core.search import index
from tests.e2e.browser import LOOKS, Looks, Watched, find_faults_in, log_in, looks_of
from tests.program import Program

HOME_PAGES = [
    "/",
    "/account",
    "/account/tokens",
    "/account/notices",
    "/account/two-factor",
    "/people",
    "/settings",
    "/jobs",
    "/jobs?state=dead",
    "/activity",
    "/search?q=nothing",
]
APP_PAGES = [app.path for app in APPS if app.path not in {"", "/"} and "pages" in app.parts]
OPEN_PAGES = ["/login", "/reset?token=none", "/join?token=none"]


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud in which somebody lives."""
    folder = tmp_path_factory.mktemp("cloud")
    shutil.copy(template_file, folder / "data.db")
    with create_sqlite_engine(folder / "data.db").begin() as conn:
        text = "Flour, <b>water</b> and salt, left alone for a night."
        index(conn, "joplin.note", "1", "Bread", text, user_id=None, path="/people", now=system_clock())
    with Program(folder) as program:
        with program.owner() as owner:
            for name in ("Bea", "Cem"):
                body = {"email": f"{name.lower()}@example.org", "name": name, "password": "four quiet words here"}
                owner.post("/api/v1/users", json=body).raise_for_status()
            owner.post("/api/v1/users/cem/suspend").raise_for_status()
            owner.post("/api/v1/invitations", json={"name": "Dot"}).raise_for_status()
            owner.post("/api/v1/tokens", json={"name": "Phone", "kind": "app"}).raise_for_status()
            owner.post("/api/v1/tokens", json={"name": "CI", "scopes": ["me:read"], "days": 9}).raise_for_status()
            owner.put("/api/v1/settings/events.keep_days", json={"value": 60}).raise_for_status()
            owner.post("/api/v1/crons/events.prune/pause").raise_for_status()
        yield program


@pytest.fixture(scope="module")
def contexts(browser: Browser, cloud: Program) -> Iterator[Looks]:
    with looks_of(browser, cloud) as opened:
        yield opened


@pytest.fixture
def desk(contexts: Looks) -> Iterator[Watched]:
    watched = Watched(contexts[1280, "light"])
    yield watched
    watched.page.close()


@pytest.mark.parametrize("path", [*HOME_PAGES, *APP_PAGES])
def test_pages_are_for_everybody(contexts: Looks, cloud: Program, path: str) -> None:
    assert find_faults_in(contexts, cloud.url + path) == {}


@pytest.mark.parametrize("path", OPEN_PAGES)
@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_pages_before_the_login_are_for_everybody(
    browser: Browser, cloud: Program, path: str, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    watched = Watched(context)
    watched.open(cloud.url + path)
    watched.faults = [fault for fault in watched.faults if "404" not in fault]
    assert watched.find_faults() + watched.find_barriers() == []
    context.close()


def test_pages_can_be_read_without_script(browser: Browser, cloud: Program) -> None:
    context = browser.new_context(java_script_enabled=False)
    log_in(context, cloud)
    page = context.new_page()
    for path in (*HOME_PAGES, *APP_PAGES):
        page.goto(cloud.url + path)
        expect(page.locator("main h1")).to_be_visible()
        assert page.locator("main").inner_text().strip()
    context.close()


def test_the_apps_and_the_account_open_on_a_phone(
    contexts: dict[tuple[int, str], BrowserContext], cloud: Program
) -> None:
    watched = Watched(contexts[390, "dark"])
    page = watched.page
    watched.open(cloud.url + "/")
    page.get_by_role("navigation", name="Quick").get_by_role("button", name="Apps").click()
    expect(page.get_by_role("navigation", name="All apps")).to_be_visible()
    assert watched.find_barriers() == []
    page.get_by_role("navigation", name="All apps").get_by_role("link", name="People").click()
    page.wait_for_url("**/people")
    page.get_by_role("button", name="Your account").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    assert watched.find_barriers() == []
    page.close()


def test_where_one_is_stands_in_sight(contexts: Looks, cloud: Program, desk: Watched) -> None:
    page = contexts[390, "dark"].new_page()
    page.goto(f"{cloud.url}/mail/doctor")
    expect(page.get_by_role("navigation").get_by_role("link", name="Doctor")).to_be_in_viewport(ratio=0.9)
    page.close()
    desk.open(f"{cloud.url}/settings")
    expect(desk.page.get_by_role("navigation", name="Main").get_by_role("link", name="Settings")).to_be_in_viewport(
        ratio=1
    )


def test_keys_reach_the_content_and_the_search(desk: Watched, cloud: Program) -> None:
    desk.open(cloud.url + "/people")
    desk.page.keyboard.press("Tab")
    expect(desk.page.get_by_role("link", name="Skip to content")).to_be_focused()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("main")).to_be_focused()
    desk.page.keyboard.press("/")
    expect(desk.page.get_by_label("Search everything")).to_be_focused()


def test_a_grave_button_asks_first(desk: Watched, cloud: Program) -> None:
    desk.open(cloud.url + "/people")
    row = desk.page.get_by_role("row", name="Cem")
    row.get_by_role("button", name="Delete").click()
    dialog = desk.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete Cem for good?")
    assert desk.find_barriers() == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    expect(row).to_be_visible()
    row.get_by_role("button", name="Delete").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(desk.page.get_by_text("That person is gone from this cloud.")).to_be_visible()
    expect(row).to_have_count(0)


def test_a_new_secret_is_copied_by_a_click(desk: Watched, cloud: Program) -> None:
    desk.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=cloud.url)
    desk.open(cloud.url + "/account/tokens")
    desk.page.get_by_label("Name").fill("Laptop")
    desk.page.get_by_label("Only what is ticked here").check()
    desk.page.get_by_label("me:read", exact=True).check()
    desk.page.get_by_role("button", name="Make it").click()
    box = desk.page.get_by_label("The new secret")
    expect(box).to_have_text(re.compile("^fazt-"))
    desk.page.get_by_role("button", name="Copy").click()
    expect(desk.page.get_by_role("button", name="Copied")).to_be_visible()
    assert desk.page.evaluate("navigator.clipboard.readText()") == box.inner_text()
    assert desk.find_faults() == []


def test_events_show_up_by_themselves(desk: Watched, cloud: Program) -> None:
    desk.open(cloud.url + "/activity?prefix=settings.")
    rows = desk.page.get_by_role("table", name="Activity").locator("tbody tr")
    before = rows.count()
    with cloud.owner() as owner:
        owner.put("/api/v1/settings/events.keep_days", json={"value": 61}).raise_for_status()
    expect(rows).to_have_count(before + 1, timeout=15_000)
    assert desk.find_faults() == []


def test_jobs_refresh_by_themselves(desk: Watched, cloud: Program) -> None:
    with desk.page.expect_response("**/jobs?part=rows", timeout=15_000) as answer:
        desk.open(cloud.url + "/jobs")
    assert answer.value.status == 200
    expect(desk.page.locator("#queue")).to_have_count(1)
    assert desk.find_faults() == []


def test_things_are_found_while_one_types(desk: Watched, cloud: Program) -> None:
    desk.open(cloud.url + "/search")
    desk.page.get_by_label("Everything on this cloud").press_sequentially("wat")
    link = desk.page.get_by_role("link", name="Bread")
    expect(link).to_be_visible()
    expect(desk.page.locator("#found mark")).to_have_text("wat")
    expect(desk.page.locator("#found")).to_contain_text("<b>water</b> and salt")
    assert desk.find_faults() + desk.find_barriers() == []
    with cloud.owner() as owner:
        assert [one["id"] for one in owner.get("/api/v1/search", params={"q": "flour night"}).json()] == ["1"]
        assert owner.get("/api/v1/search", params={"q": "flour", "kind": "mail.mail"}).json() == []
    link.click()
    desk.page.wait_for_url("**/people")


def test_colours_are_chosen_at_once_and_kept(desk: Watched, cloud: Program) -> None:
    desk.open(cloud.url + "/account")
    desk.page.get_by_label("Colours").select_option("dark")
    desk.page.wait_for_selector("html[data-theme=dark]", state="attached")
    desk.page.get_by_label("Colours").select_option("auto")
    desk.page.wait_for_selector("html:not([data-theme])", state="attached")
