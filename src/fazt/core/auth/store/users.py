"""The owner and the members. Who is suspended or deleted loses every credential in the same transaction."""

from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from fazt.core.auth.model import (
    Account,
    User,
    check_email,
    check_handle,
    check_name,
    handle_from,
    normalize_login,
)
from fazt.core.auth.model.people import Role
from fazt.core.auth.model.rules import RESERVED
from fazt.core.auth.schema import reset, session, token, totp, user
from fazt.core.auth.store.changes import tell_change
from fazt.core.db import Prepared
from fazt.core.errors import Conflict, Forbidden, NotFound
from fazt.core.events import Event, emit
from fazt.core.ids import new_id

USER_COLUMNS = (
    user.c.id,
    user.c.email,
    user.c.handle,
    user.c.name,
    user.c.role,
    user.c.created_at,
    user.c.suspended_at,
    totp.c.confirmed_at.is_not(None).label("has_totp"),
    user.c.password_changed_at,
)
USERS = select(*USER_COLUMNS).select_from(user.outerjoin(totp))
ACCOUNTS = USERS.add_columns(user.c.password_hash)
ACCOUNT_BY_ID = Prepared(ACCOUNTS.where(user.c.id == bindparam("id")))
ACCOUNT_BY_EMAIL = Prepared(ACCOUNTS.where(user.c.email == bindparam("login")))
ACCOUNT_BY_HANDLE = Prepared(ACCOUNTS.where(user.c.handle == bindparam("login")))
OWNER = Prepared(USERS.where(user.c.role == "owner"))
TAKEN = select(user.c.id).where((user.c.email == bindparam("email")) | (user.c.handle == bindparam("handle")))


def create_owner(
    conn: Connection, *, email: str, password_hash: str, now: int, name: str = "", handle: str = ""
) -> User:
    """The one owner. Raises Conflict where there is one."""
    if find_owner(conn) is not None:
        raise Conflict("This cloud has an owner.", hint="Log in, or have the owner invite you.")
    return create_user(conn, email=email, password_hash=password_hash, now=now, name=name, handle=handle, role="owner")


def create_user(
    conn: Connection,
    *,
    email: str,
    password_hash: str,
    now: int,
    name: str = "",
    handle: str = "",
    role: Role = "member",
) -> User:
    """A person; an empty handle or name is made from the e-mail. Raises Invalid, and Conflict for what is taken."""
    email = check_email(email)
    called = name or handle or handle_from(email)
    handle = check_handle(handle) if handle else find_free_handle(conn, handle_from(email))
    row = {
        "id": new_id(now),
        "email": email,
        "handle": handle,
        "name": check_name(called),
        "role": role,
        "password_hash": password_hash,
        "password_changed_at": now,
        "created_at": now,
    }
    check_free(conn, email=email, handle=handle)
    conn.execute(user.insert(), row)
    tell(conn, "auth.user_created", str(row["id"]), now)
    return get_user(conn, str(row["id"]))


def find_free_handle(conn: Connection, wanted: str) -> str:
    """`wanted`, or that with the first number from 2 that neither the system nor anybody has."""
    number, handle = 1, wanted
    while handle in RESERVED or conn.execute(TAKEN, {"email": "", "handle": handle}).first():
        number += 1
        handle = f"{wanted}{number}"
    return handle


def check_free(conn: Connection, *, email: str, handle: str, except_id: str = "") -> None:
    """Raises Conflict where another person has the e-mail or the handle."""
    for row in conn.execute(TAKEN, {"email": email, "handle": handle}):
        if row.id != except_id:
            raise Conflict("Somebody here has this e-mail address or name.", hint="Choose another one.")


def find_account(conn: Connection, login: str) -> Account | None:
    """Whose e-mail or handle this is, with the password's hash."""
    login = normalize_login(login)
    statement = ACCOUNT_BY_EMAIL if "@" in login else ACCOUNT_BY_HANDLE
    row = statement.first(conn, {"login": login}) if login else None
    return to_account(row) if row else None


def get_account(conn: Connection, user_id: str) -> Account:
    """As get_user, with the password's hash."""
    row = ACCOUNT_BY_ID.first(conn, {"id": user_id})
    if row is None:
        raise NotFound("There is no such person.")
    return to_account(row)


def find_user(conn: Connection, login: str) -> User | None:
    """Whose e-mail or handle this is."""
    account = find_account(conn, login)
    return account.user if account else None


def get_user(conn: Connection, user_id: str) -> User:
    """Raises NotFound."""
    return get_account(conn, user_id).user


