"""The log: messages are added in one order, so that readers may go on from any number without a gap or a double."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, insert, select, update

from fazt.apps.pubsub.model.message import Message, Publication, Receipt, new_message_id
from fazt.apps.pubsub.model.options import FOREVER, Limits
from fazt.apps.pubsub.schema import key, message, topic
from fazt.apps.pubsub.store.reactions import react
from fazt.apps.pubsub.store.sweep import prune
from fazt.apps.pubsub.store.topics import BY_NAMES, COUNT_ON, SIGNAL, add_topics, to_options
from fazt.core.db import Prepared, after_commit, wake
from fazt.core.errors import FaztError, OverQuota

Tell = Callable[[list[Message]], None]
Answer = Receipt | FaztError

INSERT = Prepared(insert(message), [column.name for column in message.c])
INSERT_KEY = insert(key)
KNOWN_KEYS = select(key).where(key.c.key.in_(bindparam("keys", expanding=True)))
PLACE = Prepared(
    select(
        topic.c.id,
        topic.c.n,
        topic.c.messages,
        topic.c.bytes,
        topic.c.last_seq,
        topic.c.retained_seq,
        topic.c.options,
        topic.c.is_watched,
    ).where(topic.c.name == bindparam("name"))
)
TAKE = Prepared(
    update(topic)
    .where(topic.c.id == bindparam("topic_id"))
    .values(
        n=bindparam("new_n"),
        messages=bindparam("new_messages"),
        bytes=bindparam("new_bytes"),
        last_seq=bindparam("new_last"),
        retained_seq=bindparam("new_retained"),
        changed_at=bindparam("new_at"),
    )
)
AGE = update(message).where(message.c.seq == bindparam("old_seq")).values(expires_at=bindparam("ends"))


class Place:
    """A topic while messages are added to it."""

    __slots__ = ("bytes", "id", "is_watched", "last_seq", "limits", "messages", "n", "retained_seq", "retains", "was")

    def __init__(self, row: Any, limits: Limits) -> None:
        self.id: int = row.id
        self.n: int = row.n
        self.messages: int = row.messages
        self.bytes: int = row.bytes
        self.last_seq: int = row.last_seq
        self.retained_seq: int = row.retained_seq
        self.was: int = row.retained_seq
        self.is_watched = bool(row.is_watched)
        options = to_options(row.options)
        self.retains = options.retain
        self.limits = limits.of(options)

    def add(self, publication: Publication, seq: int, at: int) -> Message:
        """The message that comes of it."""
        self.n += 1
        self.messages += 1
        self.bytes += len(publication.data)
        self.last_seq = seq
        expires_at = at + self.limits.keep_ms
        if publication.expires_at is not None:
            expires_at = min(expires_at, publication.expires_at)
        if publication.retain or self.retains:
            self.retained_seq = seq
            expires_at = FOREVER
        return Message(
            seq=seq,
            n=self.n,
            id=publication.id or new_message_id(),
            topic=publication.topic,
            at=at,
            data=publication.data,
            content_type=publication.content_type,
            extra=publication.extra,
            kind=publication.kind,
            expires_at=expires_at,
        )


def append(
    conn: Connection, publications: Sequence[Publication], limits: Limits, *, now: int, tell: Tell | None = None
) -> list[Answer]:
    """Add them to the log in their order; for each a receipt, or why it could not be.

    After the commit `tell` is called with the messages; without one the hub is woken to read them. A publication
    whose idempotency key is known is not added again and gets the receipt of the first time.
    """
    known = find_known(conn, publications)
    fresh = sum((one.user_id, one.key) not in known for one in publications)
    if not fresh:
        return [known[one.user_id, one.key] for one in publications]
    seq, at, topics = COUNT_ON.rows(conn, {"more": fresh, "now": now})[0]
    names = dict.fromkeys(one.topic for one in publications if (one.user_id, one.key) not in known)
    places = places_of(conn, list(names), limits, room=limits.max_topics - int(topics), now=int(at))
    log = Log(limits, places, int(seq) - fresh, int(at))
    answers: list[Answer] = []
    for publication in publications:
        repeated = known.get((publication.user_id, publication.key)) if publication.key else None
        answer = repeated or log.add(publication)
        answers.append(answer)
        if publication.key and not repeated and isinstance(answer, Receipt):
            known[publication.user_id, publication.key] = msgspec.structs.replace(answer, repeated=True)
            keep_key(conn, publication, answer)
    if log.added:
        save(conn, log.added, log.places)
        if tell is None:
            wake(conn, SIGNAL)
        else:
            after_commit(conn, partial(tell, log.added))
    return answers


class Log:
    """The end of the log while a batch is added. Numbers that its failures leave unused are holes, which do no harm."""

    def __init__(self, limits: Limits, places: dict[str, Place], seq: int, at: int) -> None:
        self.limits = limits
        self.places = places
        self.seq = seq
        self.at = at
        self.added: list[Message] = []

    def add(self, publication: Publication) -> Answer:
        """The next message."""
        place = self.places.get(publication.topic)
        if place is None:
            return too_many_topics(self.limits)
        self.seq += 1
        made = place.add(publication, self.seq, self.at)
        self.added.append(made)
        return Receipt(made.id, self.seq, made.n, made.topic, self.at)


def places_of(conn: Connection, names: list[str], limits: Limits, *, room: int, now: int) -> dict[str, Place]:
    """The topics of a batch; as many new ones as there is `room` for are made."""
    places: dict[str, Place] = {}
    if len(names) == 1:
        row = PLACE.first(conn, {"name": names[0]})
        places = {} if row is None else {names[0]: Place(row, limits)}
    else:
        places = {row.name: Place(row, limits) for row in conn.execute(BY_NAMES, {"names": names})}
    new = [name for name in names if name not in places][: max(0, room)]
    if new:
        add_topics(conn, new, now=now)
        places |= {row.name: Place(row, limits) for row in conn.execute(BY_NAMES, {"names": new})}
    return places


def too_many_topics(limits: Limits) -> OverQuota:
    """There is no room for another."""
    return OverQuota(
        f"There are {limits.max_topics} topics, and no more are allowed.",
        hint="Delete some, or raise the setting pubsub.max_topics.",
        max_topics=limits.max_topics,
    )


def find_known(conn: Connection, publications: Sequence[Publication]) -> dict[tuple[str, str], Receipt]:
    """Receipts of idempotency keys that were used before."""
    keys = [publication.key for publication in publications if publication.key]
    if not keys:
        return {}
    return {
        (row.user_id, row.key): msgspec.structs.replace(msgspec.json.decode(row.receipt, type=Receipt), repeated=True)
        for row in conn.execute(KNOWN_KEYS, {"keys": keys})
    }


def keep_key(conn: Connection, publication: Publication, receipt: Receipt) -> None:
    """Remember what came of this key."""
    text = msgspec.json.encode(receipt).decode()
    row = {"user_id": publication.user_id, "key": publication.key, "receipt": text, "at": receipt.at}
    conn.execute(INSERT_KEY, row)


def save(conn: Connection, added: list[Message], places: dict[str, Place]) -> None:
    """Write the messages and what has become of their topics; then forget what is too much there, and react."""
    INSERT.run_many(conn, [to_row(one, places[one.topic].id) for one in added])
    last_at = {one.topic: one.at for one in added}
    changed = {name: places[name] for name in last_at}
    TAKE.run_many(
        conn,
        [
            {
                "topic_id": place.id,
                "new_n": place.n,
                "new_messages": place.messages,
                "new_bytes": place.bytes,
                "new_last": place.last_seq,
                "new_retained": place.retained_seq,
                "new_at": last_at[name],
            }
            for name, place in changed.items()
        ],
    )
    retain_only_last(conn, added, places)
    for place in changed.values():
        prune(conn, place.id, place.messages, place.bytes, place.retained_seq, place.limits)
    for one in added:
        if places[one.topic].is_watched:
            react(conn, one)


def retain_only_last(conn: Connection, added: list[Message], places: dict[str, Place]) -> None:
    """What was retained before ages again like any other message."""
    old = [
        {"old_seq": one.seq, "ends": one.at + places[one.topic].limits.keep_ms}
        for one in added
        if one.expires_at == FOREVER and one.seq != places[one.topic].retained_seq
    ]
    ends = added[0].at + min(place.limits.keep_ms for place in places.values())
    old += [
        {"old_seq": place.was, "ends": ends}
        for place in places.values()
        if place.was and place.was != place.retained_seq
    ]
    if old:
        conn.execute(AGE, old)


def to_row(one: Message, topic_id: int) -> dict[str, Any]:
    """A message as it is kept."""
    return {
        "seq": one.seq,
        "topic_id": topic_id,
        "n": one.n,
        "id": one.id,
        "at": one.at,
        "expires_at": one.expires_at,
        "kind": one.kind,
        "type": one.content_type,
        "extra": msgspec.json.encode(one.extra).decode() if one.extra else "{}",
        "data": one.data,
    }
