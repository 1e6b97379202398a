"""The page of upgrades in a real browser."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser

from tests.apps.upgrade.trees import Release, serving
from tests.e2e.browser import Watched, find_faults_in, looks_of
from tests.program import Program

SHOTS = os.environ.get("FAZT_SHOTS", "")


def test_the_page_tells_what_is_newer_in_every_look(browser: Browser, template_file: Path, tmp_path: Path) -> None:
    shutil.copy(template_file, tmp_path / "data.db")
    with (
        serving([Release(tmp_path, "99.0.0")]) as server,
        Program(tmp_path) as program,
        program.owner() as owner,
        looks_of(browser, program) as looks,
    ):
        assert find_faults_in(looks, f"{program.url}/upgrade") == {}
        owner.put("/api/v1/settings/upgrade.releases_url", json={"value": server.releases_url}).raise_for_status()
        first = Watched(next(iter(looks.values())))
        first.open(f"{program.url}/upgrade")
        first.page.get_by_role("button", name="Check").click()
        first.page.get_by_role("heading", name="fazt 99.0.0 is there").wait_for()
        assert find_faults_in(looks, f"{program.url}/upgrade") == {}
        for (width, scheme), context in looks.items() if SHOTS else ():
            page = context.new_page()
            page.goto(f"{program.url}/upgrade")
            page.screenshot(path=f"{SHOTS}/upgrade-{width}-{scheme}.png", full_page=True)
            page.close()
