"""Alerts on topics and what people watch, as rows; topics that have any are marked, so that all others stay quick."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, exists, insert, or_, select, update

from fazt.apps.pubsub.model.alert import Alert
from fazt.apps.pubsub.schema import alert, topic, watch
from fazt.apps.pubsub.store.topics import BY_NAME, add_topics
from fazt.core.db import insert as insert_or
from fazt.core.errors import Conflict, NotFound

MAX_ALERTS = 200


def to_alert(row: Row[Any]) -> Alert:
    """A row as it is known outside."""
    return Alert(row.id, row.user_id, row.topic, row.kind, row.value, row.is_firing, row.changed_at)


def list_alerts(conn: Connection, user_id: str, name: str = "") -> list[Alert]:
    """Somebody's alerts, on one topic or on all."""
    wanted = select(alert).where(alert.c.user_id == user_id).order_by(alert.c.topic, alert.c.id)
    if name:
        wanted = wanted.where(alert.c.topic == name)
    return [to_alert(row) for row in conn.execute(wanted)]


def create_alert(conn: Connection, new: Alert, *, now: int) -> Alert:
    """A new alert of `new.user_id`. Raises Conflict for the two-hundred-and-first."""
    if len(list_alerts(conn, new.user_id)) >= MAX_ALERTS:
        raise Conflict(f"You have {MAX_ALERTS} alerts, and no more are allowed.", hint="Delete one first.")
    row = {
        "user_id": new.user_id,
        "topic": new.topic,
        "kind": new.kind,
        "value": new.value,
        "is_firing": False,
        "created_at": now,
        "changed_at": now,
    }
    made = conn.execute(insert(alert).returning(alert.c.id), row).scalar_one()
    mark(conn, new.topic, now=now)
    return Alert(int(made), new.user_id, new.topic, new.kind, new.value, changed_at=now)


def delete_alert(conn: Connection, user_id: str, alert_id: int, *, now: int) -> None:
    """Raises NotFound."""
    gone = delete(alert).where(alert.c.id == alert_id, alert.c.user_id == user_id).returning(alert.c.topic)
    name = conn.execute(gone).scalar()
    if name is None:
        raise NotFound("There is no such alert.")
    mark(conn, name, now=now)


def mark(conn: Connection, name: str, *, now: int) -> None:
    """Have the topic know whether anybody cares."""
    cares = or_(exists().where(alert.c.topic == name), exists().where(watch.c.topic == name))
    is_watched = bool(conn.execute(select(cares)).scalar_one())
    row = conn.execute(BY_NAME, {"name": name}).one_or_none()
    if row is not None:
        conn.execute(update(topic).where(topic.c.id == row.id).values(is_watched=is_watched))
    elif is_watched:
        add_topics(conn, [name], is_watched=True, now=now)


def is_watching(conn: Connection, user_id: str, name: str) -> bool:
    """Whether somebody gets a notice for each message of a topic."""
    return conn.execute(select(watch).where(watch.c.topic == name, watch.c.user_id == user_id)).first() is not None


def set_watching(conn: Connection, user_id: str, name: str, *, wanted: bool, now: int) -> None:
    """Begin or end getting a notice for each message of a topic."""
    if wanted:
        row = {"topic": name, "user_id": user_id}
        conn.execute(insert_or(conn, watch).values(row).on_conflict_do_nothing())
    else:
        conn.execute(delete(watch).where(watch.c.topic == name, watch.c.user_id == user_id))
    mark(conn, name, now=now)


def list_watchers(conn: Connection, name: str) -> list[str]:
    """Who gets a notice for each message of a topic."""
    return list(conn.execute(select(watch.c.user_id).where(watch.c.topic == name)).scalars())


def list_alerts_of_topic(conn: Connection, name: str) -> list[Alert]:
    """All alerts on a topic, whoever made them."""
    return [to_alert(row) for row in conn.execute(select(alert).where(alert.c.topic == name).order_by(alert.c.id))]


def list_silent(conn: Connection) -> list[tuple[Alert, int]]:
    """Every alert that waits for silence, with the time of the last message (or of the alert, where none ever came)."""
    wanted = select(alert, topic.c.changed_at.label("heard_at"), topic.c.n).join(topic, topic.c.name == alert.c.topic)
    rows = conn.execute(wanted.where(alert.c.kind == "silent"))
    return [(to_alert(row), max(row.heard_at, row.created_at)) for row in rows]


def set_firing(conn: Connection, alert_id: int, *, is_firing: bool, now: int) -> None:
    """An alert has begun or ended."""
    conn.execute(update(alert).where(alert.c.id == alert_id).values(is_firing=is_firing, changed_at=now))


def list_caring(conn: Connection) -> list[tuple[str, str]]:
    """Everybody who has an alert on a topic or watches it, with the topic."""
    pairs = select(alert.c.user_id, alert.c.topic).union(select(watch.c.user_id, watch.c.topic))
    return [(row.user_id, row.topic) for row in conn.execute(pairs)]


def stop_caring(conn: Connection, user_id: str, name: str, *, now: int) -> None:
    """Somebody may no longer know of a topic: their alerts on it are gone, and so is their watching."""
    conn.execute(delete(alert).where(alert.c.user_id == user_id, alert.c.topic == name))
    conn.execute(delete(watch).where(watch.c.user_id == user_id, watch.c.topic == name))
    mark(conn, name, now=now)


def forget_person(conn: Connection, user_id: str, *, now: int) -> None:
    """Somebody is gone: their alerts, and what they watched."""
    names = {one.topic for one in list_alerts(conn, user_id)}
    names.update(conn.execute(select(watch.c.topic).where(watch.c.user_id == user_id)).scalars())
    conn.execute(delete(alert).where(alert.c.user_id == user_id))
    conn.execute(delete(watch).where(watch.c.user_id == user_id))
    for name in names:
        mark(conn, name, now=now)
