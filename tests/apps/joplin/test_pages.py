"""The pages of notes over real HTTP: what is done on them is what devices would see."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from fazt.apps.joplin.model.items import parse_item
from tests.apps.joplin.making import PIXEL, Api, create_member, fill, hexid, note
from tests.program import OWNER_PASSWORD, Program


@pytest.fixture(scope="module")
def api(shared_program: Program) -> Iterator[Api]:
    made = create_member(shared_program, "ada")
    fill(made)
    yield made
    made.http.close()


@pytest.fixture(scope="module")
def web(shared_program: Program, api: Api) -> Iterator[httpx.Client]:
    """The same person's browser."""
    with shared_program.client(auth=(api.email, OWNER_PASSWORD), headers={"accept": "text/html"}) as client:
        yield client


def do(web: httpx.Client, path: str, **fields: Any) -> httpx.Response:
    answer = web.post(path, data=fields)
    assert answer.status_code == 303, answer.text[:3000]
    return answer


def test_notes_are_listed_by_notebook_tag_and_search(web: httpx.Client) -> None:
    assert "Everything there is" in web.get("/joplin").text
    below = web.get("/joplin", params={"notebook": hexid(100)}).text
    assert f"/joplin/notes/{hexid(1)}" in below
    assert f"/joplin/notes/{hexid(2)}" not in below
    assert f"/joplin/notes/{hexid(4)}" not in below
    assert f"/joplin/notes/{hexid(1)}" in web.get("/joplin", params={"tag": hexid(60)}).text
    found = web.get("/joplin", params={"q": "bread mil"}).text
    assert f"/joplin/notes/{hexid(2)}" in found
    assert f"/joplin/notes/{hexid(3)}" not in found
    assert "Nothing found" in web.get("/joplin", params={"q": "nowhere"}).text


def test_a_note_is_shown_and_runs_nothing(web: httpx.Client) -> None:
    html = web.get(f"/joplin/notes/{hexid(1)}").text
    article = html[html.index("<article") : html.index("</article>")]
    assert "<strong>bold</strong>" in article
    assert f'src="/joplin/files/{hexid(50)}"' in article
    assert f'href="/joplin/notes/{hexid(2)}"' in article
    assert "alert" not in article
    assert "onerror" not in article


