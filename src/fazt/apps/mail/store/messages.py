"""Messages in mailboxes: kept, found, moved, forgotten."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from fazt.apps.mail.model.message import FOLDERS, Message, Thread, Verdicts
from fazt.apps.mail.schema import label, message, reference
from fazt.core import search
from fazt.core.blobs import drop
from fazt.core.db import Prepared
from fazt.core.db import insert as insert_or
from fazt.core.errors import Invalid, NotFound
from fazt.core.ids import new_id

m = message.c
KIND = "mail"
PAGE = 50
MAX_LABELS = 20
SEARCH_CHARS = 30_000
COLUMNS = [column for column in message.c if column.name not in {"fold", "trashed_at"}]

INSERT = Prepared(insert(message), [column.name for column in message.c])
TWIN = Prepared(select(m.id).where(m.user_id == bindparam("user"), m.fold == bindparam("same")))
ONE = select(*COLUMNS).where(m.id == bindparam("of"), m.user_id == bindparam("user"))
REFERENCES = select(reference.c.ref, reference.c.thread_id).where(
    reference.c.user_id == bindparam("user"), reference.c.ref.in_(bindparam("refs", expanding=True))
)
ONE_REFERENCE = Prepared(
    select(reference.c.thread_id).where(reference.c.user_id == bindparam("user"), reference.c.ref == bindparam("ref"))
)

ADD_REFERENCE = {
    dialect: Prepared(build(reference).on_conflict_do_nothing(), [column.name for column in reference.c])
    for dialect, build in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
BEGIN_THREAD = {
    dialect: Prepared(
        build(reference).on_conflict_do_nothing().returning(reference.c.thread_id),
        [column.name for column in reference.c],
    )
    for dialect, build in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
"""Most messages begin a thread: they have no reference but their own Message-ID."""

LABELS = select(label.c.message_id, label.c.label).where(label.c.message_id.in_(bindparam("ids", expanding=True)))


def shorten(ref: str) -> str:
    """A Message-ID as a key: itself, or where it is long its hash."""
    return ref if len(ref) <= 100 else sha256(ref.encode("utf-8", "replace")).hexdigest()


def find_twin(conn: Connection, user_id: str, fold: str) -> str | None:
    """The message that has come before with the same ID and content."""
    row = TWIN.row(conn, {"user": user_id, "same": fold})
    return None if row is None else str(row[0])


def join_thread(conn: Connection, user_id: str, header_id: str, references: Sequence[str], fresh: str) -> str:
    """The thread that a message belongs to: that of its references, or `fresh`. Threads that it connects become one."""
    refs = [shorten(ref) for ref in dict.fromkeys((header_id, *references)) if ref]
    if not refs:
        return fresh
    if len(refs) == 1:
        return join_one(conn, user_id, refs[0], fresh)
    known = {row.ref: row.thread_id for row in conn.execute(REFERENCES, {"user": user_id, "refs": refs})}
    threads = sorted(set(known.values()))
    thread = threads[0] if threads else fresh
    for other in threads[1:]:
        merge_threads(conn, user_id, other, thread)
    missing = [{"user_id": user_id, "ref": ref, "thread_id": thread} for ref in refs if ref not in known]
    if missing:
        ADD_REFERENCE[conn.dialect.name].run_many(conn, missing)
    return thread


def join_one(conn: Connection, user_id: str, ref: str, fresh: str) -> str:
    """The thread of a message that speaks of no other: `fresh`, unless others have spoken of it."""
    row = {"user_id": user_id, "ref": ref, "thread_id": fresh}
    if BEGIN_THREAD[conn.dialect.name].row(conn, row) is not None:
        return fresh
    known = ONE_REFERENCE.row(conn, {"user": user_id, "ref": ref})
    assert known is not None, "it is there, else it had been added"
    return str(known[0])


def merge_threads(conn: Connection, user_id: str, old: str, new: str) -> None:
    """Make two threads one."""
    conn.execute(update(message).where(m.thread_id == old, m.user_id == user_id).values(thread_id=new))
    moved = update(reference).where(reference.c.thread_id == old, reference.c.user_id == user_id)
    conn.execute(moved.values(thread_id=new))


def add_message(
    conn: Connection,
    row: dict[str, Any],
    *,
    references: Sequence[str],
    text: str,
    labels: Collection[str] = (),
    now: int,
) -> str:
    """Keep a message whose blob is kept by the caller; its id. `row` lacks `id` and `thread_id`."""
    new = new_id(now)
    thread = join_thread(conn, row["user_id"], row["header_id"], references, new)
    INSERT.run(conn, {**row, "id": new, "thread_id": thread, "fold": row["fold"] or new, "trashed_at": None})
    put_labels(conn, row["user_id"], new, labels)
    words = " ".join((row["from_name"], row["from_address"], row["to_text"], text[:SEARCH_CHARS]))
    search.index(
        conn,
        KIND,
        new,
        row["subject"] or "(no subject)",
        words,
        user_id=row["user_id"],
        path=f"/mail/message/{new}",
        now=row["received_at"],
    )
    return new


def put_labels(conn: Connection, user_id: str, message_id: str, labels: Collection[str]) -> None:
    """Add labels to a message."""
    rows = [
        {"message_id": message_id, "label": check_label(name), "user_id": user_id} for name in dict.fromkeys(labels)
    ]
    if rows:
        conn.execute(insert_or(conn, label).on_conflict_do_nothing(), rows[:MAX_LABELS])


def remove_label(conn: Connection, user_id: str, message_id: str, name: str) -> None:
    """Take one label off."""
    here = (label.c.message_id == message_id) & (label.c.user_id == user_id) & (label.c.label == name)
    conn.execute(delete(label).where(here))


def check_label(name: str) -> str:
    """Raises Invalid for what cannot be a label."""
    bare = " ".join(name.split())
    if not bare or len(bare) > 40 or not bare.isprintable():
        raise Invalid("A label has at most 40 characters.")
    return bare


def list_labels(conn: Connection, user_id: str) -> list[str]:
    """All labels that somebody uses."""
    return list(
        conn.scalars(select(label.c.label).where(label.c.user_id == user_id).distinct().order_by(label.c.label))
    )


def get_message(conn: Connection, user_id: str, message_id: str) -> Message:
    """One message of somebody's. Raises NotFound."""
    row = conn.execute(ONE, {"of": message_id, "user": user_id}).mappings().first()
    if row is None:
        raise NotFound("There is no such message.")
    return with_labels(conn, [row])[0]


