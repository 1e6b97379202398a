"""Rules and SQL of blobs: what is kept, what is sealed, what is being filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fazt.core.blobs.model import CHUNK_BYTES, Blob, Ref
from fazt.core.blobs.schema import CONDEMNED, RECEIVING, SEALED, UPLOADING, core_blob, core_chunk
from fazt.core.db.prepared import Prepared
from fazt.core.errors import Conflict, Invalid, NotFound, TooLarge

LOAD_MAX_BYTES = 64 * 1024 * 1024

b = core_blob.c
_STAT = Prepared(select(b.id, b.size, b.chunk_bytes, b.place).where(b.hash == bindparam("hash")))
_KEEP = Prepared(update(core_blob).where(b.hash == bindparam("of")).values(keeps=b.keeps + 1).returning(b.size))
_KEEP_MANY = update(core_blob).where(b.hash == bindparam("of")).values(keeps=b.keeps + bindparam("more"))
_DROP = Prepared(
    update(core_blob)
    .where(b.hash == bindparam("of"), b.keeps > 0)
    .values(keeps=b.keeps - 1, touched_at=0)  # 0: the sweeper sets it, so the grace time begins now
    .returning(b.size)
)
_TOUCH = update(core_blob).where(b.hash == bindparam("of")).values(touched_at=bindparam("now")).returning(b.size)
_ADD_BLOB = insert(core_blob).values(keeps=0).returning(b.id)
_GROW = Prepared(
    update(core_blob)
    .where(b.id == bindparam("of"), or_(b.state == RECEIVING, b.state == UPLOADING), b.size == bindparam("offset"))
    .values(size=bindparam("grown"), touched_at=bindparam("now"))
    .returning(b.id)
)
_SEAL = (
    update(core_blob)
    .where(b.id == bindparam("of"), b.state.in_((RECEIVING, UPLOADING)), b.size == bindparam("expected"))
    .values(state=SEALED, hash=bindparam("sum"), touched_at=bindparam("now"))
)
_CONDEMN = (
    update(core_blob).where(b.id == bindparam("of"), b.keeps == 0).values(state=CONDEMNED, hash=None, touched_at=0)
)
_CONDEMN_DROPPED = (
    update(core_blob)
    .where(b.hash == bindparam("of"), b.keeps == 0, b.touched_at == 0)
    .values(state=CONDEMNED, hash=None, touched_at=bindparam("now"))
    .returning(b.id, b.size, b.chunk_bytes, b.place)
)
_ADD_CHUNK = Prepared(insert(core_chunk), ("blob_id", "n", "data"))
_PUT_KEPT = {
    dialect: Prepared(
        build(core_blob)
        .values(
            state=SEALED,
            hash=bindparam("sum"),
            size=bindparam("bytes"),
            chunk_bytes=CHUNK_BYTES,
            place="",
            keeps=1,
            touched_at=bindparam("now"),
        )
        .on_conflict_do_update(index_elements=["hash"], set_={"keeps": b.keeps + 1, "touched_at": bindparam("now")})
        .returning(b.id, b.place)
    )
    for dialect, build in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_PUT_CHUNK = {
    dialect: Prepared(
        build(core_chunk)
        .values(blob_id=bindparam("of"), n=bindparam("at"), data=bindparam("bytes"))
        .on_conflict_do_nothing()
    )
    for dialect, build in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_CHUNK = Prepared(
    select(core_chunk.c.data).where(core_chunk.c.blob_id == bindparam("of"), core_chunk.c.n == bindparam("at"))
)
_SOME_CHUNKS = Prepared(
    select(core_chunk.c.data)
    .where(core_chunk.c.blob_id == bindparam("of"), core_chunk.c.n >= bindparam("at"))
    .order_by(core_chunk.c.n)
    .limit(bindparam("most"))
)
_CHUNKS = select(core_chunk.c.data).where(core_chunk.c.blob_id == bindparam("of")).order_by(core_chunk.c.n)
_DELETE_CHUNK = delete(core_chunk).where(core_chunk.c.blob_id == bindparam("of"), core_chunk.c.n == bindparam("at"))


def stat(conn: Connection, hash: str) -> Blob:
    """The blob with this hash. Raises NotFound."""
    return Blob(hash, get_ref(conn, hash).size)


def keep(conn: Connection, hash: str) -> Blob:
    """Count one more row that refers to the blob; in the transaction that writes that row. Raises NotFound."""
    row = _KEEP.row(conn, {"of": hash})
    if row is None:
        raise no_such_blob(hash)
    return Blob(hash, row[0])


def keep_many(conn: Connection, counts: Mapping[str, int]) -> None:
    """As `keep`, for many rows at once: by hash, how many more refer to it. Raises NotFound where one is not here."""
    rows = [{"of": hash, "more": more} for hash, more in counts.items()]
    if rows and conn.execute(_KEEP_MANY, rows).rowcount != len(rows):
        raise NotFound("Some of these bytes are gone.")


def drop(conn: Connection, hash: str) -> None:
    """Count one less; in the transaction that deletes the row. Raises NotFound when nobody kept it."""
    if _DROP.row(conn, {"of": hash}) is None:
        raise no_such_blob(hash)


def claim(conn: Connection, hashes: Sequence[str], now: int) -> set[str]:
    """Those of `hashes` that are here; their grace time begins anew, so they may be kept by a later write."""
    return {hash for hash in hashes if conn.scalar(_TOUCH, {"of": hash, "now": now}) is not None}


def put(conn: Connection, data: bytes, now: int) -> Blob:
    """Keep-able bytes from memory; small ones, for they are written in the caller's transaction."""
    hash = sha256(data).hexdigest()
    if conn.scalar(_TOUCH, {"of": hash, "now": now}) is None:
        facts = {"state": SEALED, "hash": hash, "size": len(data), "touched_at": now}
        blob_id = conn.scalar(_ADD_BLOB, {**facts, "chunk_bytes": CHUNK_BYTES, "place": ""})
        chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
        add_chunks(conn, blob_id, 0, chunks)
    return Blob(hash, len(data))


