"""Rules of blobs, on both engines."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import pytest
from sqlalchemy import Connection, delete, func, select

from fazt.core.blobs import CHUNK_BYTES, Blob, claim, drop, keep, keep_many, load, put, stat, store
from fazt.core.blobs.schema import core_blob, core_chunk
from fazt.core.blobs.store.sweep import remove_condemned
from fazt.core.clock import DAY, HOUR, MINUTE
from fazt.core.errors import Conflict, Invalid, NotFound
from tests.conftest import NOW

GRACE = store.Graces().blob_ms


def count_rows(conn: Connection) -> tuple[int, int]:
    """Blobs and chunks."""
    blobs = conn.scalar(select(func.count()).select_from(core_blob))
    return blobs or 0, conn.scalar(select(func.count()).select_from(core_chunk)) or 0


def sweep_all(conn: Connection, now: int, pinned: tuple[int, ...] = ()) -> None:
    """Sweep until nothing is left to do, then once more when the condemned may go."""
    while store.sweep(conn, now, pinned=pinned):
        pass
    while remove_condemned(conn, now + store.CALM_MS, pinned):
        pass


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_bytes_come_back(conn: Connection, size: int) -> None:
    data = bytes(n * 31 % 251 for n in range(size))
    blob = put(conn, data, NOW)
    assert blob == Blob(sha256(data).hexdigest(), size) == stat(conn, blob.hash)
    assert load(conn, blob.hash) == data
    assert count_rows(conn) == (1, -(-size // CHUNK_BYTES))


def test_same_bytes_are_there_once(conn: Connection) -> None:
    assert put(conn, b"same", NOW) == put(conn, b"same", NOW + 1)
    assert count_rows(conn) == (1, 1)


def test_unknown_hash_is_not_found(conn: Connection) -> None:
    for ask in (stat, keep, drop, load):
        with pytest.raises(NotFound):
            ask(conn, "0" * 64)
    put(conn, b"unkept", NOW)
    with pytest.raises(NotFound):
        drop(conn, sha256(b"unkept").hexdigest())


def test_unkept_goes_after_its_grace_time(conn: Connection) -> None:
    blob = put(conn, b"a" * (2 * CHUNK_BYTES), NOW)
    sweep_all(conn, NOW + GRACE - 1)
    assert stat(conn, blob.hash)
    sweep_all(conn, NOW + GRACE)
    assert count_rows(conn) == (0, 0)


def test_kept_stays_until_the_last_drop_and_its_grace_time(conn: Connection) -> None:
    blob = put(conn, b"kept", NOW)
    keep(conn, blob.hash)
    assert keep(conn, blob.hash) == blob
    drop(conn, blob.hash)
    sweep_all(conn, NOW + DAY)
    assert load(conn, blob.hash) == b"kept"
    drop(conn, blob.hash)
    store.sweep(conn, NOW + 2 * DAY)
    sweep_all(conn, NOW + 2 * DAY + GRACE - 2 * MINUTE)
    assert load(conn, blob.hash) == b"kept"
    sweep_all(conn, NOW + 2 * DAY + GRACE)
    assert count_rows(conn) == (0, 0)


def test_many_keeps_at_once_are_counted_or_refused(conn: Connection) -> None:
    one, two = put(conn, b"one", NOW), put(conn, b"two", NOW)
    keep_many(conn, {one.hash: 2, two.hash: 1})
    for _ in range(2):
        drop(conn, one.hash)
    drop(conn, two.hash)
    with pytest.raises(NotFound):
        drop(conn, two.hash)
    with pytest.raises(NotFound):
        keep_many(conn, {one.hash: 1, "0" * 64: 1})
    keep_many(conn, {})


def test_claimed_has_a_new_grace_time(conn: Connection) -> None:
    blob = put(conn, b"claimed", NOW)
    assert claim(conn, [blob.hash, "0" * 64], NOW + GRACE) == {blob.hash}
    sweep_all(conn, NOW + GRACE + MINUTE)
    assert keep(conn, blob.hash) == blob


def test_condemned_is_not_found_but_its_bytes_stay_a_moment(conn: Connection) -> None:
    blob = put(conn, b"late reader", NOW)
    ref = store.get_ref(conn, blob.hash)
    while store.sweep(conn, NOW + GRACE):
        pass
    with pytest.raises(NotFound):
        keep(conn, blob.hash)
    assert store.read_chunk(conn, ref.id, 0) == b"late reader"
    again = put(conn, b"late reader", NOW + GRACE)
    keep(conn, again.hash)
    sweep_all(conn, NOW + GRACE + HOUR)
    assert load(conn, again.hash) == b"late reader"
    with pytest.raises(NotFound):
        store.read_chunk(conn, ref.id, 0)


def test_of_chunks_that_are_read_together_none_may_be_gone(conn: Connection) -> None:
    data = bytes(range(256)) * 1280
    blob = put(conn, data, NOW)
    cut = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
    ref, first = store.open_ref(conn, blob.hash, 0, None, 2)
    assert first == cut[:2]
    assert store.open_ref(conn, blob.hash, len(data) - 1, None, 2) == (ref, cut[2:])
    assert store.open_ref(conn, blob.hash, 1, CHUNK_BYTES, 2) == (ref, cut[:1])
    assert store.open_ref(conn, blob.hash, len(data), None, 2) == (ref, [])
    assert store.read_chunks(conn, ref, 1, 2) == cut[1:]
    conn.execute(delete(core_chunk).where(core_chunk.c.n == 1))
    for begins in (0, CHUNK_BYTES):
        with pytest.raises(NotFound):
            store.open_ref(conn, blob.hash, begins, None, 2)
    assert store.read_chunks(conn, ref, 2, 1) == cut[2:]


def test_pinned_is_left_alone(conn: Connection) -> None:
    ref = store.get_ref(conn, put(conn, b"being read", NOW).hash)
    sweep_all(conn, NOW + DAY, pinned=(ref.id,))
    assert store.read_chunk(conn, ref.id, 0) == b"being read"
    sweep_all(conn, NOW + DAY)
    assert count_rows(conn) == (0, 0)


def test_sweep_goes_in_bounded_steps(conn: Connection) -> None:
    data = bytes(range(256)) * (CHUNK_BYTES // 256)
    ref = store.begin(conn, CHUNK_BYTES, "", NOW)
    for _ in range(5):
        ref = store.grow(conn, ref, [data] * 30, NOW)
    store.discard(conn, ref.id)
    steps, left = 0, [150]
    while store.sweep(conn, NOW + 1):
        steps += 1
        left.append(count_rows(conn)[1])
    assert count_rows(conn) == (0, 0)
    assert steps > 3
    assert max(before - after for before, after in pairwise(left)) <= 64


def test_grow_goes_on_inside_a_chunk(conn: Connection) -> None:
    ref = store.begin(conn, 8, "", NOW)
    ref = store.grow(conn, ref, [b"01234567", b"89"], NOW)
    assert ref.size == 10
    ref = store.grow(conn, ref, [b"89abcdef", b"ghi"], NOW)
    assert ref.size == 19
    blob, twice = store.seal(conn, ref, "h", NOW)
    assert (blob.size, twice) == (19, False)
    assert load(conn, "h") == b"0123456789abcdefghi"


def test_grow_refuses_another_offset_and_what_is_sealed(conn: Connection) -> None:
    ref = store.begin(conn, 8, "", NOW)
    grown = store.grow(conn, ref, [b"1"], NOW)
    with pytest.raises(Conflict):
        store.grow(conn, ref, [b"2"], NOW)
    with pytest.raises(Conflict):
        store.seal(conn, ref, "h", NOW)
    store.seal(conn, grown, "h", NOW)
    with pytest.raises(Conflict):
        store.grow(conn, grown, [b"3"], NOW)


def test_silent_receive_goes_before_a_silent_upload(conn: Connection) -> None:
    store.begin(conn, 8, "", NOW)
    store.begin_upload(conn, "up", 8, "", NOW)
    sweep_all(conn, NOW + GRACE)
    assert count_rows(conn)[0] == 1
    assert store.get_filling(conn, "up")[0].size == 0
    sweep_all(conn, NOW + DAY)
    assert count_rows(conn) == (0, 0)
    with pytest.raises(NotFound):
        store.find_finished(conn, "up")


def test_finished_upload_knows_its_blob_for_a_day(conn: Connection) -> None:
    store.begin_upload(conn, "up", 8, "", NOW)
    ref = store.grow(conn, store.get_filling(conn, "up")[0], [b"123"], NOW)
    blob, _ = store.finish_upload(conn, "up", ref, "h", NOW)
    keep(conn, "h")
    assert store.find_finished(conn, "up") == blob
    with pytest.raises(Conflict):
        store.get_filling(conn, "up")
    sweep_all(conn, NOW + DAY)
    with pytest.raises(NotFound):
        store.find_finished(conn, "up")
    assert load(conn, "h") == b"123"


def test_bytes_elsewhere_are_not_loaded(conn: Connection) -> None:
    ref = store.note_growth(conn, store.begin(conn, 8, "far/", NOW), 3, NOW)
    store.seal(conn, ref, "h", NOW)
    with pytest.raises(Invalid):
        load(conn, "h")
    assert store.open_ref(conn, "h", 0, None, 1) == (replace(ref, size=3), [])
    assert not store.list_condemned_elsewhere(conn, NOW + DAY)
    sweep_all(conn, NOW + DAY)
    assert store.list_condemned_elsewhere(conn, NOW + DAY + HOUR) == [ref]
    store.forget_blob(conn, ref.id)
    assert count_rows(conn) == (0, 0)
