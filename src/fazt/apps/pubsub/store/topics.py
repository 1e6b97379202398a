"""Topics: what is known of each, what it keeps, and their lists."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection, Row, bindparam, case, delete, insert, select, update

from fazt.apps.pubsub.model.message import Message
from fazt.apps.pubsub.model.options import Options
from fazt.apps.pubsub.model.topic import literal_prefix
from fazt.apps.pubsub.schema import counter, key, message, topic
from fazt.core import search
from fazt.core.auth.store import find_owner
from fazt.core.db import Prepared, wake
from fazt.core.errors import NotFound

SIGNAL = "pubsub"
FOUND_AS = "pubsub.topic"
TOPICS = "pubsub/topics"
LAST_TEXT = "\U0010ffff"

STATE = select(counter.c.seq, counter.c.at, counter.c.topics).where(counter.c.id == 1)
COUNT_ON = Prepared(
    update(counter)
    .where(counter.c.id == 1)
    .values(
        seq=counter.c.seq + bindparam("more"),
        at=case((counter.c.at < bindparam("now"), bindparam("now")), else_=counter.c.at),
    )
    .returning(counter.c.seq, counter.c.at, counter.c.topics)
)
COUNT_TOPICS = update(counter).where(counter.c.id == 1).values(topics=counter.c.topics + bindparam("more"))
ADD = insert(topic)
BY_NAME = select(topic).where(topic.c.name == bindparam("name"))
BY_NAMES = select(topic).where(topic.c.name.in_(bindparam("names", expanding=True)))
COLUMNS = (
    message.c.seq,
    message.c.n,
    message.c.id,
    message.c.at,
    message.c.expires_at,
    message.c.kind,
    message.c.type,
    message.c.extra,
    message.c.data,
)
BY_SEQS = (
    select(*COLUMNS, topic.c.name)
    .join(topic, topic.c.id == message.c.topic_id)
    .where(message.c.seq.in_(bindparam("seqs", expanding=True)))
    .order_by(message.c.seq)
)


class TopicInfo(msgspec.Struct, frozen=True):
    """What a list tells of a topic. `last` is its newest message, if that is still kept."""

    name: str
    messages: int
    bytes: int
    changed_at: int
    options: Options
    is_watched: bool
    last: Message | None = None


def read_seq(conn: Connection) -> int:
    """The number of the newest message of all."""
    return int(conn.execute(STATE).one().seq)


def to_message(row: Any) -> Message:
    """A row of the log."""
    return Message(
        seq=row.seq,
        n=row.n,
        id=row.id,
        topic=row.name,
        at=row.at,
        data=bytes(row.data),
        content_type=row.type,
        extra=msgspec.json.decode(row.extra) if row.extra != "{}" else None,
        kind=row.kind,
        expires_at=row.expires_at,
    )


def load_messages(conn: Connection, seqs: list[int]) -> list[Message]:
    """The messages with these numbers that are there, in their order."""
    found: list[Message] = []
    for start in range(0, len(seqs), 500):
        found += [to_message(row) for row in conn.execute(BY_SEQS, {"seqs": seqs[start : start + 500]})]
    return found


def to_options(text: str) -> Options:
    """A topic's own rules."""
    return msgspec.json.decode(text, type=Options)


def to_info(row: Row[Any], last: Message | None) -> TopicInfo:
    """A row of the list."""
    options = to_options(row.options)
    return TopicInfo(row.name, row.messages, row.bytes, row.changed_at, options, row.is_watched, last)


def find_topic(conn: Connection, name: str, *, now: int) -> TopicInfo | None:
    """One topic with its last value, or None."""
    row = conn.execute(BY_NAME, {"name": name}).one_or_none()
    return None if row is None else to_info(row, last_value(conn, row, now))


def last_value(conn: Connection, row: Row[Any], now: int) -> Message | None:
    """The newest message that still counts, or the one that was retained."""
    found = load_messages(conn, sorted({row.last_seq, row.retained_seq}))
    living = [one for one in found if one.expires_at is None or one.expires_at > now]
    return living[-1] if living else None