def put_kept(conn: Connection, data: bytes, hash: str, now: int) -> Blob:
    """`put` and `keep` at once, for small bytes whose SHA-256 is known; in the transaction of the row that refers."""
    dialect = conn.dialect.name
    row = _PUT_KEPT[dialect].row(conn, {"sum": hash, "bytes": len(data), "now": now})
    assert row is not None, "an upsert answers"
    if data and not row[1]:
        cuts = range(0, len(data), CHUNK_BYTES)
        chunks = [{"of": row[0], "at": n, "bytes": data[at : at + CHUNK_BYTES]} for n, at in enumerate(cuts)]
        _PUT_CHUNK[dialect].run_many(conn, chunks)
    return Blob(hash, len(data))


def load(conn: Connection, hash: str) -> bytes:
    """All bytes of a small blob. Raises NotFound, TooLarge over 64 MiB, Invalid where they are in object storage."""
    ref = get_ref(conn, hash)
    if ref.place:
        raise Invalid("These bytes are in object storage: read them through core.blobs.")
    if ref.size > LOAD_MAX_BYTES:
        raise TooLarge(f"A blob of {ref.size} bytes is too large to be held in memory.")
    return b"".join(conn.scalars(_CHUNKS, {"of": ref.id}))


def get_ref(conn: Connection, hash: str) -> Ref:
    """Where the bytes with this hash are. Raises NotFound."""
    row = _STAT.row(conn, {"hash": hash})
    if row is None:
        raise no_such_blob(hash)
    return Ref(*row)


