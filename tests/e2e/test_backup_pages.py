"""The pages of backups in a real browser: a backup is made, looked into and restored, and all looks right."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.conftest import LONG
from tests.e2e.browser import Watched, chromium, log_in
from tests.program import Program, wait_until

LOOKS = [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")]
EXAMINED = [(390, "dark"), (1280, "light")]
SHOTS = os.environ.get("FAZT_SHOTS", "")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


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


def look(browser: Browser, context: BrowserContext, program: Program, paths: list[str]) -> list[str]:
    """Every fault of these pages, in every look; in the usual run, in two of them."""
    state, faults = context.storage_state(), []
    for width, scheme in LOOKS if LONG else EXAMINED:
        other = browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=scheme,  # type: ignore[arg-type]
            storage_state=state,
        )
        for number, path in enumerate(paths):
            watched = Watched(other)
            watched.open(program.url + path)
            faults += [f"{path} {width} {scheme}: {fault}" for fault in watched.find_faults()]
            if (width, scheme) in EXAMINED:
                faults += watched.find_barriers()
            if SHOTS:
                watched.page.screenshot(
                    path=f"{SHOTS}/backup-{len(paths)}-{number}-{width}-{scheme}.png", full_page=True
                )
            watched.page.close()
        other.close()
    return faults


@pytest.mark.timeout(300)
def test_a_backup_is_made_looked_into_and_restored_by_hand(browser: Browser, cloud: Program) -> None:
    context = browser.new_context()
    log_in(context, cloud)
    assert look(browser, context, cloud, ["/backup"]) == []
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
        assert look(browser, context, cloud, ["/backup", path, "/"]) == []
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
