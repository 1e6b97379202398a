"""API tokens and app passwords, and when credentials were last seen."""

from collections.abc import Collection

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, select, update

from fazt.core.auth.model import (
    Credential,
    Issued,
    Token,
    check_name,
    check_scope,
    digest,
    new_app_password,
    new_token_secret,
    normalize_secret,
    pack_scopes,
    unpack_scopes,
)
from fazt.core.auth.model.credentials import HINT_LENGTH
from fazt.core.auth.model.people import TokenKind
from fazt.core.auth.schema import invitation, reset, session, token, user
from fazt.core.auth.store.changes import tell_change
from fazt.core.auth.store.sessions import CALLER_COLUMNS, IDLE, is_valid, prune_sessions, to_credential
from fazt.core.auth.store.users import get_user
from fazt.core.db import Prepared
from fazt.core.errors import Invalid, NotFound, TooMany
from fazt.core.ids import new_id

MOST = 1_000

BY_DIGEST = Prepared(
    select(
        *CALLER_COLUMNS,
        token.c.id,
        token.c.kind,
        token.c.digest,
        token.c.scopes,
        token.c.used_at.label("seen_at"),
        token.c.expires_at,
        token.c.address,
    )
    .join_from(token, user)
    .where(token.c.digest == bindparam("digest"))
)


class Seen(msgspec.Struct, frozen=True):
    """A session or token was shown at this time, from about this address."""

    is_session: bool
    id: str
    at: int
    address: str


def create_token(
    conn: Connection,
    user_id: str,
    *,
    name: str,
    scopes: Collection[str] | None,
    now: int,
    kind: TokenKind = "token",
    expires_at: int | None = None,
) -> Issued:
    """A new API token (`token`) or app password (`app`). `scopes` None is all that the person may do.

    Raises Invalid for a bad name, scope or a time that has passed, and for no scopes at all.
    """
    get_user(conn, user_id)
    if scopes is not None and not scopes:
        raise Invalid("A token needs at least one scope.", hint="For example drive:rw.")
    if expires_at is not None and expires_at <= now:
        raise Invalid("This token would have expired already.")
    if (conn.scalar(select(func.count()).where(token.c.user_id == user_id)) or 0) >= MOST:
        raise TooMany(f"You have {MOST} tokens.", hint="Delete some that are not used.")
    secret = new_token_secret() if kind == "token" else new_app_password()
    row = {
        "id": new_id(now),
        "user_id": user_id,
        "kind": kind,
        "digest": digest(normalize_secret(secret) or ""),
        "hint": secret[:HINT_LENGTH],
        "name": check_name(name),
        "scopes": pack_scopes(None if scopes is None else frozenset(check_scope(scope) for scope in scopes)),
        "created_at": now,
        "expires_at": expires_at,
    }
    conn.execute(token.insert(), row)
    return Issued(str(row["id"]), secret, expires_at)


def find_token(conn: Connection, digest: bytes, now: int) -> Credential | None:
    """Whose token or app password this is, while it lasts."""
    row = BY_DIGEST.first(conn, {"digest": digest})
    if row is None or not is_valid(row, digest, now):
        return None
    return to_credential(row, row.kind)


def list_tokens(conn: Connection, user_id: str) -> list[Token]:
    """Tokens and app passwords of one person, newest first; expired ones too, until they are deleted."""
    rows = conn.execute(select(token).where(token.c.user_id == user_id).order_by(token.c.id.desc()))
    return [
        Token(
            id=row.id,
            user_id=row.user_id,
            kind=row.kind,
            name=row.name,
            hint=row.hint,
            scopes=unpack_scopes(row.scopes),
            created_at=row.created_at,
            expires_at=row.expires_at,
            used_at=row.used_at,
            address=row.address,
        )
        for row in rows
    ]


def delete_token(conn: Connection, user_id: str, token_id: str) -> None:
    """End a token or app password and the sessions opened with it. Raises NotFound where this person has none such."""
    if not conn.execute(delete(token).where(token.c.user_id == user_id, token.c.id == token_id)).rowcount:
        raise NotFound("There is no such token.")
    tell_change(conn)


def delete_ended(conn: Connection, now: int) -> int:
    """Forget invitations and resets whose time is over, and sessions; how many. Tokens stay listed as expired."""
    links = sum(conn.execute(delete(table).where(table.c.expires_at <= now)).rowcount for table in (invitation, reset))
    return links + prune_sessions(conn, now)


SESSION_SEEN = (
    update(session)
    .where(session.c.id == bindparam("key"), session.c.seen_at < bindparam("at"))
    .values(seen_at=bindparam("at"), expires_at=bindparam("until"), address=bindparam("place"))
)
TOKEN_SEEN = (
    update(token).where(token.c.id == bindparam("key")).values(used_at=bindparam("at"), address=bindparam("place"))
)


def note_seen(conn: Connection, seen: Collection[Seen]) -> None:
    """Write down when credentials were shown; a session's end slides along."""
    for one in seen:
        values = {"key": one.id, "at": one.at, "place": one.address}
        if one.is_session:
            conn.execute(SESSION_SEEN, {**values, "until": one.at + IDLE})
        else:
            conn.execute(TOKEN_SEEN, values)
