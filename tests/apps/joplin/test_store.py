"""Items, views, cursors and shares as functions of a Connection, on both engines."""

from __future__ import annotations

import random
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from sqlalchemy.event import listen

from fazt.apps.joplin.model.uploads import Keeping, ReadOnly, Resync, read_upload
from fazt.apps.joplin.schema import content, item, link, version, view
from fazt.apps.joplin.store import delta, editing, history, items, reading, seq, shares, sweep
from fazt.core import search
from fazt.core.auth import User
from fazt.core.auth import store as people
from fazt.core.clock import DAY
from fazt.core.errors import FaztError, Forbidden, NotFound
from fazt.core.events import Event
from tests.apps.joplin.making import NOW, folder, hexid, note, note_tag, resource, tag

KEEPING = Keeping()


@pytest.fixture
def anna(conn: Connection) -> User:
    seq.begin_epoch(conn, NOW)
    return people.create_user(conn, email="anna@example.org", password_hash="x", now=NOW)


@pytest.fixture
def bert(conn: Connection) -> User:
    return people.create_user(conn, email="bert@example.org", password_hash="x", now=NOW)


def put(conn: Connection, user: User, number: int, data: bytes, at: int = NOW) -> None:
    items.put(conn, user.id, read_upload(f"{hexid(number)}.md", data), KEEPING, at)


def remove(conn: Connection, user: User, number: int, at: int = NOW) -> bool:
    return shares.delete_item(conn, user.id, f"{hexid(number)}.md", KEEPING, at)


def read(conn: Connection, user: User, number: int) -> bytes:
    return items.get_content(conn, user.id, f"{hexid(number)}.md")[1] or b""


def changes(conn: Connection, user: User, cursor: str = "", limit: int = 200) -> tuple[dict[int, int], str]:
    found: dict[int, int] = {}
    while True:
        page = delta.read_delta(conn, user.id, cursor, limit)
        found |= {int(one["item_name"][:32], 16): one["type"] for one in page["items"]}
        cursor = page["cursor"]
        if not page["has_more"]:
            return found, cursor


def sees(conn: Connection, user: User) -> set[int]:
    seen = select(view.c.name).where(view.c.user_id == user.id, view.c.is_visible, view.c.type > 0)
    return {int(name[:32], 16) for name in conn.scalars(seen)}


def finds(conn: Connection, user: User, words: str) -> int:
    return len(search.search(conn, words, user_id=user.id))


def test_a_cursor_survives_a_restart_and_not_a_restore(conn: Connection, anna: User) -> None:
    put(conn, anna, 1, note(1))
    _, cursor = changes(conn, anna)
    seq.begin_epoch(conn, NOW)
    put(conn, anna, 2, note(2))
    found, later = changes(conn, anna, cursor)
    assert found == {2: 1}
    tag_, _, number = later.partition(":")
    with pytest.raises(Resync):
        changes(conn, anna, f"{cursor.partition(':')[0]}:{number}")
    for lost in (f"{tag_}:{int(number) + 1}", "0123456789abcdef:1"):
        with pytest.raises(Resync):
            changes(conn, anna, lost)


def test_old_deletes_are_forgotten_and_a_listing_in_pages_goes_on(conn: Connection, anna: User) -> None:
    _, start = changes(conn, anna)
    for n in range(1, 9):
        put(conn, anna, n, note(n))
    _, before = changes(conn, anna)
    remove(conn, anna, 8)
    page = delta.read_delta(conn, anna.id, "", 3)
    assert delta.forget_deletes(conn, before=NOW + 1) == 1
    with pytest.raises(Resync):
        changes(conn, anna, start)
    with pytest.raises(Resync):
        changes(conn, anna, before)
    found, after = changes(conn, anna, page["cursor"], 3)
    assert set(found) == {4, 5, 6, 7}
    assert changes(conn, anna, after) == ({}, after)
    assert set(changes(conn, anna, "", 3)[0]) == set(range(1, 8))


