"""Keeping notices, and knowing who takes them where."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, false, func, insert, select, true, update

from fazt.core.clock import DAY
from fazt.core.db import Prepared
from fazt.core.errors import NotFound, OverQuota
from fazt.core.ids import new_id
from fazt.core.jobs import enqueue
from fazt.core.push.model import (
    PATH_MAX,
    TEXT_MAX,
    TITLE_MAX,
    Device,
    KeptNotice,
    Notice,
)
from fazt.core.push.schema import device, key, notice

SEND_JOB = "push.send"
MOST_DEVICES = 20
KEPT_FOR = 60 * DAY
DEVICES = select(device).where(device.c.user_id == bindparam("of")).order_by(device.c.id)


HAS_DEVICE = Prepared(select(device.c.id).where(device.c.user_id == bindparam("of")).limit(1))


def notify(conn: Connection, told: Notice, *, now: int) -> int:
    """Tell a person something, in the transaction of the fact: it is kept, and sent to each of their devices.

    Returns its id. Too long texts are cut.
    """
    cut = msgspec.structs.replace(told, title=told.title[:TITLE_MAX], text=told.text[:TEXT_MAX])
    row = {**msgspec.structs.asdict(cut), "path": cut.path[:PATH_MAX], "at": now, "is_read": False}
    made = int(conn.execute(insert(notice).returning(notice.c.id), row).scalar_one())
    for device_id in conn.scalars(select(device.c.id).where(device.c.user_id == told.user_id)):
        enqueue(conn, SEND_JOB, {"device": device_id, "notice": made}, now=now)
    return made


def list_notices(conn: Connection, user_id: str, *, limit: int = 100) -> list[KeptNotice]:
    """What somebody was told, newest first."""
    rows = conn.execute(select(notice).where(notice.c.user_id == user_id).order_by(notice.c.id.desc()).limit(limit))
    return [KeptNotice(row.id, row.title, row.text, row.path, row.at, row.is_read) for row in rows]


def count_unread(conn: Connection, user_id: str) -> int:
    """How much somebody has not looked at."""
    wanted = select(func.count()).where(notice.c.user_id == user_id, notice.c.is_read == false())
    return int(conn.execute(wanted).scalar_one())


def mark_read(conn: Connection, user_id: str) -> None:
    """Somebody has looked at all of it."""
    conn.execute(update(notice).where(notice.c.user_id == user_id, notice.c.is_read == false()).values(is_read=true()))


def forget_notices(conn: Connection, *, now: int) -> int:
    """Take old ones out of the file; how many."""
    return conn.execute(delete(notice).where(notice.c.at < now - KEPT_FOR)).rowcount


def add_device(
    conn: Connection, user_id: str, *, name: str, endpoint: str, public_key: str, auth_secret: str, now: int
) -> Device:
    """Send notices to this browser from now on; it may have been somebody else's. Raises Invalid and OverQuota."""
    from fazt.core.push.wire import check_subscription  # noqa: PLC0415 - cryptography takes 8 MB

    check_subscription(endpoint, public_key, auth_secret)
    conn.execute(delete(device).where(device.c.endpoint == endpoint))
    if len(list_devices(conn, user_id)) >= MOST_DEVICES:
        raise OverQuota(f"Notices go to {MOST_DEVICES} devices at most.", hint="Take one off first.")
    made = Device(new_id(now), user_id, name, endpoint, public_key, auth_secret, now, None)
    conn.execute(insert(device), msgspec.structs.asdict(made))
    return made


def has_device(conn: Connection, user_id: str) -> bool:
    """Whether somebody takes notices anywhere."""
    return HAS_DEVICE.row(conn, {"of": user_id}) is not None


def list_devices(conn: Connection, user_id: str) -> list[Device]:
    """Where somebody takes notices, oldest first."""
    return [to_device(row) for row in conn.execute(DEVICES, {"of": user_id})]


def delete_device(conn: Connection, user_id: str, device_id: str) -> None:
    """Send nothing there any more. Raises NotFound."""
    if not conn.execute(delete(device).where(device.c.user_id == user_id, device.c.id == device_id)).rowcount:
        raise NotFound("There is no such device.")


def find_sending(conn: Connection, device_id: str, notice_id: int) -> tuple[Device, Notice] | None:
    """What to send where, or None where either is gone."""
    found = conn.execute(select(device).where(device.c.id == device_id)).first()
    told = conn.execute(select(notice).where(notice.c.id == notice_id)).first()
    if found is None or told is None:
        return None
    return to_device(found), Notice(told.user_id, told.title, told.text, told.path, told.tag)


def note_sent(conn: Connection, device_id: str, *, now: int) -> None:
    """A push service took a notice for this device."""
    conn.execute(update(device).where(device.c.id == device_id).values(sent_at=now))


def get_private_key(conn: Connection) -> str:
    """The key by which push services know this cloud, made when it is first asked for (so this is a write)."""
    found = conn.execute(select(key.c.private_key)).scalar()
    if found is None:
        from fazt.core.push.wire import new_private_key  # noqa: PLC0415 - as above

        found = new_private_key()
        conn.execute(insert(key), {"id": 1, "private_key": found})
    return str(found)


def get_public_key(conn: Connection) -> str:
    """What a browser is told when it subscribes; a write, as get_private_key."""
    from fazt.core.push.wire import to_public_key  # noqa: PLC0415 - as above

    return to_public_key(get_private_key(conn))


def to_device(row: Row[Any]) -> Device:
    """A row as what it stands for."""
    return Device(**row._mapping)
