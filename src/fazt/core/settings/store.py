"""What the owner chose, by name, as JSON."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from fazt.core.db import insert
from fazt.core.events import Event, emit
from fazt.core.settings.schema import setting

CHANGED = "settings.changed"


def list_settings(conn: Connection) -> dict[str, str]:
    """All that were chosen: name to JSON text."""
    return {row.name: row.value for row in conn.execute(select(setting.c.name, setting.c.value))}


def put_setting(conn: Connection, name: str, value: str, *, now: int) -> None:
    """Choose `value`, JSON text."""
    row = {"value": value, "changed_at": now}
    new = insert(conn, setting).values(name=name, **row)
    conn.execute(new.on_conflict_do_update(index_elements=[setting.c.name], set_=row))
    emit(conn, Event(CHANGED, {"name": name}, key=name), now=now)


def delete_setting(conn: Connection, name: str, *, now: int) -> None:
    """Choose the default again."""
    if conn.execute(delete(setting).where(setting.c.name == name)).rowcount:
        emit(conn, Event(CHANGED, {"name": name}, key=name), now=now)