def test_attachments_are_shown_or_saved_but_never_run(web: httpx.Client, shared_program: Program) -> None:
    picture = web.get(f"/joplin/files/{hexid(50)}")
    assert (picture.content, picture.headers["content-type"]) == (PIXEL, "image/png")
    part = web.get(f"/joplin/files/{hexid(50)}", headers={"range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, PIXEL[1:4])
    film = web.get(f"/joplin/files/{hexid(51)}")
    assert film.headers["content-type"] == "application/octet-stream"
    assert film.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in film.headers["content-security-policy"]
    with shared_program.owner() as owner:
        assert owner.get(f"/joplin/files/{hexid(50)}").status_code == 404
        assert owner.get(f"/joplin/notes/{hexid(1)}").status_code == 404
    with shared_program.client() as anybody:
        assert anybody.get(f"/joplin/files/{hexid(50)}").status_code == 401


def test_an_edit_is_taken_by_devices_and_can_be_undone(web: httpx.Client, api: Api) -> None:
    before = api.item(2) or b""
    _, cursor = api.changes()
    editor = web.get(f"/joplin/notes/{hexid(2)}/edit").text
    at = re.search(r'name="at" value="(\d+)"', editor)
    assert at is not None
    do(web, f"/joplin/notes/{hexid(2)}/edit", at=at[1], title="Shopping list", body="eggs\r\nand *more*")
    after = parse_item(api.item(2) or b"")
    assert (after.title, after.body) == ("Shopping list", "eggs\nand *more*")
    assert after.updated_time > parse_item(before).updated_time
    assert api.changes(cursor)[0] == {2: 1}
    late = web.post(f"/joplin/notes/{hexid(2)}/edit", data={"at": at[1], "title": "x", "body": "my late words"})
    assert late.status_code == 409
    assert "my late words" in late.text
    history = web.get(f"/joplin/notes/{hexid(2)}/history").text
    version = re.search(rf"/joplin/notes/{hexid(2)}/history/(\d+)", history)
    assert version is not None
    assert "milk and bread" in web.get(version[0]).text
    do(web, version[0])
    back = parse_item(api.item(2) or b"")
    assert (back.title, back.body) == ("Shopping", "milk and bread")
    assert back.fields["is_todo"] == "1"
    assert back.updated_time > after.updated_time


def test_quick_capture_goes_into_an_inbox(web: httpx.Client, api: Api) -> None:
    _, cursor = api.changes()
    id_ = do(web, "/joplin", title="", body="# A thought\nmore").headers["location"].rpartition("/")[2]
    assert len(api.changes(cursor)[0]) == 2
    made = parse_item(api.content(f"{id_}.md").content)
    assert (made.title, made.body) == ("A thought", "# A thought\nmore")
    inbox = parse_item(api.content(f"{made.parent_id}.md").content)
    assert inbox.title == "Inbox"
    again = do(web, "/joplin", title="Second", body="x").headers["location"].rpartition("/")[2]
    assert parse_item(api.content(f"{again}.md").content).parent_id == made.parent_id


def test_nothing_is_written_before_a_device_was_here(shared_program: Program) -> None:
    other = create_member(shared_program, "new")
    with shared_program.client(auth=(other.email, OWNER_PASSWORD), headers={"accept": "text/html"}) as client:
        answer = client.post("/joplin", data={"body": "x"})
        assert answer.status_code == 409
        assert "Connect Joplin first" in answer.text
        other.put("info.json", b'{"e2ee":{"value":true}}')
        assert "encrypted" in client.post("/joplin", data={"body": "x"}).text
    other.http.close()


def test_the_trash_and_what_was_deleted_come_back(web: httpx.Client, api: Api) -> None:
    _, cursor = api.changes()
    do(web, f"/joplin/notes/{hexid(4)}", do="untrash")
    assert parse_item(api.item(4) or b"").deleted_time == 0
    do(web, f"/joplin/notes/{hexid(4)}", do="trash")
    assert parse_item(api.item(4) or b"").deleted_time > 0
    page = web.get("/joplin/trash").text
    assert "Deleted by mistake" in page
    row = page[page.index("Deleted by mistake") :]
    number = re.search(r'name="id" value="(\d+)"', row)
    assert number is not None
    do(web, "/joplin/trash", id=number[1])
    assert parse_item(api.item(5) or b"").body == "precious"
    assert api.changes(cursor)[0] == {4: 1, 5: 1}


def test_a_deleted_note_comes_back_with_its_notebook_and_attachments(web: httpx.Client, api: Api) -> None:
    copy = {number: api.item(number) for number in (1, 50, 101)}
    for number in (1, 50, 101):
        api.delete(number)
    api.http.delete(f"items/root:/.resource/{hexid(50)}:")
    page = web.get("/joplin/trash").text
    number_of = {
        title: re.search(r'name="id" value="(\d+)"', page[page.index(title) :])
        for title in ("Everything there is", "pixel.png")
    }
    found = number_of["Everything there is"]
    assert found is not None
    do(web, "/joplin/trash", id=found[1])
    assert parse_item(api.item(1) or b"").body == parse_item(copy[1] or b"").body
    assert api.item(101) is not None
    assert api.content(f".resource/{hexid(50)}").content == PIXEL
    assert web.get(f"/joplin/files/{hexid(50)}").content == PIXEL


def test_publishing_from_the_page(web: httpx.Client, api: Api, shared_program: Program) -> None:
    do(web, f"/joplin/notes/{hexid(1)}", do="publish")
    (share,) = api.http.get("shares").json()["items"]
    assert parse_item(api.item(1) or b"").fields["is_shared"] == "1"
    path = f"/joplin/shares/{share['id']}"
    with shared_program.client() as anybody:
        page = anybody.get(path)
        assert "<strong>bold</strong>" in page.text
        assert "alert" not in page.text
        assert "sandbox" in page.headers["content-security-policy"]
        assert anybody.get(path, params={"resource_id": hexid(50)}).content == PIXEL
        for query in ({"resource_id": hexid(2)}, {"note_id": hexid(2)}, {"resource_id": "x"}, {"note_id": "../x"}):
            assert anybody.get(path, params=query).status_code == 404
        assert "read 1 time" in web.get("/joplin/shared").text
        do(web, "/joplin/shared", do="expire", id=share["id"], day="2099-01-01")
        assert anybody.get(path).status_code == 200
        answer = web.post("/joplin/shared", data={"do": "expire", "id": share["id"], "day": "2001-01-01"})
        assert answer.status_code == 400
        api.put_item(1, note(1, body="", parent=101, at=2_000_000_000_000, encryption_applied="1"))
        assert "Not available" in anybody.get(path).text
        do(web, "/joplin/shared", do="unpublish", id=share["id"])
        assert anybody.get(path).status_code == 404
    assert api.http.get("shares").json()["items"] == []


def test_devices_storage_and_refusals(web: httpx.Client, api: Api) -> None:
    assert "Joplin desktop 3.6.2" in web.get("/joplin/devices").text
    api.put(f"{hexid(77)}.md", b"nonsense")
    assert "has no colon" in web.get("/joplin/devices").text
    do(web, "/joplin/devices", do="forgive", name=f"{hexid(77)}.md")
    assert "has no colon" not in web.get("/joplin/devices").text
    storage = web.get("/joplin/storage").text
    assert "Work / Project" in storage or "Home" in storage
    assert "pixel.png" in storage


def test_all_notes_go_out_and_come_in(web: httpx.Client, api: Api, shared_program: Program) -> None:
    jex = web.get("/joplin/export/jex").content
    with tarfile.open(fileobj=io.BytesIO(jex)) as archive:
        entries = {entry.name: entry for entry in archive}
        picture = archive.extractfile(f"resources/{hexid(50)}.png")
        assert picture is not None
        assert picture.read() == PIXEL
    assert f"{hexid(2)}.md" in entries
    with zipfile.ZipFile(io.BytesIO(web.get("/joplin/export/markdown").content)) as folder:
        assert folder.testzip() is None
        assert "milk and bread" in folder.read("Home/Shopping.md").decode()
        assert folder.read(f"_resources/{hexid(50)}.png") == PIXEL
    other = create_member(shared_program, "bob")
    other.put("info.json", b"{}")
    with shared_program.client(auth=(other.email, OWNER_PASSWORD), headers={"accept": "text/html"}) as client:
        assert client.post("/joplin/import", files={"file": ("notes.jex", jex)}).status_code == 303
        for number in (2, 50, 60, 61, 100, 101):
            assert other.item(number) == api.item(number)
        assert other.content(f".resource/{hexid(50)}").content == PIXEL
        again = client.post("/joplin/import", files={"file": ("notes.jex", jex)})
        assert again.status_code == 303
        refused = client.post("/joplin/import", files={"file": ("x.jex", b"no archive" * 200)})
        assert refused.status_code == 400
    other.http.close()


def test_a_site_is_built_from_a_notebook(shared_program: Program, api: Api) -> None:
    """What functions read, as another app would."""
    with shared_program.client(auth=(api.email, OWNER_PASSWORD)) as client:
        found = client.get("/api/v1/search", params={"q": "milk"}).json()
    assert "joplin.note" in str(found)
