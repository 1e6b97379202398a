"""Which devices synchronise, and what of theirs was refused."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, select

from fazt.apps.joplin.schema import device, refusal
from fazt.core.db import insert
from fazt.core.errors import NotFound


def note_device(
    conn: Connection, user_id: str, *, platform: int, type: int, token_id: str, version: str, address: str, now: int
) -> None:
    """A device logged in, which it does for every synchronisation."""
    key = {"user_id": user_id, "platform": platform, "type": type, "token_id": token_id}
    news = {"version": version, "address": address, "synced_at": now}
    statement = insert(conn, device).values(**key, **news, first_at=now)
    conn.execute(statement.on_conflict_do_update(index_elements=list(key), set_=news))


def list_devices(conn: Connection, user_id: str) -> list[Row[Any]]:
    """The devices of one person, the latest first."""
    mine = device.c.user_id == user_id
    return list(conn.execute(select(device).where(mine).order_by(device.c.synced_at.desc()).limit(100)))


def forget_device(conn: Connection, user_id: str, *, platform: int, type: int, token_id: str) -> None:
    """Take a device off the list. Raises NotFound."""
    d = device.c
    found = (d.user_id == user_id) & (d.platform == platform) & (d.type == type) & (d.token_id == token_id)
    if not conn.execute(delete(device).where(found)).rowcount:
        raise NotFound("There is no such device.")


def list_refusals(conn: Connection, user_id: str) -> list[Row[Any]]:
    """What was refused, the latest first."""
    mine = refusal.c.user_id == user_id
    return list(conn.execute(select(refusal).where(mine).order_by(refusal.c.at.desc()).limit(100)))


def forget_refusal(conn: Connection, user_id: str, name: str) -> None:
    """Take an item off the list of refused ones."""
    conn.execute(delete(refusal).where(refusal.c.user_id == user_id, refusal.c.name == name))
