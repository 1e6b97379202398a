"""Making, finding and ending shares. Whether somebody may share a thing at all is for its app to say."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, select, update

from fazt.core.clock import DAY
from fazt.core.db import wake
from fazt.core.errors import Invalid, NotFound
from fazt.core.ids import new_id, new_slug
from fazt.core.shares.model import Share
from fazt.core.shares.schema import share

TOKEN_LENGTH = 20  # 100 bits
LABEL_MAX = 200
KEPT_AFTER_EXPIRY = 30 * DAY
SIGNAL = "shares"
"""Watched by apps whose visitors stay: a link was changed or has ended (see core.db.wake)."""
FIND = select(share).where(share.c.digest == bindparam("digest"))
COUNT = update(share).where(share.c.id == bindparam("share_id")).values(visits=share.c.visits + 1)


def create_share(
    conn: Connection,
    *,
    app: str,
    target: str,
    user_id: str,
    now: int,
    label: str = "",
    may_write: bool = False,
    password_hash: str = "",
    expires_at: int | None = None,
) -> Share:
    """A new link to a thing. Raises Invalid where it would be over before it began."""
    if expires_at is not None and expires_at <= now:
        raise Invalid("A share cannot end in the past.", hint="Choose a later moment.")
    made = Share(
        id=new_id(now),
        token=new_slug(TOKEN_LENGTH),
        app=app,
        target=target,
        user_id=user_id,
        label=label.strip()[:LABEL_MAX],
        may_write=may_write,
        password_hash=password_hash,
        created_at=now,
        expires_at=expires_at,
        visits=0,
    )
    conn.execute(share.insert(), {**msgspec.structs.asdict(made), "digest": digest(made.token)})
    return made


def digest(token: str) -> bytes:
    """What a token is found by, so that looking for one tells nothing of its neighbours."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def find_share(conn: Connection, token: str, *, now: int) -> Share | None:
    """The share with this token, unless it has expired or was revoked. The app checks that it is one of its own."""
    row = conn.execute(FIND, {"digest": digest(token)}).first()
    found = to_share(row) if row is not None else None
    return None if found is None or found.is_over(now) else found


def get_share(conn: Connection, share_id: str, *, user_id: str | None) -> Share:
    """One share, of this person where one is named. Raises NotFound."""
    row = conn.execute(select(share).where(share.c.id == share_id)).first()
    if row is None or (user_id is not None and row.user_id != user_id):
        raise NotFound("There is no such share.")
    return to_share(row)


def list_shares(conn: Connection, app: str, target: str) -> list[Share]:
    """The shares of one thing, newest first, expired ones too."""
    rows = conn.execute(
        select(share).where(share.c.app == app, share.c.target == target).order_by(share.c.id.desc()).limit(1_000)
    )
    return [to_share(row) for row in rows]


def list_shares_of(conn: Connection, user_id: str, *, app: str = "", limit: int = 1_000) -> list[Share]:
    """What somebody shares, newest first, in one app or in all."""
    wanted = select(share).where(share.c.user_id == user_id)
    wanted = wanted.where(share.c.app == app) if app else wanted
    return [to_share(row) for row in conn.execute(wanted.order_by(share.c.id.desc()).limit(limit))]


def change_share(conn: Connection, /, share_id: str, *, user_id: str | None, now: int, **changes: Any) -> Share:
    """Change `label`, `may_write`, `password_hash` or `expires_at`. Raises NotFound and Invalid."""
    unknown = set(changes) - {"label", "may_write", "password_hash", "expires_at"}
    assert not unknown, f"a share's {unknown} cannot be changed"
    found = get_share(conn, share_id, user_id=user_id)
    expires_at = changes.get("expires_at")
    if expires_at is not None and expires_at <= now:
        raise Invalid("A share cannot end in the past.", hint="Choose a later moment, or revoke it.")
    if changes:
        conn.execute(update(share).where(share.c.id == share_id).values(**changes))
        wake(conn, SIGNAL)
    return msgspec.structs.replace(found, **changes)


def count_visit(conn: Connection, share_id: str) -> None:
    """Note that somebody opened it."""
    conn.execute(COUNT, {"share_id": share_id})


def revoke_share(conn: Connection, share_id: str, *, user_id: str | None) -> Share:
    """End a share; what it was. Raises NotFound."""
    found = get_share(conn, share_id, user_id=user_id)
    conn.execute(delete(share).where(share.c.id == share_id))
    wake(conn, SIGNAL)
    return found


def revoke_shares(conn: Connection, app: str, target: str) -> int:
    """End all shares of a thing, for when it is gone; how many there were."""
    return conn.execute(delete(share).where(share.c.app == app, share.c.target == target)).rowcount


def forget_expired(conn: Connection, *, now: int) -> int:
    """Take shares out of the file that expired long ago; how many."""
    return conn.execute(delete(share).where(share.c.expires_at < now - KEPT_AFTER_EXPIRY)).rowcount


def to_share(row: Row[Any]) -> Share:
    """A row as what it stands for."""
    fields = dict(row._mapping)
    del fields["digest"]
    return Share(**fields)
