"""The pages of docs/ as a site that fazt hosts: every page and picture is there, and it is read in light and dark."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser

from tests.e2e.browser import find_faults_in, looks_with
from tests.program import Program
from tools.pages import ROOT, build_site


def test_the_docs_are_a_site_that_fazt_hosts(shared_program: Program, browser: Browser, tmp_path: Path) -> None:
    pages = build_site(ROOT, tmp_path / "site")
    shared_program.run("deploy", str(tmp_path / "site"), "--name", "docs")
    with shared_program.client(headers={"host": "docs.localhost"}) as visitor:
        for page in pages:
            answer = visitor.get(f"/{page.target}", follow_redirects=True)
            assert answer.status_code == 200, page
            for source in re.findall(r'<img src="([^"]+)"', answer.text):
                assert visitor.get(f"/{Path(page.target).parent}/{source}").status_code == 200, source
    with looks_with(browser) as looks:
        for path in ("/", "/guide/limits", "/guide/drive"):
            assert find_faults_in(looks, f"http://docs.localhost:{shared_program.port}{path}") == {}, path
