"""Who is reached by an address: people by name, roles, aliases, one-time addresses, the catch-all."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select, update

from fazt.apps.mail.model.addresses import ROLES, Address, check_local
from fazt.apps.mail.schema import address as table
from fazt.core.auth.store import find_owner, find_user, get_user, list_users
from fazt.core.db import Prepared, attempt
from fazt.core.errors import Conflict, Forbidden, Invalid, NotFound
from fazt.core.ids import new_slug

FIND = Prepared(select(table).where(table.c.address == bindparam("local")))
USE = update(table).where(table.c.address == bindparam("local")).values(used=table.c.used + 1)
RESERVED = frozenset({*ROLES, "hostmaster", "webmaster", "root", "mailer-daemon", "nobody", "noreply", "no-reply"})
MAX_ALIASES = 1_000


class Alias(Struct, frozen=True):
    """An address that somebody made: `kind` is `alias` or `once`; an end by time, by number of messages, or none."""

    address: str
    user_id: str
    kind: str
    note: str
    created_at: int
    expires_at: int | None
    used: int
    max_uses: int | None

    def is_over(self, now: int) -> bool:
        """Whether it takes no more messages."""
        is_late = self.expires_at is not None and self.expires_at <= now
        return is_late or (self.max_uses is not None and self.used >= self.max_uses)


class Target(Struct, frozen=True):
    """Whom an address reaches. `alias` is the row that counts its uses, or ""."""

    user_id: str
    alias: str = ""


def resolve(conn: Connection, wanted: Address, *, catch_all: bool, now: int) -> Target | None:
    """Whom a name at one of our domains reaches, or None. A tag (`anna+shop`) belongs to who has the name before it."""
    for name in dict.fromkeys((wanted.local.lower(), wanted.base)):
        row = FIND.row(conn, {"local": name})
        if row is not None:
            alias = Alias(*row)
            return None if alias.is_over(now) else Target(alias.user_id, alias.address)
    person = find_user(conn, wanted.base) if wanted.base and "@" not in wanted.base else None
    if person is not None:
        return None if person.is_suspended else Target(person.id)
    if wanted.base in ROLES or catch_all:
        owner = find_owner(conn)
        return Target(owner.id) if owner else None
    return None


def note_use(conn: Connection, alias: str) -> None:
    """Count one message that came for an alias."""
    conn.execute(USE, {"local": alias})


def create_alias(
    conn: Connection,
    user_id: str,
    local: str,
    *,
    note: str,
    now: int,
    expires_at: int | None = None,
    max_uses: int | None = None,
) -> Alias:
    """A new address; with an empty `local` a random one. Raises Invalid, and Conflict for a name that is taken."""
    is_random = not local.strip()
    name = f"{new_slug(4)}-{new_slug(6)}" if is_random else check_local(local)
    if name in RESERVED and find_owner(conn) != get_user(conn, user_id):
        raise Forbidden(f"{name} is the owner's.")
    taken = FIND.row(conn, {"local": name}) is not None or find_user(conn, name) is not None
    if taken or (name in ROLES):
        raise Conflict(f"Somebody here has the address {name} already.")
    if len(note) > 300:
        raise Invalid("A note may have 300 characters.")
    if len(list_aliases(conn, user_id)) >= MAX_ALIASES:
        raise Invalid(f"{MAX_ALIASES} addresses are enough.", hint="Delete some first.")
    kind = "once" if expires_at is not None or max_uses is not None else "alias"
    row: dict[str, Any] = {"address": name, "user_id": user_id, "kind": kind, "note": note, "created_at": now}
    row |= {"expires_at": expires_at, "used": 0, "max_uses": max_uses}
    with attempt(conn):
        conn.execute(insert(table), row)
    return Alias(**row)


def list_aliases(conn: Connection, user_id: str) -> list[Alias]:
    """Somebody's addresses, the newest first."""
    rows = conn.execute(select(table).where(table.c.user_id == user_id).order_by(table.c.created_at.desc()))
    return [to_alias(row) for row in rows.mappings()]


def delete_alias(conn: Connection, user_id: str, name: str) -> None:
    """Take an address away. Raises NotFound."""
    here = delete(table).where(table.c.address == name.lower(), table.c.user_id == user_id)
    if not conn.execute(here).rowcount:
        raise NotFound("You have no such address.")


def own_names(conn: Connection, user_id: str) -> list[str]:
    """The names that somebody may write from, their own first."""
    person = get_user(conn, user_id)
    names = [person.handle, *(alias.address for alias in list_aliases(conn, user_id))]
    return names + (list(ROLES) if person.role == "owner" else [])


def may_write_as(conn: Connection, user_id: str, wanted: Address, domains: tuple[str, ...]) -> bool:
    """Whether this is one of their addresses (with any tag)."""
    if wanted.domain not in domains:
        return False
    names = own_names(conn, user_id)
    return wanted.base in names or wanted.local.lower() in names


def list_handles(conn: Connection) -> list[str]:
    """The names of all people."""
    return [person.handle for person in list_users(conn)]


def to_alias(row: RowMapping) -> Alias:
    """A row as it is known outside."""
    return Alias(**row)
