"""The pages of notes in a real browser: they look right everywhere, and a published note runs nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.apps.joplin.making import Api, create_member, fill, hexid, note
from tests.e2e.browser import Looks, Watched, find_faults_in, looks_of
from tests.program import Program


@pytest.fixture(scope="module")
def api(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Api]]:
    """A cloud whose owner has some of everything."""
    folder = tmp_path_factory.mktemp("cloud")
    shutil.copy(template_file, folder / "data.db")
    with Program(folder) as program:
        api = Api(program)
        other = create_member(program, "bert")
        fill(api)
        share = api.http.post("shares", json={"folder_id": hexid(102)}).json()
        api.http.post(f"shares/{share['id']}/users", json={"email": other.email, "can_write": 0}).raise_for_status()
        api.http.post("shares", json={"note_id": hexid(1)}).raise_for_status()
        api.put_item(6, note(6, "", "", encryption_applied="1", encryption_cipher_text="JED01"))
        api.put(f"{hexid(9)}.md", b"nonsense")
        yield program, api
        other.http.close()
        api.http.close()


@pytest.fixture(scope="module")
def looks(browser: Browser, api: tuple[Program, Api]) -> Iterator[Looks]:
    with looks_of(browser, api[0]) as opened:
        yield opened


PAGES = {
    "list": "/joplin",
    "notebook": f"/joplin?notebook={hexid(101)}",
    "search": "/joplin?q=bread",
    "note": f"/joplin/notes/{hexid(1)}",
    "encrypted": f"/joplin/notes/{hexid(6)}",
    "edit": f"/joplin/notes/{hexid(1)}/edit",
    "history": f"/joplin/notes/{hexid(1)}/history",
    "trash": "/joplin/trash",
    "shared": "/joplin/shared",
    "devices": "/joplin/devices",
    "storage": "/joplin/storage",
}


@pytest.mark.parametrize("name", PAGES)
def test_pages_look_right_everywhere(looks: Looks, api: tuple[Program, Api], name: str) -> None:
    assert find_faults_in(looks, api[0].url + PAGES[name]) == {}


def test_a_published_note_is_read_and_runs_nothing(browser: Browser, api: tuple[Program, Api]) -> None:
    program, owner = api
    share = next(one for one in owner.http.get("shares").json()["items"] if one["type"] == 1)
    context = browser.new_context(viewport={"width": 390, "height": 844})
    watched = Watched(context)
    page = watched.page
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    watched.open(f"{program.url}/joplin/shares/{share['id']}")
    expect(page.get_by_role("heading", name="Everything there is")).to_be_visible()
    loaded = page.locator("article img").first.evaluate("image => image.complete && image.naturalWidth")
    assert loaded == 1
    assert watched.faults == []
    page.goto(f"{program.url}/joplin/shares/{share['id']}?resource_id={hexid(50)}")
    assert dialogs == []
    context.close()


def test_a_note_is_written_edited_and_found(looks: Looks, api: tuple[Program, Api]) -> None:
    program, owner = api
    watched = Watched(looks[390, "dark"])
    page = watched.page
    watched.open(f"{program.url}/joplin")
    page.get_by_label("Note", exact=True).fill("A thought on the way")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("heading", name="A thought on the way")).to_be_visible()
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Markdown").fill("A thought **in bold**")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("article strong")).to_have_text("in bold")
    id_ = re.search(r"[0-9a-f]{32}", page.url)
    assert id_ is not None
    assert b"A thought **in bold**" in owner.content(f"{id_[0]}.md").content
    assert watched.find_faults() == []
    page.close()
