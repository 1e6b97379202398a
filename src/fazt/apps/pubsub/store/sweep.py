"""What is forgotten: what is too much for its topic, too old, and topics in which nothing is left."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, func, select, update

from fazt.apps.pubsub.model.options import Limits
from fazt.apps.pubsub.schema import message, topic
from fazt.apps.pubsub.store.topics import COUNT_TOPICS, FOUND_AS
from fazt.core import search

MOST = 2_000
OLDEST = (
    select(message.c.seq, func.length(message.c.data).label("size"))
    .where(message.c.topic_id == bindparam("topic"), message.c.seq != bindparam("kept"))
    .order_by(message.c.seq)
    .limit(bindparam("most"))
)
REMOVE_UP_TO = delete(message).where(
    message.c.topic_id == bindparam("topic"), message.c.seq <= bindparam("last"), message.c.seq != bindparam("kept")
)
SHRINK = (
    update(topic)
    .where(topic.c.id == bindparam("topic_id"))
    .values(
        messages=topic.c.messages - bindparam("fewer"),
        bytes=topic.c.bytes - bindparam("smaller"),
        floor=bindparam("new_floor"),
    )
)
EXPIRED = (
    select(message.c.seq, message.c.topic_id, func.length(message.c.data).label("size"))
    .where(message.c.expires_at <= bindparam("now"))
    .order_by(message.c.expires_at)
    .limit(bindparam("most"))
)
REMOVE = delete(message).where(message.c.seq.in_(bindparam("seqs", expanding=True)))
EMPTY = (
    select(topic.c.id, topic.c.name)
    .where(
        topic.c.messages == 0, topic.c.options == "{}", ~topic.c.is_watched, topic.c.changed_at < bindparam("before")
    )
    .limit(MOST)
)


def prune(conn: Connection, topic_id: int, messages: int, size: int, retained_seq: int, limits: Limits) -> None:
    """Remove the oldest messages of a topic that has more than it may, and a tenth too much, so that it is rare."""
    over = messages - limits.keep_count
    is_long = over > max(limits.keep_count // 10, 1) and over > 0
    is_large = size > limits.keep_bytes + limits.keep_bytes // 10
    if not is_long and not is_large:
        return
    removed = freed = last = 0
    for row in conn.execute(OLDEST, {"topic": topic_id, "kept": retained_seq, "most": MOST}):
        if messages - removed <= limits.keep_count and size - freed <= limits.keep_bytes:
            break
        if messages - removed == 1:
            break
        removed, freed, last = removed + 1, freed + row.size, row.seq
    if removed:
        conn.execute(REMOVE_UP_TO, {"topic": topic_id, "last": last, "kept": retained_seq})
        conn.execute(SHRINK, {"topic_id": topic_id, "fewer": removed, "smaller": freed, "new_floor": last})


def remove_expired(conn: Connection, *, now: int, most: int = MOST) -> bool:
    """Remove up to `most` messages that are over; whether there may be more."""
    rows = conn.execute(EXPIRED, {"now": now, "most": most}).all()
    if not rows:
        return False
    conn.execute(REMOVE, {"seqs": [row.seq for row in rows]})
    sums: dict[int, tuple[int, int, int]] = {}
    for row in rows:
        count, size, last = sums.get(row.topic_id, (0, 0, 0))
        sums[row.topic_id] = count + 1, size + row.size, max(last, row.seq)
    conn.execute(
        SHRINK,
        [
            {"topic_id": topic_id, "fewer": count, "smaller": size, "new_floor": last}
            for topic_id, (count, size, last) in sums.items()
        ],
    )
    return len(rows) == most


def remove_empty_topics(conn: Connection, *, before: int) -> bool:
    """Forget topics that hold nothing and say nothing of themselves, unchanged since; whether there are more."""
    rows = conn.execute(EMPTY, {"before": before}).all()
    if rows:
        conn.execute(delete(topic).where(topic.c.id.in_([row.id for row in rows])))
        conn.execute(COUNT_TOPICS, {"more": -len(rows)})
    for row in rows:
        search.remove(conn, FOUND_AS, row.name)
    return len(rows) == MOST
