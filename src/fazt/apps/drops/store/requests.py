"""Request links: through them guests send files to whoever made them."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from fazt.apps.drops.model import Drop, Request
from fazt.apps.drops.schema import key, request
from fazt.core.errors import NotFound
from fazt.core.events import Event, emit
from fazt.core.push import Notice, notify

r = request.c
FACTS = Request.__struct_fields__


def create_request(conn: Connection, made: Request) -> Request:
    """Keep a new one."""
    conn.execute(insert(request).values(**msgspec.structs.asdict(made)))
    return made


def get_request(conn: Connection, request_id: str) -> Request:
    """One, ended or not. Raises NotFound."""
    row = conn.execute(select(request).where(r.id == request_id)).first()
    if row is None:
        raise NotFound("There is no such request, or it was taken back.")
    return Request(**row._mapping)


def get_open_request(conn: Connection, request_id: str, now: int) -> Request:
    """One through which files may be sent now. Raises NotFound."""
    found = get_request(conn, request_id)
    if found.expires_at <= now or (found.max_drops and found.drops >= found.max_drops):
        raise NotFound("This request has ended.", hint="Ask whoever sent you the link for a new one.")
    return found


def list_requests(conn: Connection, user_id: str | None) -> list[Request]:
    """Those of one user or of all, newest first."""
    wanted = select(request).order_by(r.created_at.desc())
    if user_id is not None:
        wanted = wanted.where(r.user_id == user_id)
    return [Request(**row._mapping) for row in conn.execute(wanted)]


def delete_request(conn: Connection, request_id: str) -> None:
    """Take it back; what came through it stays."""
    conn.execute(delete(request).where(r.id == request_id))


def note_received(conn: Connection, found: Drop, now: int) -> Request | None:
    """A drop through a request link is whole: count it, and tell. None where the request was taken back meanwhile."""
    row = conn.execute(
        update(request)
        .where(r.id == found.request_id)
        .values(drops=r.drops + 1)
        .returning(*(r[name] for name in FACTS))
    ).first()
    facts = {"drop": found.id, "request": found.request_id, "user_id": found.user_id, "files": found.file_count}
    emit(conn, Event("drops.received", {**facts, "size": found.size}, key=found.id), now=now)
    if row is None or not found.user_id:
        return None
    text = f"{found.file_count} {'file' if found.file_count == 1 else 'files'} came through your request."
    notify(conn, Notice(found.user_id, row.title, text, f"/drops/{found.id}", f"drops/{row.id}"), now=now)
    return Request(**row._mapping)


def find_secret(conn: Connection) -> bytes | None:
    """What owner tokens follow from."""
    found: bytes | None = conn.scalar(select(key.c.secret).where(key.c.id == 1))
    return found


def ensure_secret(conn: Connection, secret: bytes) -> bytes:
    """The secret that is kept; `secret`, if there is none yet."""
    kept = find_secret(conn)
    if kept is None:
        conn.execute(insert(key).values(id=1, secret=secret))
    return kept or secret