def test_words_links_and_history_follow_a_note(conn: Connection, anna: User) -> None:
    put(conn, anna, 1, note(1, "Elephant", f"[a](:/{hexid(5)})"))
    assert finds(conn, anna, "elephant") == 1
    put(conn, anna, 1, note(1, "Giraffe", "no link", at=NOW + 1), NOW + 1)
    assert (finds(conn, anna, "elephant"), finds(conn, anna, "giraffe")) == (0, 1)
    assert conn.scalar(select(func.count()).select_from(link)) == 0
    (old,) = history.list_versions(conn, anna.id, f"{hexid(1)}.md")
    assert history.get_version(conn, anna.id, old.id)[1] == note(1, "Elephant", f"[a](:/{hexid(5)})")
    put(conn, anna, 1, note(1, "Giraffe", "no link", at=NOW + 9, deleted_time="5"), NOW + 10 * DAY)
    assert finds(conn, anna, "giraffe") == 0
    remove(conn, anna, 1)
    assert conn.scalar(select(func.count()).select_from(content)) == 0
    editing.restore_deleted(conn, anna.id, history.list_deleted(conn, anna.id, types=(1,))[0].id, KEEPING, NOW)
    assert finds(conn, anna, "giraffe") == 1
    while history.sweep(conn, history_before=NOW + DAY, trash_before=NOW + DAY):
        pass
    assert conn.scalar(select(func.count()).select_from(version)) == 0


def share_with(conn: Connection, owner: User, guest: User, number: int, *, can_write: bool = True) -> str:
    made = shares.share_notebook(conn, owner.id, hexid(number), "", NOW)
    member = shares.invite(conn, owner.id, made.id, guest.email, "null", NOW, can_write=can_write)
    shares.change_member(conn, guest.id, member.id, NOW, status=1)
    return made.id


def test_a_shared_notebook_is_seen_and_taken_away(conn: Connection, anna: User, bert: User) -> None:
    for n in (1, 2):
        put(conn, anna, n, folder(n) if n == 1 else note(n, "Rhino", parent=1))
    put(conn, anna, 3, note(3, "Private"))
    share_id = share_with(conn, anna, bert, 1)
    assert sees(conn, bert) == set()
    put(conn, anna, 1, folder(1, share_id=share_id))
    put(conn, anna, 2, note(2, "Rhino", parent=1, share_id=share_id))
    assert sees(conn, bert) == {1, 2}
    assert finds(conn, bert, "rhino") == 1
    _, cursor = changes(conn, bert)
    put(conn, bert, 4, note(4, "By Bert", parent=1, share_id=share_id))
    put(conn, bert, 2, note(2, "Hippo", parent=1, share_id=share_id, at=NOW + 1))
    assert sees(conn, anna) == {1, 2, 3, 4}
    assert b"Hippo" in read(conn, anna, 2)
    remove(conn, bert, 1)
    assert sees(conn, bert) == set()
    assert sees(conn, anna) == {1, 2, 3, 4}
    assert changes(conn, bert, cursor)[0] == {1: 3, 2: 3, 4: 3}
    assert (finds(conn, bert, "hippo"), finds(conn, anna, "hippo")) == (0, 1)
    with pytest.raises(ReadOnly):
        put(conn, bert, 2, note(2, "Again", parent=1, share_id=share_id))


def test_who_may_only_read_changes_nothing(conn: Connection, anna: User, bert: User) -> None:
    put(conn, anna, 1, folder(1))
    share_id = share_with(conn, anna, bert, 1, can_write=False)
    put(conn, anna, 1, folder(1, share_id=share_id))
    put(conn, anna, 2, note(2, parent=1, share_id=share_id))
    for data in (note(2, "x", share_id=share_id), note(2, "x"), note(5, "new", share_id=share_id)):
        with pytest.raises(ReadOnly):
            put(conn, bert, 5 if b"new" in data else 2, data)
    with pytest.raises(ReadOnly):
        remove(conn, bert, 2)
    assert read(conn, anna, 2) == note(2, parent=1, share_id=share_id)
    answer = items.put_batch(conn, bert.id, [(f"{hexid(2)}.md", note(2, "x", share_id=share_id))], KEEPING, NOW)
    assert getattr(answer[f"{hexid(2)}.md"], "code", "") == "isReadOnly"