def find_owner(conn: Connection) -> User | None:
    """The owner; None before the first set-up."""
    row = OWNER.first(conn, {})
    return to_user(row) if row else None


def list_users(conn: Connection) -> list[User]:
    """Everybody: the owner, then members by name."""
    order = (user.c.role != "owner", func.lower(user.c.name), user.c.id)
    return [to_user(row) for row in conn.execute(USERS.order_by(*order))]


def update_user(
    conn: Connection, user_id: str, *, email: str | None = None, handle: str | None = None, name: str | None = None
) -> User:
    """Change what is given. Raises Invalid, NotFound, and Conflict for what is taken."""
    before = get_user(conn, user_id)
    email = before.email if email is None else check_email(email)
    handle = before.handle if handle in {None, before.handle} else check_handle(handle or "")
    name = before.name if name is None else check_name(name)
    check_free(conn, email=email, handle=handle, except_id=user_id)
    conn.execute(update(user).where(user.c.id == user_id).values(email=email, handle=handle, name=name))
    tell_change(conn)
    return get_user(conn, user_id)


def set_password(conn: Connection, user_id: str, password_hash: str, now: int, *, keep_session: str = "") -> None:
    """A new password: ends every other session but those of app passwords, and the open reset link."""
    get_user(conn, user_id)
    conn.execute(update(user).where(user.c.id == user_id).values(password_hash=password_hash, password_changed_at=now))
    conn.execute(delete(reset).where(reset.c.user_id == user_id))
    ended = (session.c.user_id == user_id) & session.c.token_id.is_(None) & (session.c.id != keep_session)
    conn.execute(delete(session).where(ended))
    tell_change(conn)


def replace_hash(conn: Connection, user_id: str, old: str, new: str) -> bool:
    """Keep the same password under newer parameters; False where it was changed meanwhile."""
    same = (user.c.id == user_id) & (user.c.password_hash == old)
    return conn.execute(update(user).where(same).values(password_hash=new)).rowcount == 1


def suspend_user(conn: Connection, user_id: str, now: int) -> None:
    """Close all doors to a member: sessions, tokens and reset links end. Raises NotFound; Forbidden for the owner."""
    get_member(conn, user_id)
    conn.execute(update(user).where(user.c.id == user_id, user.c.suspended_at.is_(None)).values(suspended_at=now))
    for table in (session, token, reset):
        conn.execute(delete(table).where(table.c.user_id == user_id))
    tell(conn, "auth.user_suspended", user_id, now)


def resume_user(conn: Connection, user_id: str, now: int) -> None:
    """Open the doors again; the member logs in anew. Raises NotFound; Forbidden for the owner."""
    get_member(conn, user_id)
    conn.execute(update(user).where(user.c.id == user_id).values(suspended_at=None))
    tell(conn, "auth.user_resumed", user_id, now)


def delete_user(conn: Connection, user_id: str, now: int) -> None:
    """Forget a member with all credentials. Raises NotFound; Forbidden for the owner.

    What they have in the apps is for these to delete or hand over, at the event.
    """
    get_member(conn, user_id)
    conn.execute(delete(user).where(user.c.id == user_id))
    tell(conn, "auth.user_deleted", user_id, now)


def tell(conn: Connection, name: str, user_id: str, now: int) -> None:
    """The event that something became of a person, whose credentials are looked up anew."""
    emit(conn, Event(name, {"user_id": user_id}, key=user_id), now=now)
    tell_change(conn)


def find_tour_closed(conn: Connection, user_id: str) -> int | None:
    """When somebody closed the first steps on the dashboard; None where they are still shown."""
    return conn.scalar(select(user.c.tour_closed_at).where(user.c.id == user_id))


def set_tour_closed(conn: Connection, user_id: str, at: int | None) -> None:
    """Close the first steps for somebody, or with None show them again."""
    conn.execute(update(user).where(user.c.id == user_id).values(tour_closed_at=at))


def get_member(conn: Connection, user_id: str) -> User:
    """Raises NotFound; Forbidden for the owner, without whom nobody could mend anything."""
    member = get_user(conn, user_id)
    if member.role == "owner":
        raise Forbidden("The owner cannot be suspended or deleted.")
    return member


def to_user(row: Any) -> User:
    """A row of USERS."""
    return User(
        id=row.id,
        email=row.email,
        handle=row.handle,
        name=row.name,
        role=row.role,
        created_at=row.created_at,
        suspended_at=row.suspended_at,
        has_totp=bool(row.has_totp),
        password_changed_at=row.password_changed_at,
    )


def to_account(row: Any) -> Account:
    """A row of ACCOUNTS."""
    return Account(to_user(row), row.password_hash)
