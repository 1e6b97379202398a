"""What the other apps tell becomes messages: `fazt/<event>`, and `db/<collection>` for documents that changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import msgspec
from sqlalchemy import Connection

from fazt.apps.pubsub.model.message import JSON, Publication
from fazt.apps.pubsub.model.options import Limits
from fazt.apps.pubsub.model.topic import check_topic
from fazt.apps.pubsub.store import alerts, boards, rules
from fazt.apps.pubsub.store.log import append
from fazt.core.clock import DAY, SECOND
from fazt.core.errors import Invalid
from fazt.core.events import Event, Many

TOLD = Limits(keep_ms=7 * DAY, keep_count=1_000, keep_bytes=4 * 1024 * 1024, max_topics=1_000_000)
"""What is kept of the program's own topics; the log of events itself looks back further."""


def take_events(conn: Connection, events: Sequence[Event]) -> None:
    """Put them on the hub in their order, those of one second at once."""
    for _second, near in groupby(events, key=lambda event: event.at // SECOND):
        take_near(conn, list(near))


def take_near(conn: Connection, events: Sequence[Event]) -> None:
    """Put events on the hub that are about as old, and forget a person who is gone."""
    publications: list[Publication] = []
    for event in events:
        if event.name == "auth.user_deleted":
            forget_person(conn, str(event.data.get("user_id", "")), now=event.at)
        told = {"id": event.id, "name": event.name, "key": event.key, "data": event.data}
        publications.append(Publication(f"fazt/{event.name}", msgspec.json.encode(told), JSON))
        if event.name == "textdb.changed":
            topic = f"db/{event.data.get('collection', '')}"
            if is_topic(topic):
                publications.append(Publication(topic, msgspec.json.encode(event.data), JSON))
    append(conn, publications, TOLD, now=events[-1].at)


on_event = Many(take_events)


def is_topic(name: str) -> bool:
    """Whether a topic may have this name."""
    try:
        check_topic(name)
    except Invalid:
        return False
    return True


def forget_person(conn: Connection, user_id: str, *, now: int) -> None:
    """All that somebody had made here."""
    alerts.forget_person(conn, user_id, now=now)
    boards.forget_person(conn, user_id)
    rules.forget_person(conn, user_id)
