"""`db`: keys and JSON values of one site, with versions, times to live and atomic changes."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, or_, select, update

from fazt.apps.runtime.model import (
    MAX_OPERATIONS,
    Entry,
    Listing,
    Operation,
    check_amount,
    check_key,
    check_ttl,
    check_value,
)
from fazt.apps.runtime.model.keys import MAX_LIST
from fazt.apps.runtime.schema import entry, space
from fazt.core.db import insert
from fazt.core.errors import Invalid, OverQuota, PreconditionFailed

SWEEP = 500

HERE = and_(entry.c.site_id == bindparam("site"), entry.c.key == bindparam("name"))
FIND = select(entry).where(HERE)
REMOVE = delete(entry).where(HERE)
COUNT_UP = (
    update(space)
    .where(space.c.site_id == bindparam("site"))
    .values(seq=space.c.seq + 1, bytes=space.c.bytes + bindparam("more"))
    .returning(space.c.seq, space.c.bytes)
)
CHANGE = (
    update(entry)
    .where(HERE)
    .values(
        value=bindparam("new_value"),
        version=bindparam("new_version"),
        bytes=bindparam("new_bytes"),
        expires_at=bindparam("new_expires"),
    )
)


def find_entry(conn: Connection, site_id: int, key: str, *, now: int) -> Entry | None:
    """The entry, or None where there is none or it has expired."""
    row = find_row(conn, site_id, check_key(key), now)
    return None if row is None else to_entry(row)


def find_row(conn: Connection, site_id: int, key: str, now: int) -> Row[Any] | None:
    """The row of a key that has not expired."""
    row = conn.execute(FIND, {"site": site_id, "name": key}).first()
    return None if row is None or is_expired(row, now) else row


def is_expired(row: Row[Any], now: int) -> bool:
    """Whether a row only waits to be swept."""
    return row.expires_at is not None and row.expires_at <= now


def to_entry(row: Row[Any]) -> Entry:
    """A row as it is known outside."""
    return Entry(row.key, msgspec.Raw(row.value.encode()), row.version, row.expires_at)


def list_entries(conn: Connection, site_id: int, asked: Listing, *, now: int) -> list[Entry]:
    """Entries by key (in the order of UTF-8), up to 1,000. Raises Invalid."""
    if not 1 <= asked.limit <= MAX_LIST:
        raise Invalid(f"limit lies between 1 and {MAX_LIST}.")
    wanted = select(entry).where(entry.c.site_id == site_id, is_alive(now), *bounds(asked)).limit(asked.limit)
    order = entry.c.key.desc() if asked.reverse else entry.c.key
    return [to_entry(row) for row in conn.execute(wanted.order_by(order))]


def is_alive(now: int) -> ColumnElement[bool]:
    """The condition that a row has not expired."""
    return or_(entry.c.expires_at.is_(None), entry.c.expires_at > now)


def bounds(asked: Listing) -> list[ColumnElement[bool]]:
    """Prefix, start and end as ranges of the key, which the primary key answers."""
    found: list[ColumnElement[bool]] = []
    if asked.prefix:
        found.append(entry.c.key >= asked.prefix)
        last = asked.prefix.rstrip("\U0010ffff")
        if last:
            found.append(entry.c.key < last[:-1] + following(last[-1]))
    if asked.start:
        found.append(entry.c.key >= asked.start)
    if asked.end is not None:
        found.append(entry.c.key < asked.end)
    return found


def following(letter: str) -> str:
    """The next code point that can stand in text; the surrogates cannot."""
    return "\ue000" if letter == "\ud7ff" else chr(ord(letter) + 1)


def set_entry(
    conn: Connection,
    site_id: int,
    key: str,
    value: bytes,
    *,
    now: int,
    ttl: float | None = None,
    if_version: int | None = None,
    max_bytes: int,
) -> int:
    """Set a key; its new version. With `if_version` only if that is the present one (0: only if there is none).

    Raises PreconditionFailed, Invalid, TooLarge, and OverQuota where the site would hold more than `max_bytes`.
    """
    lasts = check_ttl(ttl)
    return put(conn, site_id, check_key(key), check_value(value), None if lasts is None else now + lasts,
               now=now, if_version=if_version, max_bytes=max_bytes)  # fmt: skip


def put(
    conn: Connection,
    site_id: int,
    key: str,
    text: str,
    expires_at: int | None,
    *,
    now: int,
    if_version: int | None,
    max_bytes: int,
) -> int:
    """Write what was checked."""
    row = conn.execute(FIND, {"site": site_id, "name": key}).first()
    check_version(key, row, if_version, now)
    size = len(key.encode()) + len(text.encode())
    version = count_up(conn, site_id, size - (row.bytes if row else 0), max_bytes)
    if row is None:
        values = {"site_id": site_id, "key": key, "value": text, "version": version, "bytes": size}
        conn.execute(insert(conn, entry).values(**values, expires_at=expires_at))
        return version
    new = {"new_value": text, "new_version": version, "new_bytes": size, "new_expires": expires_at}
    conn.execute(CHANGE, {"site": site_id, "name": key, **new})
    return version


def check_version(key: str, row: Row[Any] | None, wanted: int | None, now: int) -> None:
    """Raises PreconditionFailed where another version than `wanted` is there."""
    present = 0 if row is None or is_expired(row, now) else row.version
    if wanted is not None and wanted != present:
        raise PreconditionFailed(
            f"{key!r} has version {present}, not {wanted}." if present else f"{key!r} does not exist.",
            hint="Read it again, and try again.",
            version=present,
        )


def count_up(conn: Connection, site_id: int, more: int, max_bytes: int) -> int:
    """The next version of a site's store, which grows by `more` bytes. Raises OverQuota."""
    row = conn.execute(COUNT_UP, {"site": site_id, "more": more}).first()
    if row is None:
        conn.execute(insert(conn, space).values(site_id=site_id, seq=0, bytes=0).on_conflict_do_nothing())
        row = conn.execute(COUNT_UP, {"site": site_id, "more": more}).one()
    if more > 0 and row.bytes > max_bytes:
        raise OverQuota(f"This site may keep {max_bytes >> 20} MiB in db.", hint="Delete something, or raise db_mb.")
    return int(row.seq)


