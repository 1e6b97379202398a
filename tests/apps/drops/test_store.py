"""Rules of drops on both databases: lifetimes to the millisecond, counts, quotas, uploads, and nothing left behind."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, func, select

from fazt.apps.drops import store
from fazt.apps.drops.model import Drop, Part, Policy, Request, Upload, Uploader
from fazt.apps.drops.schema import DRAFT, FILLING, drop, file, upload
from fazt.core import blobs
from fazt.core.auth.store import create_user
from fazt.core.blobs.schema import core_blob
from fazt.core.clock import DAY, HOUR
from fazt.core.errors import Conflict, FaztError, Invalid, NotFound, OverQuota, TooLarge, TooMany
from fazt.core.events import list_events
from fazt.core.push import list_notices
from fazt.core.search import search
from tests.conftest import NOW

POLICY = Policy(DAY, 30 * DAY, 1_000, 5, 2_000, 3_000)
ANA = Uploader("ana")


def new_drop(drop_id: str = "drop00000001", **changes: Any) -> Drop:
    """A draft of Ana's that lives for a day."""
    facts: dict[str, Any] = dict.fromkeys(Drop.__struct_fields__, "")
    numbers = ("max_downloads", "downloads", "size", "file_count", "finished_at")
    facts |= dict.fromkeys(numbers, 0)
    facts |= {"id": drop_id, "state": DRAFT, "user_id": "ana", "source": "test", "is_encrypted": False}
    facts |= {"lifetime_ms": DAY, "is_sliding": False, "max_ms": 30 * DAY, "created_at": NOW, "expires_at": NOW + HOUR}
    return Drop(**{**facts, "used_up_at": None, "files": (), **changes})


def new_file(conn: Connection, data: bytes = b"abc", path: str = "a.txt", position: int | None = None) -> store.NewFile:
    """Bytes that have come."""
    blob = blobs.put(conn, data, NOW)
    return store.NewFile(path, "text/plain", (Part(blob.hash, blob.size),), position)


def share(conn: Connection, *files: store.NewFile, **changes: Any) -> Drop:
    """A drop that is ready."""
    if len(files) <= 1:
        return store.share(conn, new_drop(**changes), ANA, files[0] if files else new_file(conn), POLICY, NOW)
    draft = new_drop(**changes)
    store.create_drop(conn, draft, "")
    for new in files:
        store.add_checked(conn, draft.id, new, ANA, POLICY, NOW)
    return store.finish_drop(conn, draft.id, NOW)


def keeps(conn: Connection) -> list[int]:
    """How often each blob is kept."""
    return list(conn.scalars(select(core_blob.c.keeps).order_by(core_blob.c.id)))


def count(conn: Connection, table: Any) -> int:
    """Rows of a table."""
    return conn.scalar(select(func.count()).select_from(table)) or 0


def test_a_drop_ends_to_the_millisecond(conn: Connection) -> None:
    made = share(conn)
    assert made.expires_at == NOW + DAY
    assert store.find_drop(conn, made.id, NOW + DAY - 1) == made
    assert store.find_drop(conn, made.id, NOW + DAY) is None
    assert store.find_next_end(conn) == NOW + DAY
    assert not store.is_due(conn, NOW + DAY - 1, ())
    assert store.is_due(conn, NOW + DAY, ())
    swept = store.sweep(conn, NOW + DAY, ())
    assert swept.hashes == [made.files[0].parts[0].hash]
    assert keeps(conn) == [0]
    assert count(conn, drop) == count(conn, file) == 0
    assert not store.is_due(conn, NOW + DAY, ())
    assert [event.data for event in list_events(conn, prefix="drops.deleted")] == [{"drop": made.id, "why": "expired"}]


def test_what_is_being_read_ends_and_stays(conn: Connection) -> None:
    made = share(conn)
    assert store.sweep(conn, NOW + DAY, (made.id,)).hashes == []
    assert store.find_drop(conn, made.id, NOW) is None
    assert keeps(conn) == [1]
    assert len(store.sweep(conn, NOW + DAY, ()).hashes) == 1


