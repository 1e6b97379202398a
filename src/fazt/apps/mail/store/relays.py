"""The chain of relays, the keys that we sign with, and the grey list of strangers."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from fazt.apps.mail.model.outgoing import Relay, parse_relay
from fazt.apps.mail.schema import grey, key, relay
from fazt.core.db import insert as insert_or
from fazt.core.db import wake
from fazt.core.errors import Invalid, NotFound
from fazt.core.ids import new_id

SIGNAL = "mail.out"
MAX_RELAYS = 20


class Key(Struct, frozen=True):
    """A key that signs for a domain."""

    domain: str
    selector: str
    private_key: str

    def __repr__(self) -> str:
        """Without the key."""
        return f"Key({self.selector}._domainkey.{self.domain})"


def list_relays(conn: Connection) -> list[Relay]:
    """The chain, first the one that is asked first."""
    rows = conn.execute(select(relay).order_by(relay.c.position, relay.c.id)).mappings()
    return [to_relay(row) for row in rows]


def add_relay(conn: Connection, url: str, *, per_minute: int = 0, now: int) -> Relay:
    """A new last link of the chain; 0 a minute is no limit. Raises Invalid."""
    parse_relay(url)
    if not 0 <= per_minute <= 100_000:
        raise Invalid("Messages a minute are between 0 (no limit) and 100,000.")
    if len(list_relays(conn)) >= MAX_RELAYS:
        raise Invalid(f"{MAX_RELAYS} relays are enough.")
    last = conn.scalar(select(func.max(relay.c.position)))
    row: dict[str, Any] = {"id": new_id(now), "position": (last or 0) + 1, "url": url.strip(), "is_on": True}
    conn.execute(insert(relay), row | {"per_minute": per_minute, "error": "", "error_at": None})
    wake(conn, SIGNAL)
    return get_relay(conn, row["id"])


def get_relay(conn: Connection, relay_id: str) -> Relay:
    """One relay. Raises NotFound."""
    row = conn.execute(select(relay).where(relay.c.id == relay_id)).mappings().first()
    if row is None:
        raise NotFound("There is no such relay.")
    return to_relay(row)


def delete_relay(conn: Connection, relay_id: str) -> None:
    """Take a link out of the chain. Raises NotFound."""
    if not conn.execute(delete(relay).where(relay.c.id == relay_id)).rowcount:
        raise NotFound("There is no such relay.")


def change_relay(conn: Connection, relay_id: str, *, is_on: bool | None = None, by: int = 0) -> None:
    """Switch a relay on or off, or move it in the chain. Raises NotFound."""
    get_relay(conn, relay_id)
    if is_on is not None:
        conn.execute(update(relay).where(relay.c.id == relay_id).values(is_on=is_on))
    if by:
        chain = list_relays(conn)
        at = next(at for at, found in enumerate(chain) if found.id == relay_id)
        chain.insert(min(max(at + by, 0), len(chain) - 1), chain.pop(at))
        for position, found in enumerate(chain):
            conn.execute(update(relay).where(relay.c.id == found.id).values(position=position))
    wake(conn, SIGNAL)


def note_trouble(conn: Connection, relay_id: str, error: str, *, now: int) -> None:
    """What a relay said when it failed; "" when it works again."""
    values = {"error": error[:300], "error_at": now if error else None}
    conn.execute(update(relay).where(relay.c.id == relay_id, relay.c.error != values["error"]).values(**values))


def to_relay(row: RowMapping) -> Relay:
    """A row as it is known outside."""
    return Relay(**{**row, "url": parse_relay(row["url"])})


def find_key(conn: Connection, domain: str) -> Key | None:
    """The key that signs for a domain."""
    row = conn.execute(select(key).where(key.c.domain == domain)).mappings().first()
    return None if row is None else Key(row["domain"], row["selector"], row["private_key"])


def put_key(conn: Connection, domain: str, selector: str, private_key: str, *, now: int) -> Key:
    """Keep a new key, unless there is one; the one that counts."""
    row = {"domain": domain, "selector": selector, "private_key": private_key, "created_at": now}
    conn.execute(insert_or(conn, key).values(**row).on_conflict_do_nothing())
    found = find_key(conn, domain)
    assert found is not None
    return found


def pass_grey(conn: Connection, digest: str, wait: int, *, now: int) -> int:
    """How long (ms) a stranger has still to wait; 0: welcome. The first knock is written down."""
    row = conn.execute(select(grey).where(grey.c.key == digest)).mappings().first()
    if row is None:
        new = insert_or(conn, grey).values(key=digest, first_at=now, passed_at=None)
        conn.execute(new.on_conflict_do_nothing())
        return wait
    left = int(row["first_at"] + wait - now)
    if left > 0:
        return left
    conn.execute(update(grey).where(grey.c.key == digest).values(passed_at=now))
    return 0


def prune_grey(conn: Connection, *, before: int) -> None:
    """Forget strangers that have not come again since."""
    conn.execute(delete(grey).where(grey.c.first_at < before, func.coalesce(grey.c.passed_at, 0) < before))
