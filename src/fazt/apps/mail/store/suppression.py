"""Addresses that get no more mail from here: they bounced for good, complained, or the owner said so."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import Connection, delete, select

from fazt.apps.mail.model.addresses import normalize
from fazt.apps.mail.schema import suppression
from fazt.core.db import insert
from fazt.core.errors import NotFound


class Suppressed(Struct, frozen=True):
    """One address, why, and since when (ms)."""

    address: str
    reason: str
    detail: str
    at: int


def suppress(conn: Connection, address: str, reason: str, detail: str, *, now: int) -> None:
    """Send nothing more to this address. A complaint outweighs a bounce."""
    row = {"reason": reason, "detail": detail[:500], "at": now}
    new = insert(conn, suppression).values(address=normalize(address), **row)
    conn.execute(new.on_conflict_do_update(index_elements=[suppression.c.address], set_=row))


def release(conn: Connection, address: str) -> None:
    """Let the address have mail again. Raises NotFound."""
    if not conn.execute(delete(suppression).where(suppression.c.address == normalize(address))).rowcount:
        raise NotFound("This address is not on the list.")


def find_suppressed(conn: Connection, addresses: Sequence[str]) -> dict[str, str]:
    """Those of `addresses` (as `normalize` has them) that get nothing, and why."""
    wanted = select(suppression).where(suppression.c.address.in_([normalize(address) for address in addresses]))
    return {row.address: f"{row.reason}: {row.detail}".removesuffix(": ") for row in conn.execute(wanted)}


def list_suppressed(conn: Connection, *, after: str = "", limit: int = 200) -> list[Suppressed]:
    """The list, by address."""
    wanted = select(suppression).where(suppression.c.address > after).order_by(suppression.c.address).limit(limit)
    return [Suppressed(**row) for row in conn.execute(wanted).mappings()]
