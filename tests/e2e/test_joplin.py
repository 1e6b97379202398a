"""Joplin's real terminal app against the sync server: what users rely on, with two versions as devices.

FAZT_TEST_LONG swaps the versions, too, and takes larger attachments and the second half of sharing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from base64 import b64decode
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.e2e.joplin import Device, Person
from tests.program import Program, wait_until

IS_LONG = bool(os.environ.get("FAZT_TEST_LONG"))
PAIRS = [("3.6", "3.5"), ("3.5", "3.6")] if IS_LONG else [("3.6", "3.5")]
NUMBERS = count(1)
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
QUIET_REQUESTS = 9
"""What a sync without news costs, as the app is made."""


@pytest.fixture(scope="module")
def cloud(template_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    folder = tmp_path_factory.mktemp("joplin")
    shutil.copy(template_file, folder / "data.db")
    with Program(folder) as program:
        yield program


@pytest.fixture
def person(cloud: Program) -> Person:
    return Person.create(cloud, f"person{next(NUMBERS)}")


def count_requests(cloud: Program) -> int:
    """How many requests the program has answered so far, this one left out."""
    with cloud.client() as client:
        text = client.get("/metrics").text
    return sum(
        int(float(n)) for n in re.findall(r"^fazt_\w*requests_total\{.*dashboard.*\} (\S+)$", text, re.MULTILINE)
    )


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_devices_agree_on_everything(cloud: Program, person: Person, tmp_path: Path, first: str, second: str) -> None:
    """Checks 1 to 5 and 15: first sync, second device, nothing new, every kind of change, a conflict."""
    a, b = Device(tmp_path, "a", first), Device(tmp_path, "b", second)
    photo = tmp_path / "photo.bin"
    photo.write_bytes(bytes(range(256)) * 400)
    a.sync(
        *person.settings(cloud),
        ["mkbook", "Book"],
        ["mkbook", "Other"],
        ["use", "Book"],
        ["mknote", "One"],
        ["set", "One", "body", "Some **words** 漢字 😀"],
        ["attach", "One", str(photo)],
        ["tag", "add", "work", "One"],
        ["mknote", "Two"],
        ["mknote", "Three"],
        ["mknote", "Four"],
    )
    b.sync(*person.settings(cloud))
    assert a.everything() == b.everything()
    assert len(a.notes()) == 4
    ((photo_id,),) = a.query("SELECT id FROM resources")
    assert b.resource(photo_id) == photo.read_bytes()
    before = count_requests(cloud)
    b.sync()
    assert count_requests(cloud) - before - 1 == QUIET_REQUESTS
    change_and_clash(a, b)


def change_and_clash(a: Device, b: Device) -> None:
    """Every kind of change by one device; then both change the same note."""
    a.sync(
        ["use", "Book"],
        ["set", "One", "body", "Other words"],
        ["ren", "Two", "Zwei"],
        ["mv", "Three", "Other"],
        ["rmnote", "-f", "Four"],
    )
    b.sync()
    assert a.everything() == b.everything()
    assert b.notes() == {"One": ("Book", "Other words"), "Zwei": ("Book", ""), "Three": ("Other", "")}
    assert b.query("SELECT title FROM notes WHERE deleted_time > 0") == [("Four",)]
    a.sync(["use", "Book"], ["rmnote", "-f", "-p", "Zwei"], ["set", "One", "body", "From a"])
    b.sync(["use", "Book"], ["set", "One", "body", "From b"], check=False)
    assert [body for (body,) in b.query("SELECT body FROM notes WHERE is_conflict = 1")] == ["From b"]
    assert b.notes()["One"] == ("Book", "From a")
    assert "Zwei" not in b.notes()
    assert a.everything()["notes"] == b.everything()["notes"]


def test_a_lost_cursor_is_no_harm(cloud: Program, person: Person, tmp_path: Path) -> None:
    """Check 7."""
    a = Device(tmp_path, "a")
    a.sync(*person.settings(cloud), ["mkbook", "Book"], ["mknote", "One"])
    ((context,),) = a.query("SELECT value FROM settings WHERE key = 'sync.9.context'")
    broken = re.sub(r"[0-9a-f]{16}:\d+", "ffffffffffffffff:3", context)
    assert broken != context
    a.change("UPDATE settings SET value = ? WHERE key = 'sync.9.context'", broken)
    a.sync()
    assert a.query("SELECT value FROM settings WHERE key = 'sync.9.context'") != [(broken,)]
    assert a.notes() == {"One": ("Book", "")}


def test_a_session_that_ended_is_opened_again(cloud: Program, person: Person, tmp_path: Path) -> None:
    """Check 6: the app is logged in, and all sessions are gone when it synchronises for the second time."""
    a = Device(tmp_path, "a")
    (a.profile / "commands.txt").write_text(
        "\n".join([*person.script(cloud), "mkbook Book", "mknote One", "sync", *["ls"] * 400, "mknote Two", "sync", ""])
    )
    process = a.start("batch", str(a.profile / "commands.txt"))
    with person.session(cloud) as api:
        wait_until(lambda: api.get("items/root:/:/delta").json()["items"][1:], 30, "the first sync")
    wait_until(lambda: "Completed" in a.log, 30, "the end of the first sync")
    with cloud.client(auth=(person.email, person.password)) as client:
        client.delete("/api/v1/me/sessions").raise_for_status()
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.count("Completed") == 2
    assert "Last error" not in said
    with person.session(cloud) as api:
        assert len(api.get("items/root:/:/delta").json()["items"]) == 3


def test_an_emptied_account_stops_the_app(cloud: Program, person: Person, tmp_path: Path) -> None:
    """Check 8: without info.json, an app that has synchronised refuses to go on, and deletes nothing."""
    a = Device(tmp_path, "a")
    a.sync(*person.settings(cloud), ["mkbook", "Book"], ["mknote", "One"])
    with person.session(cloud) as api:
        for name in ("info.json", ".sync/version.txt"):
            assert api.delete(f"items/root:/{name}:").status_code == 200
    said = a.sync(check=False)
    assert "fail-safe" in (said + a.log).lower()
    assert a.notes() == {"One": ("Book", "")}


def test_what_is_refused_leaves_the_others(cloud: Program, person: Person, tmp_path: Path) -> None:
    """Checks 9 and 11: a note over the limit is told to be; large, empty and odd ones go through whole."""
    a, b = Device(tmp_path, "a", "3.5"), Device(tmp_path, "b")
    blob, nothing = tmp_path / "large.bin", tmp_path / "nothing.bin"
    blob.write_bytes(os.urandom(1024) * (110 * 1024 if IS_LONG else 5 * 1024))
    nothing.write_bytes(b"")
    a.sync(
        *person.settings(cloud),
        ["mkbook", "Bücher 漢字"],
        *[["mknote", title] for title in ("Big", "Huge", "Odd", "Files")],
        ["attach", "Files", str(blob)],
        ["attach", "Files", str(nothing)],
    )
    odd = "line\r\nline\r\n\r\n\\n 😀 漢字\n\nid: 0123\ntype_: 1\n\n\n"
    for title, body in (("Big", "b" * 1_500_000), ("Huge", "h" * 3_200_000), ("Odd", odd)):
        a.write_over(title, body)
    with cloud.owner() as owner:
        owner.put("/api/v1/settings/joplin.max_note_mb", json={"value": 2}).raise_for_status()
    a.sync(["use", "Bücher 漢字"], ["mknote", "After"], check=False)
    with cloud.owner() as owner:
        owner.put("/api/v1/settings/joplin.max_note_mb", json={"value": 32}).raise_for_status()
    b.sync(*person.settings(cloud))
    notes = b.notes()
    assert notes["Big"][1] == "b" * 1_500_000
    assert notes["Odd"][1] == a.notes()["Odd"][1]
    assert notes["Huge"][1] == ""
    assert "After" in notes
    for id_, title in a.query("SELECT id, title FROM resources"):
        assert b.resource(id_) == {"large.bin": blob, "nothing.bin": nothing}[title].read_bytes()


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_encrypted_notes_are_opaque(cloud: Program, person: Person, tmp_path: Path, first: str, second: str) -> None:
    """Check 12."""
    a, b = Device(tmp_path, "a", first), Device(tmp_path, "b", second)
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"unmistakable bytes" * 1_000)
    a.run(
        *person.settings(cloud),
        ["mkbook", "Book"],
        ["mknote", "Private"],
        ["set", "Private", "body", "unmistakable words"],
        ["attach", "Private", str(secret)],
        ["e2ee", "enable", "--password", "pw123456"],
        ["e2ee", "status"],
        ["sync"],
    )
    with person.session(cloud) as api:
        for change in api.get("items/root:/:/delta").json()["items"]:
            text = api.get(f"items/root:/{change['item_name']}:/content").text
            assert "unmistakable" not in text
            assert "Private" not in text
    b.sync(*person.settings(cloud))
    assert b.notes().get("Private") is None
    b.change("INSERT OR REPLACE INTO settings (key, value) VALUES ('encryption.masterPassword', 'pw123456')")
    b.run(["e2ee", "decrypt"], ["sync"], ["e2ee", "decrypt"])
    assert b.notes()["Private"][1].endswith("unmistakable words")
    ((id_,),) = a.query("SELECT id FROM resources")
    assert b.resource(id_) == secret.read_bytes()


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_notebook_is_shared(cloud: Program, tmp_path: Path, first: str, second: str) -> None:
    """Check 13: invited, accepted, edited by both, left, invited again for reading, ended."""
    anna, bert = Person.create(cloud, f"anna{next(NUMBERS)}"), Person.create(cloud, f"bert{next(NUMBERS)}")
    a, b = Device(tmp_path, "a", first), Device(tmp_path, "b", second)
    photo = tmp_path / "photo.bin"
    photo.write_bytes(b"photo" * 1_000)
    a.sync(
        *anna.settings(cloud),
        ["mkbook", "Private"],
        ["mknote", "Mine"],
        ["mkbook", "Shared"],
        ["mknote", "Ours"],
        ["attach", "Ours", str(photo)],
        ["share", "add", "Shared", bert.email],
    )
    a.sync()
    b.sync(*bert.settings(cloud), ["mkbook", "Own"])
    ((folder,),) = a.query("SELECT id FROM folders WHERE title = 'Shared'")
    b.sync(["share", "accept", folder])
    b.sync()
    assert set(b.notes()) == {"Ours"}
    ((photo_id,),) = a.query("SELECT id FROM resources")
    assert b.resource(photo_id) == photo.read_bytes()
    b.sync(["use", "Shared"], ["set", "Ours", "body", "From Bert"], ["mknote", "New of Bert"])
    a.sync(["use", "Shared"], ["mknote", "New of Anna"])
    assert a.notes()["Ours"] == ("Shared", "From Bert")
    assert "New of Bert" in a.notes()
    b.sync()
    assert {"Ours", "New of Bert", "New of Anna"} == set(b.notes())
    b.sync(["share", "leave", folder, "-f"])
    b.sync()
    assert b.notes() == {}
    assert set(a.notes()) == {"Mine", "Ours", "New of Bert", "New of Anna"}
    if IS_LONG:  # else the tests of the store and of the API stand for it
        read_only_and_end(cloud, anna, bert, a, b, folder)


def read_only_and_end(cloud: Program, anna: Person, bert: Person, a: Device, b: Device, folder: str) -> None:
    """The second half: reading only, then no longer."""
    with anna.session(cloud) as api:
        (share,) = api.get("shares").json()["items"]
        members = f"shares/{share['id']}/users"
        for one in api.get(members).json()["items"]:
            api.delete(f"share_users/{one['id']}").raise_for_status()
    a.sync(["share", "add", "Shared", bert.email, "--read-only"])
    b.sync(["share", "accept", folder])
    b.sync()
    assert "Ours" in b.notes()
    b.write_over("Ours", "Not allowed")
    b.sync(check=False)
    a.sync()
    assert a.notes()["Ours"] == ("Shared", "From Bert")
    assert b.notes()["Ours"] == ("Shared", "From Bert")
    a.sync(["sync"], ["share", "delete", folder, "-f"])
    a.sync()
    b.sync()
    assert b.notes() == {}
    assert "Ours" in a.notes()
    with bert.session(cloud) as api:
        assert api.get("shares").json()["items"] == []
        kinds = {change["type"] for change in api.get("items/root:/:/delta").json()["items"]}
        assert kinds <= {1}


def test_a_note_is_published(cloud: Program, person: Person, tmp_path: Path) -> None:
    """Check 14."""
    a = Device(tmp_path, "a")
    picture = tmp_path / "picture.png"
    picture.write_bytes(b64decode(PIXEL))
    said = a.sync(
        *person.settings(cloud),
        ["mkbook", "Book"],
        ["mknote", "Open"],
        ["attach", "Open", str(picture)],
        ["mknote", "Closed"],
        ["sync"],
        ["publish", "-f", "Open"],
    )
    found = re.search(r"http://\S+/joplin/shares/(\w+)", said)
    assert found is not None, said
    ((resource_id,),) = a.query("SELECT id FROM resources")
    ((closed_id,),) = a.query("SELECT id FROM notes WHERE title = 'Closed'")
    with httpx.Client() as anybody:
        page = anybody.get(found[0])
        assert page.status_code == 200
        assert f"?resource_id={resource_id}" in page.text
        got = anybody.get(found[0], params={"resource_id": resource_id})
        assert got.content == picture.read_bytes()
        assert anybody.get(found[0], params={"note_id": closed_id}).status_code == 404
        assert anybody.get(found[0], params={"resource_id": closed_id}).status_code == 404
        a.sync(["unpublish", "Open"])
        assert anybody.get(found[0]).status_code == 404


def test_a_killed_server_loses_nothing(cloud: Program, person: Person, tmp_path: Path) -> None:
    """Check 16: killed in the middle of an upload, then the app goes on."""
    a, b = Device(tmp_path, "a"), Device(tmp_path, "b", "3.5")
    # The app leaves before the last of its commands is written: so the last one writes nothing.
    a.run(*person.settings(cloud), ["mkbook", "Book"], *[["mknote", f"Note {n}"] for n in range(120)], ["status"])
    assert len(a.notes()) == 120
    process = a.start("sync")
    with person.session(cloud) as api:
        wait_until(lambda: api.get("items/root:/:/delta").json()["items"], 30, "the first item")
    cloud.kill()
    cloud.start()
    said, _ = process.communicate(timeout=60)
    assert "Completed" in said
    b.sync(*person.settings(cloud))
    assert len(a.notes()) == 120
    assert a.everything() == b.everything()


def test_a_restored_file_begins_an_epoch(cloud: Program, person: Person, tmp_path: Path) -> None:
    """Check 17: what was lost by a restore comes back from the devices, and nothing is passed over."""
    a, b = Device(tmp_path, "a"), Device(tmp_path, "b", "3.5")
    a.sync(*person.settings(cloud), ["mkbook", "Book"], ["mknote", "Old"])
    cloud.stop()
    copy = shutil.copy(cloud.data, tmp_path / "copy.db")
    cloud.start()
    a.sync(["use", "Book"], ["mknote", "Lost 1"], ["mknote", "Lost 2"], ["mknote", "Lost 3"])
    cloud.stop()
    shutil.copy(copy, cloud.data)
    cloud.start()
    b.sync(*person.settings(cloud), ["sync"], ["use", "Book"], *[["mknote", f"New {n}"] for n in range(5)])
    a.sync()
    assert {f"New {n}" for n in range(5)} <= set(a.notes())
    ((context,),) = a.query("SELECT value FROM settings WHERE key = 'sync.9.context'")
    assert json.loads(context)
