"""Pads as people see them: every look, two browsers in one text, without a connection, and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.browser import Looks, find_faults_in, log_in, looks_of
from tests.program import Program, wait_until

EDITOR_BYTES = 480_000
"""The editor with Yjs and CodeMirror, 130 KB of it over the wire."""


@pytest.fixture(scope="module")
def looks(browser: Browser, shared_program: Program) -> Iterator[Looks]:
    """Contexts of the owner, one for each look."""
    with shared_program.owner() as owner:
        owner.put("/pad/notes", content="# Notes\n\n- **milk**\n- `eggs`\n")
        owner.post("/pad/notes", content="- apples")
        owner.post("/api/v1/pads/notes/shares", json={"may_write": True, "label": "Ann"})
    with looks_of(browser, shared_program) as contexts:
        yield contexts


@pytest.mark.parametrize("path", ["/pads", "/pads/notes", "/pad/notes/history?at=1"])
def test_pages_have_no_faults(looks: Looks, shared_program: Program, path: str) -> None:
    assert find_faults_in(looks, shared_program.url + path) == {}


def test_the_editor_has_no_faults(looks: Looks, shared_program: Program) -> None:
    assert find_faults_in(looks, f"{shared_program.url}/pad/notes", max_script_bytes=EDITOR_BYTES) == {}


def open_editor(context: BrowserContext, url: str) -> Page:
    page = context.new_page()
    page.goto(url)
    page.wait_for_selector(".cm-content")
    return page


def wait_for_text(page: Page, text: str) -> None:
    page.wait_for_function("(text) => globalThis.faztPad.text() === text", arg=text)


def wait_for_state(page: Page, text: str) -> None:
    page.wait_for_function("(text) => document.getElementById('state').textContent === text", arg=text)


def test_two_browsers_write_one_text(browser: Browser, shared_program: Program) -> None:
    with shared_program.owner() as owner, browser.new_context() as mine, browser.new_context() as theirs:
        log_in(mine, shared_program)
        owner.put("/pad/both", content="start\n")
        share = owner.post("/api/v1/pads/both/shares", json={"may_write": True}).json()
        one = open_editor(mine, f"{shared_program.url}/pad/both")
        two = open_editor(theirs, share["url"])
        one.wait_for_selector("#people li")
        one.click(".cm-content")
        one.keyboard.press("Control+End")
        one.keyboard.type("mine 😀\n")
        wait_for_text(two, "start\nmine 😀\n")
        two.wait_for_selector(".cm-ySelectionCaret")
        two.click(".cm-content")
        two.keyboard.press("Control+End")
        two.keyboard.type("theirs\n")
        wait_for_text(one, "start\nmine 😀\ntheirs\n")
        one.keyboard.press("Control+z")
        wait_for_text(two, "start\ntheirs\n")
        wait_for_state(one, "Saved")
        assert owner.get("/pad/both").text == "start\ntheirs\n"
        one.click("#preview-button")
        one.wait_for_selector("#preview p")


def test_without_a_connection_one_writes_on(browser: Browser, shared_program: Program) -> None:
    with shared_program.owner() as owner, browser.new_context() as context:
        log_in(context, shared_program)
        owner.put("/pad/away", content="before\n")
        page = open_editor(context, f"{shared_program.url}/pad/away")
        wait_for_state(page, "Saved")
        page.evaluate("globalThis.faztPad.provider.disconnect()")
        page.click(".cm-content")
        page.keyboard.press("Control+End")
        page.keyboard.type("offline\n")
        wait_for_state(page, "Offline, kept here")
        page.close()  # what was written is in the browser's own memory
        owner.put("/pad/away", content="BEFORE\n")
        page = open_editor(context, f"{shared_program.url}/pad/away")
        wait_for_text(page, "BEFORE\noffline\n")
        wait_for_state(page, "Saved")
        assert owner.get("/pad/away").text == "BEFORE\noffline\n"


def test_without_javascript_it_is_a_form(browser: Browser, shared_program: Program) -> None:
    with shared_program.owner() as owner, browser.new_context() as first:
        owner.put("/pad/plain", content="one\n")
        log_in(first, shared_program)
        with browser.new_context(java_script_enabled=False, storage_state=first.storage_state()) as context:
            page = context.new_page()
            page.goto(f"{shared_program.url}/pad/plain")
            page.fill("textarea", "ONE\n")
            owner.post("/pad/plain", content="two")
            page.click("text=Save")
            wait_until(lambda: owner.get("/pad/plain").text == "ONE\ntwo", what="the merged text")
            assert page.input_value("textarea") == "ONE\ntwo"
