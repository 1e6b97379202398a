"""Pages of topics as people see them: wide and narrow, light and dark, live, and by a link."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.browser import Looks, Watched, find_faults_in, log_in, looks_of
from tests.program import Program

CHART_BYTES = 70_000
"""A page with a chart brings uPlot, 51 KB of script before it is compressed."""


@pytest.fixture(scope="module")
def board(shared_program: Program) -> str:
    """Topics with values, an alert that fires, a rule, and the id of a board over them."""
    with shared_program.owner() as owner:
        for n in range(60):
            owner.post("/hub/home/kitchen/temp", content=str(round(20 + 3 * ((n * 37) % 11) / 11, 1)))
        owner.post("/hub/home/kitchen/hum", json={"value": 48})
        owner.post(
            "/hub/home/door?title=Front%20door&priority=high", content="opened by Ada at the front, with the spare key"
        )
        owner.post("/api/v1/pubsub/alerts", json={"topic": "home/kitchen/temp", "kind": "above", "value": 20.5})
        owner.post("/api/v1/pubsub/alerts", json={"topic": "home/kitchen/temp", "kind": "silent", "value": 30})
        owner.post("/hub/home/kitchen/temp", content="21.5")
        owner.put("/api/v1/pubsub/rules", json={"pattern": "public/#", "who": "everyone", "may": "read"})
        tiles = [
            {"topic": "home/kitchen/temp", "kind": "chart", "title": "Kitchen", "unit": "°C", "is_wide": True},
            {"topic": "home/kitchen/hum", "kind": "gauge", "title": "Humidity", "unit": "%"},
            {"topic": "home/door", "kind": "text", "title": "Door"},
            {"topic": "home/garden", "title": "Garden"},
        ]
        made = owner.post("/api/v1/pubsub/boards", json={"title": "At home", "tiles": tiles})
        owner.post("/api/v1/pubsub/shares", json={"topic": "home/kitchen/temp"})
        return str(made.json()["id"])


@pytest.fixture(scope="module")
def looks(browser: Browser, shared_program: Program) -> Iterator[Looks]:
    """Contexts of the owner, one for each look."""
    with looks_of(browser, shared_program) as contexts:
        yield contexts


@pytest.mark.parametrize("path", ["/topics", "/topics/rules", "/topics/boards/{board}", "/topics/boards/{board}/edit"])
def test_pages_have_no_faults(looks: Looks, shared_program: Program, board: str, path: str) -> None:
    assert find_faults_in(looks, shared_program.url + path.format(board=board)) == {}


def test_the_page_with_a_chart_has_no_faults(looks: Looks, shared_program: Program, board: str) -> None:
    url = f"{shared_program.url}/topics/t/home/kitchen/temp"
    assert find_faults_in(looks, url, max_script_bytes=CHART_BYTES) == {}


def post(program: Program, topic: str, body: str) -> None:
    with program.owner() as owner:
        assert owner.post(f"/hub/{topic}", content=body).status_code == 200


def wait_for_text(page: Page, place: str, text: str) -> None:
    page.wait_for_function(
        "([place, text]) => document.querySelector(place).textContent.trim() === text", arg=[place, text]
    )


def test_a_topic_and_a_board_are_live(browser: Browser, shared_program: Program, board: str) -> None:
    with browser.new_context() as context:
        log_in(context, shared_program)
        watched = Watched(context)
        page = watched.page
        watched.open(f"{shared_program.url}/topics/t/home/kitchen/temp")
        assert page.locator(".plot canvas").count() == 1
        post(shared_program, "home/kitchen/temp", "23.25")
        wait_for_text(page, "[data-last]", "23.25")
        wait_for_text(page, ".said-log li:first-child [data-body]", "23.25")
        page.fill("input[name=value]", "30")
        page.click("text=Add")
        assert page.locator("text=above 30").count() == 1
        watched.open(f"{shared_program.url}/topics/boards/{board}")
        before = page.get_attribute("svg[data-spark] path", "d")
        post(shared_program, "home/kitchen/temp", "29")
        wait_for_text(page, "[data-topic='home/kitchen/temp'] [data-last]", "29")
        assert page.get_attribute("svg[data-spark] path", "d") != before
        post(shared_program, "home/garden", "12")
        wait_for_text(page, "[data-topic='home/garden'] [data-last]", "12")
        assert watched.faults == []


def test_a_board_is_made_in_a_minute_and_shared(browser: Browser, shared_program: Program, board: str) -> None:
    with browser.new_context() as context:
        log_in(context, shared_program)
        watched = Watched(context)
        page = watched.page
        watched.open(f"{shared_program.url}/topics")
        page.fill("form[action='/topics/boards'] input[name=title]", "New one")
        page.click("text=Make it")
        page.fill("input[name=topic]", "home/kitchen/hum")
        page.select_option("select[name=kind]", "gauge")
        page.click("button:has-text('Add')")
        page.get_by_role("link", name="Share", exact=True).click()
        page.get_by_role("button", name="Make the link").click()
        link = page.inner_text("dialog .copy code")
        assert "/topics/shared/" in link
    with browser.new_context(color_scheme="dark", viewport={"width": 390, "height": 844}) as stranger:
        watched = Watched(stranger)
        watched.open(f"{shared_program.url}/topics/shared/{link.rpartition('/')[2]}")
        post(shared_program, "home/kitchen/hum", "55")
        wait_for_text(watched.page, "[data-last]", "55")
        assert watched.find_faults() + watched.find_barriers() == []
        assert httpx.get(f"{shared_program.url}/hub/home/door").status_code == 401
