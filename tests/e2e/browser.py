"""Debian's Chromium, driven by Playwright, and what every page has to be."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect, sync_playwright

from tests.conftest import LONG
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
EXAMINED = {(390, "dark"), (1280, "light")}
"""Looks (width, scheme) in which axe-core examines every page: both widths, both schemes, half the time."""

ALL_LOOKS = [(width, scheme) for width in (390, 1280) for scheme in ("light", "dark")]
LOOKS = ALL_LOOKS if LONG else sorted(EXAMINED)
"""Each page takes seconds in each look, so the short run has half of them."""

expect.set_options(timeout=15_000)
"""What has to be on a page has to come; a busy machine may take longer for it than Playwright's five seconds."""

Looks = dict[tuple[int, str], BrowserContext]
GRAVE = {"serious", "critical"}
MAX_SCRIPT_BYTES = 60_000
MAX_SHIFT = 0.01
SHIFTS = """
globalThis.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    path = shutil.which("chromium")
    assert path is not None, "chromium is not installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def log_in(context: BrowserContext, program: Program, login: str = OWNER_EMAIL, password: str = OWNER_PASSWORD) -> None:
    """Log in through the form, so that the context has the session's cookie."""
    page = context.new_page()
    page.goto(f"{program.url}/login")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(f"{program.url}/")
    page.close()


@contextmanager
def looks_of(browser: Browser, program: Program) -> Iterator[Looks]:
    """The owner's browser in every look, logged in."""
    first = browser.new_context()
    log_in(first, program)
    with looks_with(browser, first.storage_state()) as opened:
        yield opened
    first.close()


@contextmanager
def looks_with(browser: Browser, state: StorageState | None = None) -> Iterator[Looks]:
    """A browser in every look, with this state of another one, or a stranger's."""
    opened = {
        (width, scheme): browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=scheme,  # type: ignore[arg-type] # one of two words
            storage_state=state,
        )
        for width, scheme in LOOKS
    }
    yield opened
    for context in opened.values():
        context.close()


def find_faults_in(
    looks: Looks, url: str, *, max_script_bytes: int = MAX_SCRIPT_BYTES, is_live: bool = False, has_one_h1: bool = True
) -> dict[tuple[int, str], list[str]]:
    """What is wrong with a page in each look; nothing, we hope. A live page is never idle.

    It is opened in all looks before the first is examined, so that they load and grow idle together; and barriers,
    which take seconds to find, come last, since by then news may have come that rightly moves a live page.
    """
    opened = {look: Watched(context) for look, context in looks.items()}
    for watched in opened.values():
        watched.begin(url)
    faults = {}
    for look, watched in opened.items():
        watched.page.wait_for_load_state("load" if is_live else "networkidle")
        faults[look] = watched.find_faults(max_script_bytes)
    for look, watched in opened.items():
        found = faults[look]
        if look in EXAMINED:
            found += watched.find_barriers()
        if watched.page.locator("h1").count() != 1 and has_one_h1:
            found.append("not one h1")
        watched.page.close()
    return {look: found for look, found in faults.items() if found}


class Watched:
    """A page of which everything that goes wrong is kept."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.faults: list[str] = []
        self.script_bytes = 0
        self.page.add_init_script(SHIFTS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("response", self._weigh)

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"console: {message.text}")

    def _weigh(self, response: Any) -> None:
        if response.request.resource_type == "script":
            self.script_bytes += len(response.body())
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")

    def begin(self, url: str) -> None:
        """Go there."""
        self.script_bytes = 0
        self.page.goto(url, wait_until="commit")

    def open(self, url: str) -> None:
        """Go there and wait until nothing more is loaded."""
        self.begin(url)
        self.page.wait_for_load_state("networkidle")

    def find_faults(self, max_script_bytes: int = MAX_SCRIPT_BYTES) -> list[str]:
        """Sideways scrolling, shifting layout, heavy scripts, and errors until now."""
        found = list(self.faults)
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            found.append(f"{wide} pixels wider than the window")
        shifted = self.page.evaluate("globalThis.shifted")
        if shifted > MAX_SHIFT:
            found.append(f"the layout shifts by {shifted:.3f}")
        if self.script_bytes > max_script_bytes:
            found.append(f"{self.script_bytes} bytes of script")
        return found

    def find_barriers(self) -> list[str]:
        """Serious and critical findings of axe-core."""
        self.page.evaluate(AXE.read_text())
        result: dict[str, Any] = self.page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        return [
            f"axe {finding['id']}: {finding['help']}: {node['html'][:200]}"
            for finding in result["violations"]
            if finding["impact"] in GRAVE
            for node in finding["nodes"]
        ]