def test_what_leaves_a_share_is_only_of_who_took_it(conn: Connection, anna: User, bert: User) -> None:
    put(conn, anna, 1, folder(1))
    share_id = share_with(conn, anna, bert, 1)
    put(conn, anna, 2, note(2, share_id=share_id))
    put(conn, bert, 2, note(2, at=NOW + 1))
    assert (sees(conn, anna), sees(conn, bert)) == ({1}, {2})
    put(conn, bert, 6, note(6, "of another server", share_id="unknown"))
    assert sees(conn, anna) == {1}


def test_ones_own_item_is_preferred(conn: Connection, anna: User, bert: User) -> None:
    put(conn, anna, 1, folder(1))
    put(conn, bert, 2, note(2, "Mine"))
    share_id = share_with(conn, anna, bert, 1)
    put(conn, anna, 2, note(2, "Hers", share_id=share_id))
    assert b"Mine" in read(conn, bert, 2)
    assert b"Hers" in read(conn, anna, 2)


def test_only_who_may_does(conn: Connection, anna: User, bert: User) -> None:
    put(conn, anna, 1, folder(1))
    put(conn, anna, 2, folder(2, parent=1))
    made = shares.share_notebook(conn, anna.id, hexid(1), "", NOW)
    assert shares.share_notebook(conn, anna.id, hexid(1), "", NOW) == made
    refused: list[tuple[type[FaztError], Any]] = [
        (Forbidden, lambda: shares.share_notebook(conn, anna.id, hexid(2), "", NOW)),
        (NotFound, lambda: shares.share_notebook(conn, bert.id, hexid(1), "", NOW)),
        (Forbidden, lambda: shares.invite(conn, bert.id, made.id, "bert@example.org", "", NOW, can_write=True)),
        (Forbidden, lambda: shares.invite(conn, anna.id, made.id, anna.email, "", NOW, can_write=True)),
        (NotFound, lambda: shares.invite(conn, anna.id, made.id, "no@example.org", "", NOW, can_write=True)),
        (Forbidden, lambda: shares.end_share(conn, bert.id, made.id, NOW)),
        (Forbidden, lambda: shares.list_members(conn, bert.id, made.id)),
        (NotFound, lambda: shares.publish(conn, bert.id, hexid(1), NOW, is_recursive=False)),
    ]
    member = shares.invite(conn, anna.id, made.id, bert.email, "key", NOW, can_write=False)
    refused += [
        (Forbidden, lambda: shares.invite(conn, anna.id, made.id, bert.email, "", NOW, can_write=True)),
        (Forbidden, lambda: shares.change_member(conn, anna.id, member.id, NOW, status=1)),
        (Forbidden, lambda: shares.change_member(conn, bert.id, member.id, NOW, can_write=True)),
    ]
    for kind, call in refused:
        with pytest.raises(kind):
            call()
    ((one, of, owner),) = shares.list_invitations(conn, bert.id)
    assert (one.status, one.master_key, one.can_write, of.id, owner.id) == (0, "key", False, made.id, anna.id)
    assert shares.list_shares(conn, bert.id) == []


def test_what_a_deleted_person_had_goes(conn: Connection, anna: User, bert: User) -> None:
    put(conn, anna, 1, folder(1))
    share_id = share_with(conn, anna, bert, 1)
    put(conn, anna, 1, folder(1, share_id=share_id))
    put(conn, anna, 2, note(2, share_id=share_id))
    put(conn, bert, 3, note(3, share_id=share_id))
    remove(conn, anna, 2)
    sweep.on_event(conn, Event("auth.user_deleted", {"user_id": anna.id}, at=NOW))
    people.delete_user(conn, anna.id, NOW)
    while sweep.forget_user(conn, anna.id, NOW):
        pass
    assert sees(conn, bert) == set()
    for table in (item, content, version):
        assert conn.scalar(select(func.count()).select_from(table)) == 0
    assert conn.scalar(select(func.count()).select_from(view).where(view.c.user_id == anna.id)) == 0


