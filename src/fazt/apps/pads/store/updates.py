"""Updates: appended, read back as a document, and thinned out by their age."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from fazt.apps.pads.model import NOTHING, Document, Pad, Row, Stored, Version
from fazt.apps.pads.schema import pad, state
from fazt.apps.pads.schema import update as log
from fazt.apps.pads.store.pads import SEARCH_KIND, find_pad, get_by_id, no_such_pad
from fazt.core.clock import DAY, HOUR, MINUTE
from fazt.core.errors import NotFound
from fazt.core.events import Event, emit
from fazt.core.search import index

p, u, s = pad.c, log.c, state.c
SEARCHED_CHARS = 100_000
MAX_VERSIONS = 5_000
WINDOWS = ((30 * DAY, DAY), (DAY, HOUR), (HOUR, MINUTE))
"""How old a change is, and how much time is then one step of the history."""

_ADD = insert(log)
_TOUCH = (
    update(pad)
    .where(p.id == bindparam("of"), p.seq == bindparam("before"))
    .values(seq=bindparam("after"), changed_at=bindparam("now"), log_bytes=p.log_bytes + bindparam("more"))
)
_AFTER = select(u.seq, u.data).where(u.pad_id == bindparam("of"), u.seq > bindparam("seq")).order_by(u.seq)
_UNTIL = select(u.data).where(u.pad_id == bindparam("of"), u.seq <= bindparam("seq")).order_by(u.seq)
_STATE = select(s.seq, s.data).where(s.pad_id == bindparam("of"))


def append(conn: Connection, pad_id: str, before: int, rows: Sequence[Row], now: int) -> None:
    """Keep updates that follow `before`. Raises NotFound where the pad was erased, or changed behind our back."""
    touched = conn.execute(
        _TOUCH,
        {
            "of": pad_id,
            "before": before,
            "after": rows[-1].seq,
            "now": now,
            "more": sum(len(row.data) for row in rows),
        },
    )
    if touched.rowcount != 1:
        raise no_such_pad()
    conn.execute(
        _ADD, [{"pad_id": pad_id, "seq": row.seq, "at": row.at, "who": row.who, "data": row.data} for row in rows]
    )


def read_document(conn: Connection, pad_id: str, now: int) -> Stored:
    """A pad with the updates that make its document. Raises NotFound."""
    found = get_by_id(conn, pad_id, now)
    known = conn.execute(_STATE, {"of": pad_id}).first()
    seq, updates = (known.seq, [known.data]) if known is not None else (0, [])
    updates += [row.data for row in conn.execute(_AFTER, {"of": pad_id, "seq": seq})]
    return Stored(found, updates, found.seq)


def read_text(conn: Connection, name: str, now: int) -> tuple[Pad, str]:
    """A pad and its text, as they are in the file. Raises NotFound."""
    found = find_pad(conn, name, now)
    if found is None:
        raise no_such_pad(name)
    return found, Document(read_document(conn, found.id, now).updates).text


def put_state(conn: Connection, pad_id: str, seq: int, data: bytes) -> None:
    """Keep the whole document as it is after the update `seq`."""
    conn.execute(delete(state).where(s.pad_id == pad_id))
    if conn.scalar(select(p.seq).where(p.id == pad_id)) is not None:
        conn.execute(insert(state), {"pad_id": pad_id, "seq": seq, "data": data})


def settle(conn: Connection, pad_id: str, seq: int, text: str, now: int) -> None:
    """The pad has come to rest: search knows it, and an event tells of it. Nothing happens where that is known."""
    row = conn.execute(select(pad).where(p.id == pad_id)).first()
    if row is None or row.settled_seq == row.seq:
        return
    conn.execute(update(pad).where(p.id == pad_id).values(settled_seq=seq, size=len(text.encode())))
    index(
        conn,
        SEARCH_KIND,
        pad_id,
        row.name,
        text[:SEARCHED_CHARS],
        user_id=row.user_id,
        path=f"/pad/{row.name}",
        now=now,
    )
    if row.settled_seq >= 0:
        facts = {"pad": row.name, "seq": seq, "bytes": len(text.encode())}
        emit(conn, Event("pads.changed", facts, key=row.name), now=now)


def list_unsettled(conn: Connection) -> list[str]:
    """Pads that changed and did not come to rest before the program ended; their ids."""
    return list(conn.scalars(select(p.id).where(p.settled_seq != p.seq).limit(1_000)))


# --- history


def list_versions(conn: Connection, pad_id: str) -> list[Version]:
    """The moments there are, the newest first."""
    rows = conn.execute(
        select(u.seq, u.at, u.who, func.length(u.data).label("bytes"))
        .where(u.pad_id == pad_id)
        .order_by(u.seq.desc())
        .limit(MAX_VERSIONS)
    )
    return [Version(row.seq, row.at, row.who, row.bytes) for row in rows]


def list_until(conn: Connection, pad_id: str, seq: int) -> list[bytes]:
    """The updates that make the document as it was then. Raises NotFound."""
    if seq != 0 and conn.scalar(select(u.seq).where(u.pad_id == pad_id, u.seq == seq)) is None:
        raise NotFound("This moment is not in the history any more.", hint="Old changes are kept in larger steps.")
    return list(conn.scalars(_UNTIL, {"of": pad_id, "seq": seq}))


def read_text_at(conn: Connection, pad_id: str, seq: int) -> str:
    """The text as it was then. Raises NotFound."""
    return Document(list_until(conn, pad_id, seq)).text


def list_thinnable(conn: Connection, now: int, max_bytes: int) -> list[str]:
    """Pads whose history may be kept in larger steps; their ids."""
    newest = now - HOUR
    due = select(u.pad_id).where(u.pad_id == p.id, u.seq > p.thinned_seq, u.at < newest).exists()
    return list(conn.scalars(select(p.id).where(due | (p.log_bytes > max_bytes)).limit(1_000)))


def thin(conn: Connection, pad_id: str, now: int, max_bytes: int) -> None:
    """Keep old changes in larger steps; where that is still more than `max_bytes`, forget the oldest ones."""
    rows = [
        Row(*row) for row in conn.execute(select(u.seq, u.at, u.who, u.data).where(u.pad_id == pad_id).order_by(u.seq))
    ]
    kept = merge_rows(rows, now)
    kept = forget_oldest(kept, max_bytes)
    if kept != rows:
        conn.execute(delete(log).where(u.pad_id == pad_id))
        conn.execute(
            _ADD, [{"pad_id": pad_id, "seq": row.seq, "at": row.at, "who": row.who, "data": row.data} for row in kept]
        )
    thinned = max((row.seq for row in rows if row.at < now - HOUR), default=0)
    size = sum(len(row.data) for row in kept)
    conn.execute(update(pad).where(p.id == pad_id).values(log_bytes=size, thinned_seq=thinned))


def window_of(at: int, now: int) -> tuple[int, int]:
    """The step of the history that a moment belongs to; for young ones a step of its own."""
    for age, width in WINDOWS:
        if at < now - age:
            return width, at // width
    return 0, at


def merge_rows(rows: list[Row], now: int) -> list[Row]:
    """One row for each step of old history; young rows stay as they are."""
    document = Document()
    kept: list[Row] = []
    group: list[Row] = []

    def close() -> None:
        if not group:
            return
        last = group[-1]
        data = document.apply(*(row.data for row in group)) or NOTHING
        names = list(dict.fromkeys(name for row in group for name in row.who.split(", ") if name))
        kept.append(Row(last.seq, last.at, ", ".join(names[:8]), data))
        group.clear()

    for row in rows:
        width, window = window_of(row.at, now)
        if not width:
            close()
            kept.append(row)
            continue
        if group and window_of(group[-1].at, now) != (width, window):
            close()
        group.append(row)
    close()
    return kept


def forget_oldest(rows: list[Row], max_bytes: int) -> list[Row]:
    """Where the rows are heavier than allowed, the older half becomes one: the document as it then was."""
    total = sum(len(row.data) for row in rows)
    if total <= max_bytes or len(rows) < 2:
        return rows
    so_far, cut = 0, 0
    while cut < len(rows) - 1 and so_far < total - max_bytes // 2:
        so_far += len(rows[cut].data)
        cut += 1
    base = Document(row.data for row in rows[:cut])
    last = rows[cut - 1]
    return [Row(last.seq, last.at, "", base.missing()), *rows[cut:]]