def is_there(conn: Connection, message_id: str) -> bool:
    """Whether a message has not been deleted for good."""
    return conn.scalar(select(m.id).where(m.id == message_id)) is not None


def get_any_message(conn: Connection, message_id: str) -> Message:
    """As get_message, for jobs, whoever's it is."""
    row = conn.execute(select(*COLUMNS).where(m.id == message_id)).mappings().first()
    if row is None:
        raise NotFound("There is no such message.")
    return with_labels(conn, [row])[0]


def list_thread(conn: Connection, user_id: str, thread_id: str) -> list[Message]:
    """All messages of a thread, the oldest first. Raises NotFound."""
    wanted = select(*COLUMNS).where(m.thread_id == thread_id, m.user_id == user_id).order_by(m.id).limit(500)
    rows = conn.execute(wanted).mappings().all()
    if not rows:
        raise NotFound("There is no such message.")
    return with_labels(conn, rows)


def within(view: str) -> list[Any]:
    """What a view shows. Raises NotFound for one that is none."""
    if view == "starred":
        return [m.is_starred, m.folder != "trash"]
    if view == "all":
        return [m.folder.in_(("inbox", "sent", "archive"))]
    if view.startswith("label:"):
        has = exists().where(label.c.message_id == m.id, label.c.label == view[6:])
        return [has, m.folder != "trash"]
    if view not in FOLDERS:
        raise NotFound("There is no such folder.")
    return [m.folder == view]


def list_threads(conn: Connection, user_id: str, view: str, *, before: str = "", limit: int = PAGE) -> list[Thread]:
    """Threads of a view, by their newest message there; `before` is the id of the last one of the page before."""
    newest = func.max(m.id)
    wanted = select(m.thread_id, newest.label("newest"), func.count().label("count"))
    wanted = wanted.where(m.user_id == user_id, *within(view)).group_by(m.thread_id)
    if before:
        wanted = wanted.having(newest < before)
    rows = conn.execute(wanted.order_by(newest.desc()).limit(limit)).all()
    return to_threads(conn, user_id, [row.newest for row in rows])


def to_threads(conn: Connection, user_id: str, newest: Sequence[str]) -> list[Thread]:
    """Lines of a list for these messages, in their order."""
    if not newest:
        return []
    found = conn.execute(select(*COLUMNS).where(m.id.in_(newest), m.user_id == user_id)).mappings().all()
    messages = {one.id: one for one in with_labels(conn, found)}
    threads = [one.thread_id for one in messages.values()]
    counts: dict[str, list[Any]] = {}
    facts = select(m.thread_id, m.is_read, m.from_name, m.from_address, m.folder).where(
        m.thread_id.in_(threads), m.user_id == user_id, m.folder != "trash"
    )
    for row in conn.execute(facts.order_by(m.id)):
        counts.setdefault(row.thread_id, []).append(row)
    lines = []
    for one in (messages[key] for key in newest if key in messages):
        rows = counts.get(one.thread_id, [])
        people = dict.fromkeys(row.from_name or row.from_address for row in rows)
        unread = sum(not row.is_read for row in rows)
        lines.append(Thread(one, max(len(rows), 1), unread, tuple(people) or (one.who,)))
    return lines