def test_a_sliding_drop_lives_on_up_to_its_utmost(conn: Connection) -> None:
    made = share(conn, is_sliding=True, lifetime_ms=20 * DAY)
    later = store.count_download(conn, made.id, (made.files[0].id,), NOW + 5 * DAY)
    assert later.expires_at == NOW + 25 * DAY
    latest = store.count_download(conn, made.id, (made.files[0].id,), NOW + 24 * DAY)
    assert latest.expires_at == NOW + 30 * DAY


def test_each_file_is_downloaded_as_often_as_it_may_be(conn: Connection) -> None:
    made = share(conn, new_file(conn), new_file(conn, b"2", "b"), max_downloads=2)
    one, two = (one.id for one in made.files)
    store.count_download(conn, made.id, (one,), NOW)
    assert store.count_download(conn, made.id, (one,), NOW).used_up_at is None
    for ids in ((one,), (one, two)):
        with pytest.raises(NotFound):
            store.count_download(conn, made.id, ids, NOW)
    store.count_download(conn, made.id, (two,), NOW)
    used = store.count_download(conn, made.id, (two,), NOW)
    assert used.used_up_at == NOW
    assert store.is_due(conn, NOW, ())
    assert not store.is_due(conn, NOW, (made.id,))
    assert store.change_drop(conn, made.id, {"max_downloads": 3}, NOW).used_up_at is None
    store.change_drop(conn, made.id, {"max_downloads": 2}, NOW)
    assert len(store.sweep(conn, NOW, ()).hashes) == 2


def test_names_and_positions_in_a_drop(conn: Connection) -> None:
    store.create_drop(conn, new_drop(), "")
    with pytest.raises(Conflict):
        store.finish_drop(conn, "drop00000001", NOW)
    for position in (None, 7, None):
        store.add_file(conn, "drop00000001", new_file(conn, position=position), POLICY, NOW)
    with pytest.raises(Conflict):
        store.add_file(conn, "drop00000001", new_file(conn, position=7), POLICY, NOW)
    made = store.finish_drop(conn, "drop00000001", NOW + 5)
    assert [(one.position, one.path) for one in made.files] == [(0, "a.txt"), (7, "a (2).txt"), (8, "a (3).txt")]
    assert store.finish_drop(conn, made.id, NOW + 9) == made
    assert made.expires_at == NOW + 5 + DAY
    assert keeps(conn) == [3]
    hashes = store.delete_file(conn, made.id, made.files[1].id, NOW)
    assert len(hashes) == 1
    assert keeps(conn) == [2]
    assert store.get_drop(conn, made.id, NOW).size == 6
    with pytest.raises(NotFound):
        store.delete_file(conn, made.id, made.files[1].id, NOW)


def test_limits_of_a_drop(conn: Connection) -> None:
    with pytest.raises(TooLarge):
        share(conn, *(new_file(conn) for _ in range(6)))


def test_a_drop_that_is_too_large(conn: Connection) -> None:
    with pytest.raises(TooLarge):
        share(conn, new_file(conn, b"x" * 600), new_file(conn, b"y" * 600))


def test_quotas_of_one_and_of_all(conn: Connection) -> None:
    for number in range(2):
        share(conn, new_file(conn, b"x" * 900), drop_id=f"drop0000000{number}")
    with pytest.raises(OverQuota):
        store.check_room(conn, ANA, POLICY, 201)
    store.check_room(conn, ANA, POLICY, 200)
    store.check_room(conn, Uploader(visitor="v"), POLICY, 1_200)
    with pytest.raises(OverQuota):
        store.check_room(conn, Uploader(visitor="v"), POLICY, 1_201)
    assert store.held_bytes(conn, ANA) == 1_800
    assert store.held_bytes(conn) == 1_800


def test_a_stranger_has_so_many_drops_and_no_more(conn: Connection) -> None:
    visitor = Uploader(visitor="v")
    for number in range(500):
        store.begin_draft(conn, new_drop(f"drop{number:08}", user_id=""), visitor)
    with pytest.raises(TooMany):
        store.begin_draft(conn, new_drop(user_id=""), visitor)
    with pytest.raises(TooMany):
        store.share(conn, new_drop(user_id=""), visitor, new_file(conn), POLICY, NOW)
    store.begin_draft(conn, new_drop("drop99999999"), ANA)