def open_ref(conn: Connection, hash: str, start: int, end: int | None, most: int) -> tuple[Ref, list[bytes]]:
    """Where the bytes are, and the chunks from `start` on: so many as `end` needs, and none where they are elsewhere.

    `most` at a time: see `read_chunks`.
    """
    ref = get_ref(conn, hash)
    stop = ref.size if end is None else min(end, ref.size)
    if ref.place or not 0 <= start < stop:
        return ref, []
    first = start // ref.chunk_bytes
    return ref, read_chunks(conn, ref, first, min(most, -(-stop // ref.chunk_bytes) - first))


def read_chunks(conn: Connection, ref: Ref, first: int, count: int) -> list[bytes]:
    """`count` chunks from this number on. Raises NotFound when any of them was swept away."""
    rows = _SOME_CHUNKS.rows(conn, {"of": ref.id, "at": first, "most": count})
    begins, ends = first * ref.chunk_bytes, min((first + count) * ref.chunk_bytes, ref.size)
    if sum(len(row[0]) for row in rows) != ends - begins:
        raise NotFound("These bytes are gone.")
    return [row[0] for row in rows]


def read_chunk(conn: Connection, blob_id: int, n: int) -> bytes:
    """The chunk with this number. Raises NotFound when it was swept away."""
    row = _CHUNK.row(conn, {"of": blob_id, "at": n})
    if row is None:
        raise NotFound("These bytes are gone.")
    data: bytes = row[0]
    return data


def begin(conn: Connection, chunk_bytes: int, place: str, now: int, state: int = RECEIVING) -> Ref:
    """A new blob that is being received; nobody can see it before `seal`."""
    facts = {"state": state, "size": 0, "touched_at": now, "chunk_bytes": chunk_bytes, "place": place}
    return Ref(conn.scalar(_ADD_BLOB, {**facts, "hash": None}), 0, chunk_bytes, place)


def grow(conn: Connection, ref: Ref, chunks: Sequence[bytes], now: int) -> Ref:
    """Write `chunks` at the end of `ref`. Where that is inside a chunk, the first of `chunks` replaces it whole.

    Answers the grown ref. Raises Conflict when somebody else grew it, or it is no longer being filled.
    """
    grown = note_growth(conn, ref, sum(map(len, chunks)), now)
    first, inside = divmod(ref.size, ref.chunk_bytes)
    if inside:
        conn.execute(_DELETE_CHUNK, {"of": ref.id, "at": first})
    add_chunks(conn, ref.id, first, chunks)
    return grown


def note_growth(conn: Connection, ref: Ref, added_bytes: int, now: int) -> Ref:
    """As `grow`, for bytes that are elsewhere: only the size. `added_bytes` count from the start of the last chunk."""
    size = ref.size - ref.size % ref.chunk_bytes + added_bytes
    if _GROW.row(conn, {"of": ref.id, "offset": ref.size, "grown": size, "now": now}) is None:
        raise Conflict("This upload was given up, or went on elsewhere, meanwhile.")
    return replace(ref, size=size)


def add_chunks(conn: Connection, blob_id: int, first: int, chunks: Sequence[bytes]) -> None:
    """Insert `chunks`, numbered from `first`."""
    rows = [{"blob_id": blob_id, "n": n, "data": data} for n, data in enumerate(chunks, first)]
    if rows:
        _ADD_CHUNK.run_many(conn, rows)


def seal(conn: Connection, ref: Ref, hash: str, now: int) -> tuple[Blob, bool]:
    """Give the received blob its hash. Answers the blob, and whether the same bytes were here before.

    If so, the older blob is the answer and the newer bytes are condemned. Raises Conflict when they were given up.
    """
    if conn.scalar(_TOUCH, {"of": hash, "now": now}) is not None:
        discard(conn, ref.id)
        return Blob(hash, ref.size), True
    sealed = conn.execute(_SEAL, {"of": ref.id, "expected": ref.size, "sum": hash, "now": now})
    if sealed.rowcount != 1:
        raise Conflict("This upload was given up meanwhile.")
    return Blob(hash, ref.size), False


def discard(conn: Connection, blob_id: int) -> None:
    """Condemn bytes that were never sealed, or are a second copy: nobody can be reading them."""
    conn.execute(_CONDEMN, {"of": blob_id})


def condemn_dropped(conn: Connection, hash: str, now: int) -> Ref | None:
    """Condemn a blob that its last keeper just dropped; None where it is kept, or somebody received it since."""
    row = conn.execute(_CONDEMN_DROPPED, {"of": hash, "now": now}).first()
    return None if row is None else Ref(*row)


def count_elsewhere(conn: Connection) -> int:
    """How many blobs have their bytes in object storage, outside of the database."""
    return conn.scalar(select(func.count()).select_from(core_blob).where(b.place != "")) or 0


def no_such_blob(hash: str) -> NotFound:
    """The error for a hash that nothing is known by."""
    return NotFound("There are no bytes with this hash.", hash=hash)