def test_lists_for_pages(conn: Connection, anna: User, bert: User) -> None:
    put(conn, anna, 1, folder(1, "Book"))
    put(conn, anna, 2, note(2, parent=1))
    put(conn, anna, 3, tag(3, "Red"))
    put(conn, anna, 4, note_tag(4, 2, 3))
    put(conn, anna, 5, resource(5))
    assert [row.title for row in reading.list_folders(conn, anna.id)] == ["Book"]
    assert reading.count_notes(conn, anna.id) == {hexid(1): 1}
    assert [row.item_id for row in reading.list_notes(conn, anna.id, tag_id=hexid(3))] == [hexid(2)]
    assert [(row.title, count) for row, count in reading.list_tags(conn, anna.id)] == [("Red", 1)]
    assert [row.title for row in reading.tags_of(conn, anna.id, hexid(2))] == ["Red"]
    assert reading.list_notes(conn, bert.id) == []
    with pytest.raises(NotFound):
        reading.get_note(conn, bert.id, hexid(2))


@pytest.mark.parametrize("seed", range(4))
def test_devices_that_follow_delta_end_equal(conn: Connection, anna: User, bert: User, seed: int) -> None:
    """Two people share a notebook; each has a device that only ever hears deltas, at odd moments and page sizes."""
    chance = random.Random(seed)
    put(conn, anna, 1, folder(1))
    share_id = share_with(conn, anna, bert, 1)
    devices: dict[str, tuple[set[int], str]] = {anna.id: (set(), ""), bert.id: (set(), "")}
    for step in range(120):
        user = chance.choice((anna, bert))
        number = chance.randrange(2, 9)
        match chance.randrange(6):
            case 0 | 1:
                put(conn, user, number, note(number, str(step), share_id=share_id if number % 2 else "", at=NOW + step))
            case 2:
                remove(conn, user, number)
            case 3:
                put(conn, user, number, note(number, str(step), at=NOW + step))
            case _:
                follow(conn, user, devices, chance.choice((1, 2, 200)))
    for user in (anna, bert):
        follow(conn, user, devices, 200)
        assert devices[user.id][0] == sees(conn, user)


def follow(conn: Connection, user: User, devices: dict[str, tuple[set[int], str]], limit: int) -> None:
    """What a device does with a delta."""
    has, cursor = devices[user.id]
    found, cursor = changes(conn, user, cursor, limit)
    for number, kind in found.items():
        (has.discard if kind == 3 else has.add)(number)
    devices[user.id] = (has, cursor)


def test_published_notes_are_one_look_and_no_more_than_are_shown(conn: Connection, anna: User, bert: User) -> None:
    ids = []
    for number in range(1, 41):
        put(conn, anna, number, note(number, title=f"Note {number}"))
        ids.append(shares.publish(conn, anna.id, hexid(number), NOW + number, is_recursive=False).id)
    remove(conn, anna, 3)
    statements: list[str] = []
    listen(conn.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    found = shares.list_published(conn, anna.id)
    assert len(statements) == 1
    assert [one.id for one, _ in found] == ids[::-1]
    assert [None if seen is None else seen.title for _, seen in found][-4:] == ["Note 4", None, "Note 2", "Note 1"]
    assert [one.id for one, _ in shares.list_published(conn, anna.id, limit=5)] == ids[:-6:-1]
    assert [one.id for one, _ in shares.list_published(conn, anna.id, item_id=hexid(7))] == [ids[6]]
    assert shares.list_published(conn, bert.id) == []
    assert len(shares.list_kept_links(conn, anna.id, NOW)) == 39
