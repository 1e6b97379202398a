"""Two-factor: the secret shared with an authenticator app, and recovery codes for when it is lost."""

from sqlalchemy import Connection, delete, func, select, update

from fazt.core.auth.model import digest, new_recovery_code, normalize_code
from fazt.core.auth.model.totp import find_step, new_totp_secret
from fazt.core.auth.schema import recovery_code, totp
from fazt.core.auth.store.users import get_user
from fazt.core.errors import Conflict, Invalid, Unauthorized

RECOVERY_CODES = 10
DIGITS = 6


def start_totp(conn: Connection, user_id: str) -> str:
    """A secret to show as a QR code; two-factor is on once `confirm_totp` saw a code. Raises Conflict if it is on."""
    if get_user(conn, user_id).has_totp:
        raise Conflict("Two-factor login is on already.", hint="Turn it off first.")
    secret = new_totp_secret()
    conn.execute(delete(totp).where(totp.c.user_id == user_id))
    conn.execute(totp.insert(), {"user_id": user_id, "secret": secret, "last_step": 0})
    return secret


def confirm_totp(conn: Connection, user_id: str, code: str, now: int) -> list[str]:
    """Turn two-factor on; the recovery codes, shown this once. Raises Invalid for a wrong code, else Conflict."""
    row = conn.execute(select(totp).where(totp.c.user_id == user_id)).first()
    if row is None or row.confirmed_at is not None:
        raise Conflict("There is no two-factor set-up to finish.", hint="Start it again.")
    step = find_step(row.secret, normalize_code(code) or "", now, after=row.last_step)
    if step is None:
        raise Invalid("That code is not right.", hint="Is the clock of your phone right? Try the next code.")
    conn.execute(update(totp).where(totp.c.user_id == user_id).values(confirmed_at=now, last_step=step))
    return renew_recovery_codes(conn, user_id)


def renew_recovery_codes(conn: Connection, user_id: str) -> list[str]:
    """New recovery codes, shown this once; the old ones end. Raises Conflict where two-factor is off."""
    if not get_user(conn, user_id).has_totp:
        raise Conflict("Two-factor login is off.")
    codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
    conn.execute(delete(recovery_code).where(recovery_code.c.user_id == user_id))
    rows = [{"user_id": user_id, "digest": digest(normalize_code(code) or "")} for code in codes]
    conn.execute(recovery_code.insert(), rows)
    return codes


def count_recovery_codes(conn: Connection, user_id: str) -> int:
    """How many are left."""
    return conn.scalar(select(func.count()).where(recovery_code.c.user_id == user_id)) or 0


def delete_totp(conn: Connection, user_id: str) -> None:
    """Turn two-factor off; the recovery codes go."""
    for table in (totp, recovery_code):
        conn.execute(delete(table).where(table.c.user_id == user_id))


def check_code(conn: Connection, user_id: str, code: str, now: int) -> None:
    """Use up a code of the app, which works once, or a recovery code. Raises Unauthorized for a wrong one."""
    bare = normalize_code(code) or ""
    if len(bare) == DIGITS and _use_step(conn, user_id, bare, now):
        return
    used = (recovery_code.c.user_id == user_id) & (recovery_code.c.digest == digest(bare))
    if bare and conn.execute(delete(recovery_code).where(used)).rowcount:
        return
    raise Unauthorized("That code is not right, or it was used.", hint="Wait for the next code.", code_needed=True)


def _use_step(conn: Connection, user_id: str, code: str, now: int) -> bool:
    row = conn.execute(select(totp).where(totp.c.user_id == user_id, totp.c.confirmed_at.is_not(None))).first()
    step = find_step(row.secret, code, now, after=row.last_step) if row else None
    if step is None:
        return False
    conn.execute(update(totp).where(totp.c.user_id == user_id).values(last_step=step))
    return True
