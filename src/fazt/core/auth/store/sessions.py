"""Sessions: the devices that are logged in."""

from hmac import compare_digest
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, func, select

from fazt.core.auth.model import Caller, Credential, NewSession, Session, pack_scopes, unpack_scopes
from fazt.core.auth.schema import session, token, user
from fazt.core.auth.store.changes import tell_change
from fazt.core.auth.store.second_factor import check_code
from fazt.core.auth.store.users import get_account
from fazt.core.clock import DAY
from fazt.core.db import Prepared
from fazt.core.errors import NotFound, Unauthorized
from fazt.core.events import Event, emit
from fazt.core.ids import new_id

IDLE = 30 * DAY
"""A session ends this long after it was last seen."""

MOST = 100
"""Sessions of one kind that one person may have; the longest unseen make way within the hour."""

CALLER_COLUMNS = (
    user.c.id.label("user_id"),
    user.c.name.label("user_name"),
    user.c.email,
    user.c.handle,
    user.c.role,
    user.c.suspended_at,
)
BY_DIGEST = Prepared(
    select(
        *CALLER_COLUMNS,
        session.c.id,
        session.c.kind,
        session.c.digest,
        session.c.scopes,
        session.c.seen_at,
        case((token.c.expires_at < session.c.expires_at, token.c.expires_at), else_=session.c.expires_at).label(
            "expires_at"
        ),
        session.c.address,
    )
    .join_from(session, user)
    .outerjoin(token, token.c.id == session.c.token_id)  # which it outlives neither by its end nor by its time
    .where(session.c.digest == bindparam("digest"))
)


def log_in(conn: Connection, user_id: str, password_hash: str, code: str, new: NewSession, now: int) -> str:
    """Open a session for somebody whose password was found right; the id of the session.

    Raises Unauthorized where the password was changed or the person suspended since, or where
    two-factor is on and `code` is wrong or was used.
    """
    account = get_account(conn, user_id)
    if account.user.is_suspended or not compare_digest(account.password_hash, password_hash):
        raise Unauthorized("The account was changed just now.", hint="Log in again.")
    if account.user.has_totp:
        check_code(conn, user_id, code, now)
    session_id = create_session(conn, user_id, new, now)
    data = {"user_id": user_id, "session_id": session_id, "device": new.name, "address": new.address}
    emit(conn, Event("auth.logged_in", data, key=user_id), now=now)
    return session_id


def create_session(conn: Connection, user_id: str, new: NewSession, now: int) -> str:
    """Its id. Nothing is pruned here: on PostgreSQL, log-ins at once would clash over the rows that others look at."""
    row = {
        "id": new_id(now),
        "user_id": user_id,
        "token_id": new.token_id,
        "digest": new.digest,
        "kind": new.kind,
        "name": new.name,
        "address": new.address,
        "scopes": pack_scopes(new.scopes),
        "created_at": now,
        "seen_at": now,
        "expires_at": now + IDLE,
    }
    conn.execute(session.insert(), row)
    return str(row["id"])


def find_session(conn: Connection, digest: bytes, now: int) -> Credential | None:
    """Whose session has this secret, while it lasts."""
    row = BY_DIGEST.first(conn, {"digest": digest})
    if row is None or not is_valid(row, digest, now):
        return None
    return to_credential(row, "session")


def is_valid(row: Any, digest: bytes, now: int) -> bool:
    """Whether a row found by its digest opens the door now."""
    lasts = row.expires_at is None or row.expires_at > now
    return compare_digest(bytes(row.digest), digest) and lasts and row.suspended_at is None


def to_credential(row: Any, kind: Any) -> Credential:
    """A row with CALLER_COLUMNS and those of a session or a token."""
    caller = Caller(
        user_id=row.user_id,
        name=row.user_name,
        email=row.email,
        role=row.role,
        scopes=unpack_scopes(row.scopes),
        kind=kind,
        credential_id=row.id,
        handle=row.handle,
    )
    return Credential(caller, row.seen_at or 0, row.expires_at, row.address)


def list_sessions(conn: Connection, user_id: str, now: int) -> list[Session]:
    """The devices of one person, last seen first."""
    rows = conn.execute(
        select(session)
        .where(session.c.user_id == user_id, session.c.expires_at > now)
        .order_by(session.c.seen_at.desc(), session.c.id.desc())
        .limit(MOST)
    )
    return [Session(r.id, r.user_id, r.kind, r.name, r.address, r.created_at, r.seen_at, r.expires_at) for r in rows]


def delete_session(conn: Connection, user_id: str, session_id: str) -> None:
    """Log one device out. Raises NotFound where this person has no such session."""
    if not conn.execute(delete(session).where(session.c.user_id == user_id, session.c.id == session_id)).rowcount:
        raise NotFound("There is no such session.")
    tell_change(conn)


def delete_sessions(conn: Connection, user_id: str, *, keep_session: str = "") -> int:
    """Log all devices out but one; how many."""
    mine = (session.c.user_id == user_id) & (session.c.id != keep_session)
    tell_change(conn)
    return conn.execute(delete(session).where(mine)).rowcount


def prune_sessions(conn: Connection, now: int) -> int:
    """Forget sessions that have ended, and those over MOST; how many."""
    newest = (session.c.seen_at.desc(), session.c.id.desc())
    place = func.row_number().over(partition_by=(session.c.user_id, session.c.kind), order_by=newest)
    ranked = select(session.c.id, place.label("place")).subquery()
    over = select(ranked.c.id).where(ranked.c.place > MOST)
    gone = (session.c.expires_at <= now) | session.c.id.in_(over)
    tell_change(conn)
    return conn.execute(delete(session).where(gone)).rowcount
