"""The pages of functions in a real browser: they look right everywhere, and the log is live."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.apps.runtime.conftest import Cloud
from tests.e2e.browser import Looks, find_faults_in, looks_of
from tests.program import Program, wait_until

PAGES = ["/functions", "/functions/shop", "/functions/shop/logs", "/functions/shop/store", "/functions/shop/settings"]
CODE = """
export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    console.log("GET", pathname, { from: request.headers.get("user-agent") });
    if (pathname === "/bad") throw new Error("The order has no number: 'undefined' is not one of the catalogue's.");
    await db.set("order:" + pathname, { lines: [{ name: "Tea", count: 2 }], paid: true });
    return new Response("ok");
  },
  async scheduled(event) {
    console.warn("nothing to do at", new Date(event.scheduledTime).toISOString());
    if (event.name === "nightly report") throw new Error("No connection to the printer");
  },
};
"""


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud with a site whose code has some of everything."""
    folder = tmp_path_factory.mktemp("functions")
    shutil.copy(template_file, folder / "data.db")
    with Program(folder) as program:
        found = Cloud(program)
        crons = [
            {"schedule": "*/5 * * * *", "name": "every five minutes", "timezone": "Europe/Berlin"},
            {"schedule": "0 3 * * *", "name": "nightly report", "retries": 0},
            {"schedule": "0 9 * * 1", "path": "/newsletter"},
        ]
        scopes = ["textdb:rw", "mail:send"]
        events = {"textdb.changed": {"collection": "orders"}, "mail.received": True}
        found.deploy("shop", {"main.js": CODE}, cron=crons, on=events, scopes=scopes)
        found.owner.put("/api/v1/functions/shop/env", json={"name": "API_KEY", "value": "x"})
        for path in ("/one", "/two/three", "/bad"):
            found.ask("shop", path)
        for entry in ("every five minutes", "nightly report"):
            found.owner.post("/api/v1/functions/shop/cron/run", json={"name": entry})
        wait_until(lambda: {run["state"] for run in found.runs("shop")} == {"done", "dead"})
        found.owner.post("/api/v1/functions/shop/cron/pause", json={"name": "nightly report"})
        found.deploy("broken", {"main.js": "export default {"})
        found.ask("broken")
        found.wait_for_log("shop", "printer")
        yield found
        found.close()


@pytest.fixture(scope="module")
def looks(browser: Browser, cloud: Cloud) -> Iterator[Looks]:
    with looks_of(browser, cloud.program) as opened:
        yield opened


@pytest.mark.parametrize("path", PAGES)
def test_pages_look_right_everywhere(looks: Looks, cloud: Cloud, path: str) -> None:
    assert find_faults_in(looks, cloud.program.url + path, is_live=path.endswith("/logs")) == {}


def test_the_log_follows_what_the_code_says(looks: Looks, cloud: Cloud) -> None:
    page = looks[1280, "light"].new_page()
    page.goto(cloud.program.url + "/functions/shop/logs")
    cloud.ask("shop", "/while-you-look")
    expect(page.locator(".lines")).to_contain_text("GET /while-you-look")
    page.locator(".lines li", has_text="/while-you-look").locator("a.run").click()
    expect(page.locator(".lines li")).to_have_count(1)
    page.close()


def test_a_person_allows_runs_sets_and_deletes(looks: Looks, cloud: Cloud) -> None:
    page = looks[390, "dark"].new_page()
    page.goto(cloud.program.url + "/functions/shop")
    page.get_by_role("button", name="Allow it").click()
    expect(page.locator("text=not allowed")).to_have_count(0)
    page.locator("tr", has_text="every five minutes").first.get_by_role("button", name="Run now").click()
    expect(page.locator("text=It runs now.")).to_be_visible()
    page.goto(cloud.program.url + "/functions/shop/store?key=order:/one#change")
    page.fill("textarea[name=value]", "{nonsense")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[role=alert]")).to_contain_text("not JSON")
    page.fill("textarea[name=value]", '{"paid": false}')
    page.get_by_role("button", name="Save").click()
    kept = cloud.owner.get("/api/v1/functions/shop/kv/entry", params={"key": "order:/one"}).json()
    assert kept["value"] == {"paid": False}
    page.goto(cloud.program.url + "/functions/shop/settings")
    page.fill("input[name=wall_s]", "12.5")
    page.locator("form", has_text="How long an answer").get_by_role("button", name="Save").click()
    assert cloud.show("shop")["function"]["limits"] == {"wall_s": 12.5}
    page.close()
