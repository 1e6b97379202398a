"""One way of sharing for files, folders, notes, documents and topics: the API, the pages, the door."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.apps.joplin.making import Api, hexid, note
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, Program

API = "/api/v1/shares"
MEMBER = ("bea@example.org", "a long enough password")


@pytest.fixture(scope="module")
def things(shared_program: Program) -> dict[str, tuple[str, str]]:
    """Something to share in each app: its target, and what whoever has the link reads."""
    with shared_program.owner() as owner:
        owner.request("MKCOL", "/dav/files/trip")
        owner.put("/dav/files/trip/day.txt", content=b"at the beach")
        owner.put("/dav/files/plan.txt", content=b"the plan of all").raise_for_status()
        owner.post("/db/orders", json={"id": "7", "what": "Darjeeling", "n": 3}).raise_for_status()
        owner.post("/hub/house/kitchen", content="21.5").raise_for_status()
        owner.put("/pad/plans", content="sail at dawn").raise_for_status()
        (pad,) = (one["id"] for one in owner.get("/api/v1/pads").json() if one["name"] == "plans")
        notes = Api(shared_program)
        notes.put_item(1, note(1, "Thoughts", "about *sharing*"))
        notes.http.close()
        info = {
            path: owner.get("/api/v1/drive/info", params={"path": path}).json()["id"] for path in ("/trip", "/plan.txt")
        }
    return {
        "folder": (f"drive {info['/trip']}", "day.txt"),
        "file": (f"drive {info['/plan.txt']}", "the plan of all"),
        "note": (f"joplin {hexid(1)}", "about <em>sharing</em>"),
        "document": ("textdb orders/7", "Darjeeling"),
        "topic": ("pubsub topic/house/kitchen", "21.5"),
        "pad": (f"pads {pad}", "sail at dawn"),
    }


@pytest.fixture
def owner(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.owner() as client:
        yield client


@pytest.fixture
def stranger(shared_program: Program) -> Iterator[httpx.Client]:
    with shared_program.client(headers={"accept": "text/html"}, follow_redirects=True) as client:
        yield client


@pytest.mark.parametrize("kind", ["file", "folder", "note", "document", "topic", "pad"])
def test_everything_is_shared_alike(
    owner: httpx.Client, stranger: httpx.Client, things: dict[str, tuple[str, str]], kind: str
) -> None:
    where, said = things[kind]
    app, target = where.split(" ")
    made = (
        owner.post(API, json={"app": app, "target": target, "days": 7, "password": "sesame"}).raise_for_status().json()
    )
    assert made["has_password"]
    assert made["expires_at"] > made["created_at"]
    assert made["url"].startswith("http")
    door = stranger.get(made["url"])
    assert "has a password" in door.text
    assert said not in door.text
    assert stranger.post(door.url, data={"password": "wrong"}).status_code == 403
    assert said in stranger.post(door.url, data={"password": "sesame"}).text
    assert said in stranger.get(made["url"]).text
    (listed,) = owner.get(API, params={"app": app, "target": target}).json()
    assert (listed["id"], listed["visits"]) == (made["id"], 2)
    changed = owner.patch(f"{API}/{made['id']}", json={"password": "", "days": 0, "label": "mine"}).json()
    assert (changed["has_password"], changed["expires_at"], changed["label"]) == (False, None, "mine")
    stranger.cookies.clear()
    assert said in stranger.get(made["url"]).text
    assert made["url"].rpartition("/")[2] in owner.get("/shares").text
    owner.delete(f"{API}/{made['id']}").raise_for_status()
    assert stranger.get(made["url"]).status_code == 404
    assert owner.get(API, params={"app": app, "target": target}).json() == []


def test_what_cannot_be_shared(owner: httpx.Client, things: dict[str, tuple[str, str]]) -> None:
    target = things["file"][0].partition(" ")[2]
    for asked, status in (
        ({"app": "drive", "target": "999999"}, 404),
        ({"app": "drive", "target": "x"}, 404),
        ({"app": "mail", "target": "1"}, 404),
        ({"app": "textdb", "target": "orders/none"}, 404),
        ({"app": "joplin", "target": "0" * 32}, 404),
        ({"app": "drive", "target": target, "password": "abc"}, 400),
        ({"app": "drive", "target": target, "may_write": True}, 400),
        ({"app": "drive", "target": target, "days": -1}, 400),
        ({"app": "drive", "target": target, "expires_at": 1}, 400),
    ):
        assert owner.post(API, json=asked).status_code == status, asked
    assert owner.get("/shares/open/nothing").status_code == 404


def test_others_share_only_what_is_theirs(
    shared_program: Program, owner: httpx.Client, things: dict[str, tuple[str, str]]
) -> None:
    made = owner.post("/api/v1/users", json={"email": MEMBER[0], "password": MEMBER[1]})
    assert made.status_code in {200, 201}, made.text
    file_target = things["file"][0].partition(" ")[2]
    share = owner.post(API, json={"app": "drive", "target": file_target}).json()
    with shared_program.client(auth=MEMBER) as member:
        for kind in ("file", "note", "document"):
            app, target = things[kind][0].split(" ")
            assert member.post(API, json={"app": app, "target": target}).status_code in {403, 404}, kind
        assert member.get(API).json() == []
        assert member.delete(f"{API}/{share['id']}").status_code == 404
        assert member.patch(f"{API}/{share['id']}", json={"label": "x"}).status_code == 404
    owner.delete(f"{API}/{share['id']}").raise_for_status()


def test_the_form_works_without_script_and_in_the_dialog(
    shared_program: Program, things: dict[str, tuple[str, str]]
) -> None:
    target = things["file"][0].partition(" ")[2]
    with shared_program.client(follow_redirects=True, headers={"accept": "text/html"}) as browser:
        browser.post("/login", data={"login": OWNER_EMAIL, "password": OWNER_PASSWORD})
        form = {"app": "drive", "target": target, "days": "7"}
        assert "Here is the link." in browser.post("/shares", data=form).text
        assert "at least 4 characters" in browser.post("/shares", data=form | {"password": "x"}).text
        part = browser.post("/shares", data=form | {"part": "dialog"})
        assert "<html" not in part.text
        ids = re.findall(r'name="id" value="(\w+)"', part.text)
        assert len(ids) == 2
        assert len(re.findall(r"/drive/s/\w+", part.text)) >= 2
        left = browser.post("/shares/end", data={"id": ids[0], "part": "dialog"})
        assert re.findall(r'name="id" value="(\w+)"', left.text) == ids[1:]
        assert "The link has ended." in browser.post("/shares/end", data={"id": ids[1], "back": "/shares"}).text


def test_links_that_apps_keep_themselves_are_listed_too(
    owner: httpx.Client, things: dict[str, tuple[str, str]], shared_program: Program
) -> None:
    note_id = things["note"][0].partition(" ")[2]
    notes = Api(shared_program)
    published = notes.http.post("shares", json={"note_id": note_id, "recursive": 0}).raise_for_status()
    notes.http.close()
    drop = owner.put("/d/holiday.txt", content=b"sand").raise_for_status().text.strip()
    page = owner.get("/shares", headers={"accept": "text/html"}).text
    rows = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    (row,) = [row for row in rows if f"/joplin/shares/{published.json()['id']}" in row]
    assert "Thoughts" in row
    assert 'href="/joplin/shared"' in row
    (row,) = [row for row in rows if "holiday.txt" in row]
    drop_id = re.findall(r'href="/d/(\w+)"', row)[0]
    assert f"/d/{drop_id}" in drop
    assert f'href="/drops/{drop_id}"' in row
    assert owner.get(f"/drops/{drop_id}", headers={"accept": "text/html"}).status_code == 200
    assert owner.get(f"/d/{drop_id}", headers={"accept": "text/html"}, follow_redirects=True).status_code == 200
