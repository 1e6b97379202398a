"""Messages that were put off: kept until they are due, then added to the log."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, func, insert, or_, select

from fazt.apps.pubsub.model.message import Message, Publication, Receipt
from fazt.apps.pubsub.model.options import Limits
from fazt.apps.pubsub.schema import delayed
from fazt.apps.pubsub.store.log import Answer, Tell, append
from fazt.core.db import wake
from fazt.core.errors import OverQuota

DUE = "pubsub/due"
MAX_DELAYED = 10_000
BATCH = 200

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Publication).decode


def put_off(conn: Connection, publications: Sequence[Publication], *, now: int) -> list[Answer]:
    """Keep them until they are due; each has an id and `due_at`. Raises OverQuota where too many wait already."""
    waiting = int(conn.execute(select(func.count()).select_from(delayed)).scalar_one())
    if waiting + len(publications) > MAX_DELAYED:
        raise OverQuota(f"{MAX_DELAYED} messages wait for their time, and no more are allowed.", limit=MAX_DELAYED)
    rows = [
        {
            "id": one.id,
            "topic": one.topic,
            "sequence": str(one.extra.get("sequence_id") or one.id),
            "due_at": one.due_at,
            "at": now,
            "publication": encode(one),
        }
        for one in publications
    ]
    conn.execute(insert(delayed), rows)
    wake(conn, DUE)
    return [Receipt(one.id, 0, 0, one.topic, now, due_at=one.due_at) for one in publications]


def next_due(conn: Connection) -> int | None:
    """When the next one is due, or None."""
    found = conn.execute(select(func.min(delayed.c.due_at))).scalar()
    return None if found is None else int(found)


def publish_due(conn: Connection, limits: Limits, *, now: int, tell: Tell | None = None) -> bool:
    """Add what is due to the log; whether there may be more."""
    wanted = select(delayed).where(delayed.c.due_at <= now).order_by(delayed.c.due_at, delayed.c.id).limit(BATCH)
    rows = conn.execute(wanted).all()
    if rows:
        append(conn, [decode(bytes(row.publication)) for row in rows], limits, now=now, tell=tell)
        conn.execute(delete(delayed).where(delayed.c.id.in_([row.id for row in rows])))
    return len(rows) == BATCH


def cancel(conn: Connection, topic: str, sequence: str) -> int:
    """Drop what waits under that id; how many."""
    meant = or_(delayed.c.id == sequence, delayed.c.sequence == sequence)
    return conn.execute(delete(delayed).where(delayed.c.topic == topic, meant)).rowcount


def list_delayed(conn: Connection, topics: list[str]) -> list[Message]:
    """What waits for these topics, by the time it is due, as the messages that it will be."""
    rows = conn.execute(select(delayed).where(delayed.c.topic.in_(topics)).order_by(delayed.c.due_at).limit(1_000))
    return [to_message(decode(bytes(row.publication)), row.due_at) for row in rows]


def to_message(one: Publication, due_at: int) -> Message:
    """A message that is not there yet."""
    return Message(
        seq=0,
        n=0,
        id=one.id,
        topic=one.topic,
        at=due_at,
        data=one.data,
        content_type=one.content_type,
        extra=one.extra,
        kind=one.kind,
        expires_at=one.expires_at,
    )