def delete_entry(conn: Connection, site_id: int, key: str, *, now: int, if_version: int | None = None) -> bool:
    """Delete a key; whether there was one. Raises PreconditionFailed."""
    row = conn.execute(FIND, {"site": site_id, "name": check_key(key)}).first()
    check_version(key, row, if_version, now)
    if row is None:
        return False
    conn.execute(REMOVE, {"site": site_id, "name": key})
    count_up(conn, site_id, -row.bytes, 0)
    return not is_expired(row, now)


def add_to_entry(conn: Connection, site_id: int, key: str, amount: float, *, now: int, max_bytes: int) -> float | int:
    """Add to a number (0 where there is none); what it is now. Its time to live stays. Raises Invalid."""
    row = find_row(conn, site_id, check_key(key), now)
    total = check_amount(row.value if row else None, float(amount))
    text = msgspec.json.encode(total).decode()
    put(conn, site_id, key, text, row.expires_at if row else None, now=now, if_version=None, max_bytes=max_bytes)
    return total


def apply_operations(
    conn: Connection, site_id: int, operations: list[Operation], *, now: int, max_bytes: int
) -> list[Any]:
    """All operations or, where one raises, none; what each answered. Raises as they do."""
    if len(operations) > MAX_OPERATIONS:
        raise Invalid(f"An atomic change has at most {MAX_OPERATIONS} operations.")
    return [apply_one(conn, site_id, step, now=now, max_bytes=max_bytes) for step in operations]


def apply_one(conn: Connection, site_id: int, step: Operation, *, now: int, max_bytes: int) -> Any:
    """One step of an atomic change."""
    match step.op:
        case "check":
            row = conn.execute(FIND, {"site": site_id, "name": check_key(step.key)}).first()
            check_version(step.key, row, step.if_version or 0, now)
            return None
        case "set":
            return set_entry(
                conn,
                site_id,
                step.key,
                bytes(step.value),
                now=now,
                ttl=step.ttl,
                if_version=step.if_version,
                max_bytes=max_bytes,
            )
        case "delete":
            return delete_entry(conn, site_id, step.key, now=now, if_version=step.if_version)
        case "add":
            return add_to_entry(conn, site_id, step.key, step.amount, now=now, max_bytes=max_bytes)


def measure_space(conn: Connection, site_id: int) -> int:
    """How many bytes a site holds in its store."""
    found = conn.execute(select(space.c.bytes).where(space.c.site_id == site_id)).scalar()
    return int(found or 0)


def sweep_entries(conn: Connection, *, now: int) -> int:
    """Remove some of what has expired; how many."""
    old = select(entry.c.site_id, entry.c.key).where(entry.c.expires_at.is_not(None), entry.c.expires_at <= now)
    rows = conn.execute(old.limit(SWEEP)).all()
    for row in rows:
        delete_entry(conn, row.site_id, row.key, now=now)
    return len(rows)
