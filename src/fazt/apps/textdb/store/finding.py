"""What the cloud's search knows of documents: it follows the numbers of changes, apart from the writes."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Row

from fazt.apps.textdb.model.jsontext import parse
from fazt.apps.textdb.model.naming import id_of
from fazt.apps.textdb.store.changes import NEXT, NEXT_DELETED
from fazt.apps.textdb.store.statements import Statement, run
from fazt.apps.textdb.store.words import scalars
from fazt.core import search
from fazt.core.auth.store import find_owner
from fazt.core.events import Event
from fazt.core.jobs import enqueue

JOB = "textdb.find"
KIND = "textdb.document"
STEP = 25
PAUSE_MS, CALM_MS = 2_000, 5_000
MAX_CHARS = 20_000
TOO_LARGE = -1
TITLES = ("title", "name", "subject", "label", "summary")

BEHIND = Statement(
    "SELECT c.id FROM textdb_collection c LEFT JOIN textdb_found f ON f.collection_id = c.id"
    " WHERE CASE WHEN c.documents > ? THEN f.seq >= 0 ELSE c.seq > coalesce(f.seq, 0) END"
    " UNION SELECT f.collection_id FROM textdb_found f"
    " WHERE NOT EXISTS (SELECT 1 FROM textdb_collection c WHERE c.id = f.collection_id)"
)
STATE = Statement(
    "SELECT c.name, c.documents, c.seq, f.seq AS found"
    " FROM textdb_collection c LEFT JOIN textdb_found f ON f.collection_id = c.id WHERE c.id = ?"
)
NEWEST = Statement("SELECT updated_at FROM textdb_document WHERE collection_id = ? ORDER BY seq DESC LIMIT 1")
PUT = Statement(
    "INSERT INTO textdb_found (collection_id, seq) VALUES (?, ?)"
    " ON CONFLICT (collection_id) DO UPDATE SET seq = excluded.seq"
)
FORGET = Statement("DELETE FROM textdb_found WHERE collection_id = ?")


def list_behind(conn: Connection, max_documents: int) -> list[int]:
    """The collections of which search does not know the last changes, and those that are gone."""
    return list(run(conn, BEHIND, max_documents).scalars())


def index_some(conn: Connection, collection_id: int, max_documents: int) -> bool:
    """Tell search of the next few changes of a collection; whether there may be more.

    A collection with more than `max_documents` is data rather than things: nothing of it stays in search.
    """
    state = run(conn, STATE, collection_id).one_or_none()
    if state is None:
        if not search.remove_some(conn, KIND, f"{collection_id}/", STEP):
            run(conn, FORGET, collection_id)
            return False
        return True
    if state.documents > max_documents:
        if search.remove_some(conn, KIND, f"{collection_id}/", STEP):
            return True
        run(conn, PUT, collection_id, TOO_LARGE)
        return False
    return index_next(conn, collection_id, state.name, max(state.found or 0, 0))


def index_next(conn: Connection, collection_id: int, name: str, since: int) -> bool:
    """The next few changes behind the number `since`."""
    living = run(conn, NEXT, collection_id, since, STEP).all()
    gone = run(conn, NEXT_DELETED, collection_id, since, STEP).all()
    rows = sorted([*living, *gone], key=lambda row: int(row.seq))[:STEP]
    owner = find_owner(conn)
    for row in rows:
        ref = f"{collection_id}/{id_of(row.key)}"
        if owner is None or not hasattr(row, "body"):
            search.remove(conn, KIND, ref)
        else:
            index_one(conn, ref, name, row, owner.id)
    if rows:
        run(conn, PUT, collection_id, rows[-1].seq)
    return len(rows) == STEP


def index_one(conn: Connection, ref: str, name: str, row: Row[Any], user_id: str) -> None:
    """Make a document findable, for whoever owns the collections."""
    value, id_ = parse(row.body), id_of(row.key)
    fields: dict[str, Any] = value if isinstance(value, dict) else {}  # a document is any JSON
    rest = [field for field in fields if field not in {*TITLES, "id"}]
    title = next((found for field in (*TITLES, *rest) if isinstance(found := fields.get(field), str) and found), id_)
    text = " · ".join(scalars(value))[:MAX_CHARS]
    path = f"/textdb/{quote(name, safe='')}/document?id={quote(id_, safe='')}"
    search.index(conn, KIND, ref, title, text, user_id=user_id, path=path, now=row.at)


def is_calm(conn: Connection, collection_id: int, now: int) -> bool:
    """Whether nobody has written to it for some seconds."""
    at = run(conn, NEWEST, collection_id).scalar()
    return at is None or at < now - CALM_MS


def ask_for_finding(conn: Connection, event: Event) -> None:
    """After something has changed: look in a moment, at what has changed until then."""
    enqueue(conn, JOB, {}, now=event.at, run_at=event.at + PAUSE_MS, key="all")
