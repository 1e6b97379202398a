"""The pages of backups in a real browser: a backup is made, looked into and restored, and all looks right."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.e2e.browser import find_faults_in, log_in, looks_with
from tests.program import Program, wait_until


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A cloud with something to save, and a replica."""
    folder = tmp_path_factory.mktemp("cloud")
    shutil.copy(template_file, folder / "data.db")
    with Program(folder) as program:
        with program.owner() as owner:
            owner.put("/db/notes/a", json={"text": "hello"}).raise_for_status()
            for name, value in (("replica", str(folder / "replica")), ("replica_lag_seconds", 5)):
                owner.put(f"/api/v1/settings/backup.{name}", json={"value": value}).raise_for_status()
            wait_until(lambda: owner.get("/api/v1/backup").json()["replica"]["confirmed_at"], 30, "the replica")
        yield program


def find_all_faults(browser: Browser, context: BrowserContext, program: Program, *paths: str) -> dict[str, object]:
    """Every fault of these pages, in every look."""
    with looks_with(browser, context.storage_state()) as looks:
        return {path: found for path in paths if (found := find_faults_in(looks, program.url + path))}


@pytest.mark.timeout(300)
def test_a_backup_is_made_looked_into_and_restored_by_hand(browser: Browser, cloud: Program) -> None:
    context = browser.new_context()
    log_in(context, cloud)
    assert find_all_faults(browser, context, cloud, "/backup") == {}
    page = context.new_page()
    page.goto(f"{cloud.url}/backup")
    page.get_by_role("button", name="Back up now").click()
    expect(page.get_by_role("table", name="Backups")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Open").click()
    page.get_by_role("button", name="Look inside").click()
    expect(page.get_by_label("What", exact=True)).to_contain_text("collection notes", timeout=60_000)
    page.get_by_label("What", exact=True).select_option("collection:notes")
    page.get_by_label("Under the name").fill("notes-again")
    page.get_by_role("button", name="Bring it back").click()
    with cloud.owner() as owner:
        wait_until(lambda: owner.get("/db/notes-again/a").status_code == 200, 60, "the collection")
        epoch = owner.get("/api/v1/backup").json()["epoch"]
        path = page.url.removeprefix(cloud.url)
        assert find_all_faults(browser, context, cloud, "/backup", path, "/") == {}
        page.goto(page.url)
        page.get_by_role("button", name="Restore all of it").click()
        page.locator("dialog[open] button.danger").click()

        def has_another_epoch() -> bool:
            try:
                return bool(owner.get("/api/v1/backup").json()["epoch"] != epoch)
            except httpx.HTTPError:
                return False

        wait_until(has_another_epoch, 60, "the restore")
        assert owner.get("/db/notes-again/a").status_code == 404
    expect(page.get_by_role("heading", name="Backup", exact=True)).to_be_visible(timeout=60_000)
    context.close()