def new_upload(number: int = 1, **changes: Any) -> Upload:
    """An upload of Ana's."""
    facts: dict[str, Any] = dict.fromkeys(Upload.__struct_fields__, "")
    facts |= {"id": f"{number:024}", "state": FILLING, "blob_upload": f"b{number}", "drop_id": "drop00000001"}
    facts |= {"is_partial": False, "is_alone": True, "length": 3, "path": "a.txt", "type": "text/plain"}
    facts |= {"position": None, "user_id": "ana", "parts": (), "created_at": NOW, "expires_at": NOW + HOUR}
    return Upload(**{**facts, **changes})


def test_an_upload_reserves_room_until_it_is_a_file(conn: Connection) -> None:
    store.begin_upload(conn, new_upload(length=900), new_drop(), POLICY, NOW)
    assert store.held_bytes(conn, ANA) == 900
    with pytest.raises(OverQuota):
        store.begin_upload(conn, new_upload(2, length=1_101), new_drop("drop00000002"), POLICY, NOW)
    blob = blobs.put(conn, b"x" * 900, NOW)
    done = store.finish_upload(conn, new_upload().id, blob, POLICY, NOW, HOUR)
    assert store.finish_upload(conn, done.id, blob, POLICY, NOW, HOUR) == done
    assert store.held_bytes(conn, ANA) == 900
    assert store.find_drop(conn, "drop00000001", NOW + DAY - 1) is not None
    assert keeps(conn) == [1]


def test_an_upload_of_unknown_size_counts_with_what_has_come(conn: Connection) -> None:
    store.begin_upload(conn, new_upload(length=None), new_drop(), POLICY, NOW)
    store.note_offset(conn, new_upload().id, 400, NOW + DAY)
    assert store.held_bytes(conn) == 400
    assert store.get_drop(conn, "drop00000001", NOW + DAY - 1).state == DRAFT
    store.set_length(conn, new_upload().id, 500, POLICY, NOW)
    assert store.held_bytes(conn) == 500
    with pytest.raises(Invalid):
        store.set_length(conn, new_upload().id, 501, POLICY, NOW)


def make_partials(conn: Connection) -> tuple[str, ...]:
    """Three finished parts, one of them empty."""
    for number, data in enumerate((b"abc", b"", b"de"), 1):
        made = new_upload(number, is_partial=True, is_alone=False, drop_id="", length=len(data))
        store.begin_upload(conn, made, None, POLICY, NOW)
        store.finish_upload(conn, made.id, blobs.put(conn, data, NOW), POLICY, NOW, HOUR)
    return tuple(f"{number:024}" for number in (1, 2, 3))


def test_parts_are_joined_without_copying(conn: Connection) -> None:
    ids = make_partials(conn)
    assert store.held_bytes(conn) == 5
    assert keeps(conn) == [1, 1, 1]
    final = new_upload(9, length=None, concat="final;")
    store.join_uploads(conn, final, new_drop(), ids, POLICY, NOW)
    (joined,) = store.get_drop(conn, "drop00000001", NOW).files
    assert [part.size for part in joined.parts] == [3, 2]
    assert store.held_bytes(conn) == 5
    assert keeps(conn) == [1, 0, 1]
    with pytest.raises(Conflict):
        store.join_uploads(conn, new_upload(10), new_drop("drop00000002"), ids, POLICY, NOW)


@pytest.mark.parametrize("changes", [{"user_id": "bo"}, {"visitor": "v"}])
def test_parts_of_others_are_not_joined(conn: Connection, changes: dict[str, str]) -> None:
    ids = make_partials(conn)
    with pytest.raises(Invalid):
        store.join_uploads(conn, new_upload(9, **changes), new_drop(), ids, POLICY, NOW)