def list_topics(
    conn: Connection, *, prefix: str = "", after: str = "", limit: int = 100, by_time: bool = False, now: int
) -> list[TopicInfo]:
    """Topics whose name begins with `prefix`, by name (behind `after`) or the ones that changed last."""
    wanted = select(topic).limit(limit)
    if prefix:
        wanted = wanted.where(topic.c.name >= prefix, topic.c.name < prefix + LAST_TEXT)
    if after:
        wanted = wanted.where(topic.c.name > after)
    wanted = wanted.order_by(topic.c.changed_at.desc() if by_time else topic.c.name)
    rows = conn.execute(wanted).all()
    seqs = sorted({seq for row in rows for seq in (row.last_seq, row.retained_seq) if seq})
    known = {one.seq: one for one in load_messages(conn, seqs) if one.expires_at is None or one.expires_at > now}
    return [to_info(row, known.get(row.last_seq) or known.get(row.retained_seq)) for row in rows]


def list_latest(conn: Connection, patterns: list[str], *, limit: int = 10_000) -> list[tuple[str, int, int]]:
    """Topics that these patterns may mean, with the numbers of their last and their retained message."""
    found: dict[str, tuple[int, int]] = {}
    for pattern in patterns:
        prefix = literal_prefix(pattern)
        wanted = select(topic.c.name, topic.c.last_seq, topic.c.retained_seq).order_by(topic.c.name).limit(limit)
        if pattern == prefix:
            wanted = wanted.where(topic.c.name == prefix)
        elif prefix:
            wanted = wanted.where(topic.c.name >= prefix, topic.c.name < prefix + LAST_TEXT)
        found.update({row.name: (row.last_seq, row.retained_seq) for row in conn.execute(wanted)})
    return [(name, *seqs) for name, seqs in found.items()]


def put_options(conn: Connection, name: str, options: Options, *, now: int) -> None:
    """A topic's own rules; the topic is made where there is none."""
    text = msgspec.json.encode(options).decode()
    changed = conn.execute(update(topic).where(topic.c.name == name).values(options=text)).rowcount
    if not changed:
        add_topics(conn, [name], options=text, now=now)
    wake(conn, TOPICS)


def add_topics(conn: Connection, names: list[str], *, options: str = "{}", is_watched: bool = False, now: int) -> None:
    """New topics, counted."""
    zeros = {"n": 0, "messages": 0, "bytes": 0, "last_seq": 0, "floor": 0, "retained_seq": 0}
    row = zeros | {"options": options, "is_watched": is_watched, "created_at": now, "changed_at": now}
    conn.execute(ADD, [row | {"name": name} for name in names])
    conn.execute(COUNT_TOPICS, {"more": len(names)})
    owner = find_owner(conn)
    if owner is not None:  # others may see a topic by rules that change; who made the rules sees all
        for name in names:
            path = f"/topics/t/{quote(name)}"
            search.index(conn, FOUND_AS, name, name, "", user_id=owner.id, path=path, now=now)


def list_volatile(conn: Connection) -> list[str]:
    """Topics of which nothing is kept."""
    rows = conn.execute(select(topic.c.name, topic.c.options).where(topic.c.options != "{}"))
    return [row.name for row in rows if to_options(row.options).volatile]


def delete_topic(conn: Connection, name: str, *, limit: int = 2_000) -> bool:
    """Forget up to `limit` messages of a topic, then the topic; whether there is more to forget. Raises NotFound."""
    row = conn.execute(BY_NAME, {"name": name}).one_or_none()
    if row is None:
        raise NotFound(f"There is no topic {name}.")
    seqs = select(message.c.seq).where(message.c.topic_id == row.id).order_by(message.c.seq).limit(limit)
    removed = conn.execute(delete(message).where(message.c.seq.in_(seqs.scalar_subquery()))).rowcount
    if removed == limit:
        return True
    conn.execute(delete(topic).where(topic.c.id == row.id))
    conn.execute(COUNT_TOPICS, {"more": -1})
    search.remove(conn, FOUND_AS, name)
    wake(conn, TOPICS)
    return False


def forget_keys(conn: Connection, *, before: int) -> bool:
    """Forget idempotency keys of before that time (ms); whether there may be more."""
    keys = select(key.c.user_id, key.c.key).where(key.c.at < before).limit(1_000)
    rows = conn.execute(keys).all()
    if rows:
        gone = delete(key).where(key.c.user_id == bindparam("u"), key.c.key == bindparam("k"))
        conn.execute(gone, [{"u": row.user_id, "k": row.key} for row in rows])
    return len(rows) == 1_000
