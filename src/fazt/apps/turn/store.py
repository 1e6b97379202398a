"""Rules and SQL of calls: secrets that rotate, figures by the minute, invitations that end."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, bindparam, delete, select

from fazt.apps.turn.model import Invitation, Moment, check_room
from fazt.apps.turn.schema import invitation, moment, secret
from fazt.core.clock import DAY
from fazt.core.db import insert
from fazt.core.errors import Invalid, NotFound
from fazt.core.ids import new_secret

ROTATE_AFTER = 30 * DAY
KEEP_SECRET = 2 * DAY
"""How long the secret before stays good: longer than any password made from it."""
KEEP_MOMENTS = 30 * DAY
MAX_INVITATION = 30 * DAY

_FIND_INVITATION = select(invitation.c.id, invitation.c.room, invitation.c.created_at, invitation.c.expires_at).where(
    invitation.c.key_hash == bindparam("key_hash"), invitation.c.expires_at > bindparam("now")
)


def find_secrets(conn: Connection, now: int) -> tuple[str, ...]:
    """The secrets that are good now, newest first; none when it is time for a new one."""
    rows = conn.execute(select(secret).order_by(secret.c.id.desc())).all()
    if not rows or rows[0].created_at <= now - ROTATE_AFTER:
        return ()
    # The one before counts for a while after it was followed.
    followed = zip(rows[1:], rows, strict=False)
    return (rows[0].secret, *(old.secret for old, new in followed if new.created_at > now - KEEP_SECRET))


def use_secrets(conn: Connection, now: int) -> tuple[str, ...]:
    """As find_secrets; makes the new one when it is time."""
    if not find_secrets(conn, now):
        conn.execute(delete(secret).where(secret.c.created_at <= now - ROTATE_AFTER - KEEP_SECRET))
        conn.execute(insert(conn, secret).values(secret=new_secret(), created_at=now))
    return find_secrets(conn, now)


def add_moment(conn: Connection, row: Moment) -> None:
    """Keep the figures of a minute."""
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    conn.execute(insert(conn, moment).values(values).on_conflict_do_nothing())


def list_moments(conn: Connection, since: int) -> list[Moment]:
    """Figures from `since` (ms) on, oldest first."""
    rows = conn.execute(select(moment).where(moment.c.at >= since).order_by(moment.c.at))
    return [Moment(**row._mapping) for row in rows]


def prune(conn: Connection, now: int) -> None:
    """Forget figures that are old and invitations that have ended."""
    conn.execute(delete(moment).where(moment.c.at < now - KEEP_MOMENTS))
    conn.execute(delete(invitation).where(invitation.c.expires_at <= now))


def create_invitation(conn: Connection, room: str, user_id: str, *, lasts: int, now: int) -> tuple[Invitation, str]:
    """Leave to enter `room` for the next `lasts` ms, and the key that proves it, which is kept nowhere."""
    check_room(room)
    if not 0 < lasts <= MAX_INVITATION:
        raise Invalid("An invitation lasts up to 30 days.")
    key = new_secret()
    values = {"room": room, "created_at": now, "expires_at": now + lasts}
    statement = insert(conn, invitation).values(key_hash=_hash(key), created_by=user_id, **values)
    number: int = conn.execute(statement.returning(invitation.c.id)).scalar_one()
    return Invitation(id=number, **values), key  # type: ignore[arg-type]  # room is a text, times are numbers


def find_invitation(conn: Connection, key: str, now: int) -> Invitation | None:
    """What this key opens now."""
    row = conn.execute(_FIND_INVITATION, {"key_hash": _hash(key), "now": now}).one_or_none()
    return None if row is None else Invitation(*row)


def list_invitations(conn: Connection, user_id: str, now: int) -> list[Invitation]:
    """A person's invitations that have not ended, the last to end first."""
    own = (invitation.c.created_by == user_id) & (invitation.c.expires_at > now)
    columns = (invitation.c.id, invitation.c.room, invitation.c.created_at, invitation.c.expires_at)
    return [
        Invitation(*row) for row in conn.execute(select(*columns).where(own).order_by(invitation.c.expires_at.desc()))
    ]


def delete_invitation(conn: Connection, number: int, user_id: str) -> None:
    """Take an invitation back. Raises NotFound."""
    own = (invitation.c.id == number) & (invitation.c.created_by == user_id)
    if not conn.execute(delete(invitation).where(own)).rowcount:
        raise NotFound("There is no such invitation.")


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