def test_a_silent_upload_goes_with_its_draft(conn: Connection) -> None:
    store.begin_upload(conn, new_upload(), new_drop(), POLICY, NOW)
    make = new_upload(2, is_partial=True, is_alone=False, drop_id="")
    store.begin_upload(conn, make, None, POLICY, NOW)
    store.finish_upload(conn, make.id, blobs.put(conn, b"abc", NOW), POLICY, NOW, HOUR)
    swept = store.sweep(conn, NOW + HOUR, ())
    assert swept.blob_uploads == ["b1"]
    assert len(swept.hashes) == 1
    assert keeps(conn) == [0]
    assert count(conn, drop) == count(conn, upload) == store.held_bytes(conn) == 0
    assert list_events(conn, prefix="drops.") == []


def test_a_deleted_upload_leaves_nothing(conn: Connection) -> None:
    store.begin_upload(conn, new_upload(), new_drop(), POLICY, NOW)
    found, hashes = store.delete_upload(conn, new_upload().id, NOW)
    assert (found.blob_upload, hashes) == ("b1", ())
    assert store.find_drop(conn, "drop00000001", NOW) is None
    store.sweep(conn, NOW, ())
    assert count(conn, drop) == 0


def test_a_request_is_told_of_what_comes(conn: Connection) -> None:
    ana = create_user(conn, email="ana@example.org", password_hash="", now=NOW).id
    made = Request("request00001", ana, "Papers", "", "", 0, 0, 1, 0, DAY, NOW + DAY, NOW)
    store.create_request(conn, made)
    assert store.get_open_request(conn, made.id, NOW + DAY - 1) == made
    with pytest.raises(NotFound):
        store.get_open_request(conn, made.id, NOW + DAY)
    share(conn, request_id=made.id, user_id=ana)
    with pytest.raises(NotFound):
        store.get_open_request(conn, made.id, NOW)
    (notice,) = list_notices(conn, ana)
    assert (notice.title, notice.path) == ("Papers", "/drops/drop00000001")
    (event,) = list_events(conn, prefix="drops.received")
    assert event.data["request"] == made.id


def test_drops_are_found_by_their_owner_alone(conn: Connection) -> None:
    made = share(conn, new_file(conn, path="holiday/beach.jpg"), title="Summer")
    secret = share(conn, new_file(conn, path="hidden.txt"), drop_id="drop00000002", is_encrypted=True)
    assert [hit.path for hit in search(conn, "beach", user_id="ana")] == [f"/drops/{made.id}"]
    for query, user in (("beach", "bo"), ("hidden", "ana")):
        assert search(conn, query, user_id=user) == []
    store.delete_drop(conn, made.id, NOW)
    store.delete_drop(conn, secret.id, NOW)
    assert search(conn, "beach", user_id="ana") == []


def test_a_deleted_persons_drops_go(conn: Connection) -> None:
    made = share(conn)
    store.forget_user(conn, "ana")
    assert store.find_drop(conn, made.id, NOW) is None
    assert len(store.sweep(conn, NOW, ()).hashes) == 1


def test_lists_and_sums(conn: Connection) -> None:
    share(conn)
    share(conn, drop_id="drop00000002", user_id="bo", created_at=NOW + 1)
    assert [one.id for one in store.list_drops(conn, None, NOW)] == ["drop00000002", "drop00000001"]
    assert [one.id for one in store.list_drops(conn, "ana", NOW)] == ["drop00000001"]
    assert store.list_first_names(conn, ["drop00000001"]) == {"drop00000001": "a.txt"}
    assert store.count_drops(conn, "ana", NOW) == (1, 3, 0)
    assert store.count_drops(conn, None, NOW + DAY) == (0, 0, 0)


def test_the_secret_is_made_once(conn: Connection) -> None:
    assert store.find_secret(conn) is None
    assert store.ensure_secret(conn, b"one") == b"one"
    assert store.ensure_secret(conn, b"two") == store.find_secret(conn) == b"one"


def test_nothing_but_foreseen_errors(conn: Connection) -> None:
    for call in (
        lambda: store.get_drop(conn, "x", NOW),
        lambda: store.get_upload(conn, "x", NOW),
        lambda: store.get_request(conn, "x"),
        lambda: store.delete_drop(conn, "x", NOW),
        lambda: store.change_drop(conn, "x", {}, NOW),
    ):
        with pytest.raises(FaztError):
            call()
    assert msgspec.json.encode(Part("h", 1)) == b'["h",1]'