def find_messages(conn: Connection, user_id: str, query: str, *, limit: int = PAGE, offset: int = 0) -> list[Thread]:
    """Messages with all words of `query`, the best first."""
    found = search.search(conn, query, user_id=user_id, kinds=(KIND,), limit=limit, offset=offset)
    return to_threads(conn, user_id, [hit.id for hit in found])


def list_messages(
    conn: Connection, user_id: str, view: str, *, before: str = "", limit: int = PAGE, is_unread: bool = False
) -> list[Message]:
    """Single messages of a view, the newest first."""
    wanted = select(*COLUMNS).where(m.user_id == user_id, *within(view))
    if before:
        wanted = wanted.where(m.id < before)
    if is_unread:
        wanted = wanted.where(~m.is_read)
    return with_labels(conn, conn.execute(wanted.order_by(m.id.desc()).limit(limit)).mappings().all())


def count_unread(conn: Connection, user_id: str) -> int:
    """How many messages in the inbox nobody has read."""
    wanted = select(func.count()).where(m.user_id == user_id, m.folder == "inbox", ~m.is_read)
    return int(conn.scalar(wanted) or 0)


def change_messages(
    conn: Connection,
    user_id: str,
    ids: Sequence[str],
    *,
    folder: str | None = None,
    is_read: bool | None = None,
    is_starred: bool | None = None,
    now: int,
) -> int:
    """Move and mark messages; how many. Raises Invalid for a folder that is none."""
    values: dict[str, Any] = {}
    if folder is not None:
        if folder not in FOLDERS:
            raise Invalid(f"{folder!r} is not a folder.")
        values |= {"folder": folder, "trashed_at": now if folder == "trash" else None}
    if is_read is not None:
        values["is_read"] = is_read
    if is_starred is not None:
        values["is_starred"] = is_starred
    if not values or not ids:
        return 0
    return conn.execute(update(message).where(m.user_id == user_id, m.id.in_(ids)).values(**values)).rowcount


def ids_of_thread(conn: Connection, user_id: str, thread_id: str) -> list[str]:
    """The messages of a thread."""
    return list(conn.scalars(select(m.id).where(m.thread_id == thread_id, m.user_id == user_id)))


def add_note(conn: Connection, message_id: str, note: str) -> None:
    """Write down what became of a message."""
    notes: str | None = conn.scalar(select(m.notes).where(m.id == message_id))
    if notes is not None:
        kept = [*msgspec.json.decode(notes), note[:300]][-20:]
        conn.execute(update(message).where(m.id == message_id).values(notes=msgspec.json.encode(kept).decode()))


def delete_messages(conn: Connection, user_id: str, ids: Sequence[str]) -> int:
    """Forget messages for good; how many."""
    rows = conn.execute(select(m.id, m.blob, m.thread_id).where(m.user_id == user_id, m.id.in_(ids))).all()
    for row in rows:
        search.remove(conn, KIND, row.id)
        conn.execute(delete(message).where(m.id == row.id))
        drop(conn, row.blob)
    for thread in {row.thread_id for row in rows}:
        if conn.scalar(select(func.count()).where(m.thread_id == thread, m.user_id == user_id)) == 0:
            here = (reference.c.thread_id == thread) & (reference.c.user_id == user_id)
            conn.execute(delete(reference).where(here))
    return len(rows)


def purge(conn: Connection, *, trash_before: int, routed_before: int, limit: int = 200) -> int:
    """Forget what lay in the trash or was only routed for long; how many."""
    is_old = (m.folder == "trash") & (m.trashed_at < trash_before)
    is_routed = (m.folder == "routed") & (m.received_at < routed_before)
    rows = conn.execute(select(m.id, m.user_id).where(is_old | is_routed).limit(limit)).all()
    for row in rows:
        delete_messages(conn, row.user_id, [row.id])
    return len(rows)


def with_labels(conn: Connection, rows: Sequence[RowMapping]) -> list[Message]:
    """Rows as they are known outside."""
    labels: dict[str, list[str]] = {}
    if rows:
        for row in conn.execute(LABELS, {"ids": [row["id"] for row in rows]}):
            labels.setdefault(row.message_id, []).append(row.label)
    return [to_message(row, tuple(sorted(labels.get(row["id"], ())))) for row in rows]


def to_message(row: RowMapping, labels: tuple[str, ...]) -> Message:
    """A row with its labels."""
    verdicts = msgspec.json.decode(row["verdicts"], type=Verdicts)
    notes = tuple(msgspec.json.decode(row["notes"]))
    return Message(**{**row, "verdicts": verdicts, "notes": notes, "labels": labels})
