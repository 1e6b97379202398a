"""Any order of puts, keeps, drops, uploads and sweeps: what is kept stays whole, what is not goes, nothing leaks."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, select

from fazt.core.blobs import drop, keep, load, put, store
from fazt.core.blobs.model import Ref
from fazt.core.blobs.schema import CONDEMNED, SEALED, core_blob, core_chunk, core_upload
from fazt.core.clock import DAY
from fazt.core.errors import NotFound
from tests.conftest import NOW

TEXTS = [b"", b"a", b"12345678", b"123456789", b"the quick brown fox jumps"]
GRACES = store.Graces(blob_ms=1000, upload_ms=5000)


class Machine(RuleBasedStateMachine):
    """Blobs of 8-byte chunks against a model in memory. `conn` is set by the test."""

    conn: Connection

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.savepoint = self.conn.begin_nested() if self.conn.dialect.name == "postgresql" else None
        for table in (core_chunk, core_upload, core_blob):
            self.conn.execute(table.delete())
        self.keeps: Counter[str] = Counter()
        self.touched: dict[str, int] = {}
        self.bytes: dict[str, bytes] = {}
        self.drafts: list[tuple[Ref, bytes]] = []
        self.uploads: dict[str, bytes] = {}
        self.readers: list[tuple[Ref, bytes]] = []

    def teardown(self) -> None:
        """All goes when nobody keeps anything and no connection is open."""
        for hash, count in self.keeps.items():
            for _ in range(count):
                drop(self.conn, hash)
        for later in (DAY, 2 * DAY, 3 * DAY):
            while store.sweep(self.conn, self.now + later, GRACES):
                pass
        for table in (core_chunk, core_upload, core_blob):
            assert self.conn.execute(select(table)).all() == []
        if self.savepoint is not None:
            self.savepoint.rollback()

    def note(self, hash: str, data: bytes) -> None:
        assert hash == sha256(data).hexdigest()
        self.bytes[hash], self.touched[hash] = data, self.now

    @rule(data=st.sampled_from(TEXTS))
    def put(self, data: bytes) -> None:
        self.note(put(self.conn, data, self.now).hash, data)

    @rule(data=st.sampled_from(TEXTS))
    def keep(self, data: bytes) -> None:
        hash = sha256(data).hexdigest()
        fresh = self.now < self.touched.get(hash, 0) + GRACES.blob_ms
        try:
            keep(self.conn, hash)
        except NotFound:
            assert not self.keeps[hash]
            assert not fresh, "it was promised to stay"
        else:
            assert hash in self.bytes
            self.keeps[hash] += 1

    @rule(data=st.sampled_from(TEXTS))
    def drop(self, data: bytes) -> None:
        hash = sha256(data).hexdigest()
        if self.keeps[hash]:
            drop(self.conn, hash)
            self.keeps[hash] -= 1
            self.touched[hash] = self.now
        else:
            with pytest.raises(NotFound):
                drop(self.conn, hash)

    @rule()
    def begin(self) -> None:
        self.drafts.append((store.begin(self.conn, 8, "", self.now), b""))

    @rule(data=st.sampled_from(TEXTS), at=st.integers(0, 3))
    def grow(self, data: bytes, at: int) -> None:
        if at < len(self.drafts):
            ref, before = self.drafts[at]
            self.drafts[at] = (self.write(ref, before, data), before + data)

    def write(self, ref: Ref, before: bytes, data: bytes) -> Ref:
        """As the engine does: from the beginning of the last chunk."""
        rest = before[ref.size - ref.size % 8 :] + data
        return store.grow(self.conn, ref, [rest[n : n + 8] for n in range(0, len(rest), 8)], self.now)

    @rule(at=st.integers(0, 3), whole=st.booleans())
    def end(self, at: int, whole: bool) -> None:
        if at < len(self.drafts):
            ref, data = self.drafts.pop(at)
            if whole:
                blob, _ = store.seal(self.conn, ref, sha256(data).hexdigest(), self.now)
                self.note(blob.hash, data)
            else:
                store.discard(self.conn, ref.id)

    @rule(at=st.integers(0, 3))
    def forget_draft(self, at: int) -> None:
        """The program was killed: nobody pins it any more."""
        if at < len(self.drafts):
            self.drafts.pop(at)

    @rule(upload=st.sampled_from("xy"), data=st.sampled_from(TEXTS))
    def append(self, upload: str, data: bytes) -> None:
        if upload not in self.uploads:
            with pytest.raises(NotFound):
                store.get_filling(self.conn, upload)
            store.begin_upload(self.conn, upload, 8, "", self.now)
            self.uploads[upload] = b""
        ref, tail = store.get_filling(self.conn, upload)
        before = self.uploads[upload]
        assert (ref.size, tail) == (len(before), before[len(before) - len(before) % 8 :])
        self.write(ref, before, data)
        self.uploads[upload] = before + data

    @rule(upload=st.sampled_from("xy"), whole=st.booleans())
    def end_upload(self, upload: str, whole: bool) -> None:
        if upload in self.uploads:
            data = self.uploads.pop(upload)
            if whole:
                ref, _ = store.get_filling(self.conn, upload)
                blob, _ = store.finish_upload(self.conn, upload, ref, sha256(data).hexdigest(), self.now)
                assert store.find_finished(self.conn, upload) == blob
                self.note(blob.hash, data)
            store.abandon_upload(self.conn, upload)

    @rule(data=st.sampled_from(TEXTS))
    def open(self, data: bytes) -> None:
        try:
            self.readers.append((store.get_ref(self.conn, sha256(data).hexdigest()), data))
        except NotFound:
            assert not self.keeps[sha256(data).hexdigest()]

    @rule()
    def close(self) -> None:
        if self.readers:
            self.readers.pop(0)

    @rule(later=st.sampled_from([0, 999, 1000, 60_000]), whole=st.booleans())
    def sweep(self, later: int, whole: bool) -> None:
        """Whole or only its first step. Uploads are kept alive by being younger than their grace time."""
        self.now += later
        for upload in self.uploads:
            ref, tail = store.get_filling(self.conn, upload)
            store.grow(self.conn, ref, [tail] if tail else [], self.now)
        pinned = {ref.id for ref, _ in (*self.readers, *self.drafts)}
        while store.sweep(self.conn, self.now, GRACES, pinned) and whole:
            pass

    @invariant()
    def kept_bytes_are_whole(self) -> None:
        for hash, count in self.keeps.items():
            if count:
                assert load(self.conn, hash) == self.bytes[hash]

    @invariant()
    def readers_read_on(self) -> None:
        for ref, data in self.readers:
            for n in range(-(-ref.size // ref.chunk_bytes)):
                expected = data[n * ref.chunk_bytes : (n + 1) * ref.chunk_bytes]
                assert store.read_chunk(self.conn, ref.id, n) == expected

    @invariant()
    def rows_agree(self) -> None:
        for row in self.conn.execute(select(core_blob)):
            assert (row.hash is not None) == (row.state == SEALED)
            assert row.keeps == (self.keeps[row.hash] if row.hash else 0)
            assert row.state != CONDEMNED or not row.keeps


@pytest.mark.parametrize("conn", ["sqlite", "postgresql"], indirect=True)
def test_any_order_of_calls(conn: Connection) -> None:
    """More orders on SQLite, where each costs less."""
    examples = 150 if conn.dialect.name == "sqlite" else 25

    class Bound(Machine):
        pass

    Bound.conn = conn
    run_state_machine_as_test(Bound, settings=settings(max_examples=examples, stateful_step_count=40, deadline=None))
