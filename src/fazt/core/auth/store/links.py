"""One-time links: invitations for new members, resets for forgotten passwords."""

from hmac import compare_digest

from sqlalchemy import Connection, delete, select

from fazt.core.auth.model import Invitation, Issued, User, check_email, check_name, digest, new_session_secret
from fazt.core.auth.model.credentials import is_session_shaped
from fazt.core.auth.schema import invitation, reset
from fazt.core.auth.store.users import create_user, get_user, set_password
from fazt.core.clock import DAY
from fazt.core.errors import Forbidden, NotFound
from fazt.core.ids import new_id

INVITATION_LASTS = 7 * DAY
RESET_LASTS = DAY


def create_invitation(
    conn: Connection, now: int, *, email: str = "", name: str = "", lasts: int = INVITATION_LASTS
) -> Issued:
    """A link by which one person becomes a member. Raises Invalid. Expired ones go at this occasion."""
    conn.execute(delete(invitation).where(invitation.c.expires_at <= now))
    secret = new_session_secret()
    row = {
        "id": new_id(now),
        "digest": digest(secret),
        "email": check_email(email) if email else "",
        "name": check_name(name) if name else "",
        "created_at": now,
        "expires_at": now + lasts,
    }
    conn.execute(invitation.insert(), row)
    return Issued(str(row["id"]), secret, now + lasts)


def find_invitation(conn: Connection, secret: str, now: int) -> Invitation | None:
    """The invitation with this secret, unless it was used or has expired."""
    if not is_session_shaped(secret):
        return None
    wanted = digest(secret)
    row = conn.execute(select(invitation).where(invitation.c.digest == wanted)).first()
    if row is None or row.expires_at <= now or not compare_digest(bytes(row.digest), wanted):
        return None
    return Invitation(row.id, row.email, row.name, row.created_at, row.expires_at)


def list_invitations(conn: Connection, now: int) -> list[Invitation]:
    """Those that can still be used, newest first."""
    rows = conn.execute(select(invitation).where(invitation.c.expires_at > now).order_by(invitation.c.id.desc()))
    return [Invitation(row.id, row.email, row.name, row.created_at, row.expires_at) for row in rows]


def delete_invitation(conn: Connection, invitation_id: str) -> None:
    """Take it back. Raises NotFound."""
    if not conn.execute(delete(invitation).where(invitation.c.id == invitation_id)).rowcount:
        raise NotFound("There is no such invitation.")


def accept_invitation(
    conn: Connection, secret: str, *, email: str, password_hash: str, now: int, name: str = "", handle: str = ""
) -> User:
    """A new member; the link is used up. Raises NotFound for a dead link, Invalid and Conflict as create_user."""
    found = find_invitation(conn, secret, now)
    if found is None:
        raise NotFound("This invitation was used or has expired.", hint="Ask for a new one.")
    conn.execute(delete(invitation).where(invitation.c.id == found.id))
    return create_user(conn, email=email, password_hash=password_hash, now=now, name=name, handle=handle)


def create_reset(conn: Connection, user_id: str, now: int, *, lasts: int = RESET_LASTS) -> Issued:
    """A link that sets a new password; an older one ends. Raises NotFound; Forbidden for somebody suspended."""
    if get_user(conn, user_id).is_suspended:
        raise Forbidden("This person is suspended.", hint="Resume them first.")
    secret = new_session_secret()
    conn.execute(delete(reset).where((reset.c.user_id == user_id) | (reset.c.expires_at <= now)))
    conn.execute(reset.insert(), {"user_id": user_id, "digest": digest(secret), "expires_at": now + lasts})
    return Issued(user_id, secret, now + lasts)


def find_reset(conn: Connection, secret: str, now: int) -> User | None:
    """Whose password this link may set, unless it was used or has expired."""
    if not is_session_shaped(secret):
        return None
    wanted = digest(secret)
    row = conn.execute(select(reset).where(reset.c.digest == wanted)).first()
    if row is None or row.expires_at <= now or not compare_digest(bytes(row.digest), wanted):
        return None
    return get_user(conn, row.user_id)


def use_reset(conn: Connection, secret: str, password_hash: str, now: int) -> User:
    """Set the password and end all sessions; the link is used up. Raises NotFound for a dead link."""
    found = find_reset(conn, secret, now)
    if found is None:
        raise NotFound("This link was used or has expired.", hint="Ask for a new one.")
    set_password(conn, found.id, password_hash, now)
    return found
