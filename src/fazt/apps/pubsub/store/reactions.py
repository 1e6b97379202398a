"""What a message sets off in its own transaction: alerts, and notices to those who watch its topic."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from fazt.apps.pubsub.model.alert import Alert
from fazt.apps.pubsub.model.message import Message
from fazt.apps.pubsub.store.alerts import list_alerts_of_topic, list_silent, list_watchers, set_firing
from fazt.core.clock import MINUTE
from fazt.core.db import attempt
from fazt.core.events import Event, emit
from fazt.core.push import Notice, notify

SHOWN = 200
TITLE = 120


def react(conn: Connection, message: Message) -> None:
    """Alerts on the topic that begin or end with this message, and notices for it."""
    if message.kind != "message":
        return
    number = message.number()
    for alert in list_alerts_of_topic(conn, message.topic):
        is_firing = False if alert.kind == "silent" else number is not None and alert.fires_at(number)
        is_told = alert.kind == "silent" or number is not None
        if is_told and is_firing != alert.is_firing:
            change(conn, alert, is_firing=is_firing, value=message.text()[:SHOWN], now=message.at)
    for user_id in list_watchers(conn, message.topic):
        title = str(message.extra.get("title") or message.topic)
        told = Notice(user_id, title[:TITLE], message.text()[:SHOWN], page_of(message.topic), f"topic/{message.topic}")
        tell(conn, told, now=message.at)


def change(conn: Connection, alert: Alert, *, is_firing: bool, value: str, now: int) -> None:
    """An alert begins or ends; whoever made it is told."""
    set_firing(conn, alert.id, is_firing=is_firing, now=now)
    facts = {"id": alert.id, "topic": alert.topic, "kind": alert.kind, "bound": alert.value, "value": value}
    if is_firing:
        emit(conn, Event("pubsub.alert_began", facts, key=alert.topic), now=now)
    else:
        emit(conn, Event("pubsub.alert_ended", facts, key=alert.topic), now=now)
    state = "is" if is_firing else "is no longer"
    said = f"{alert.topic} {state} {alert.words}."
    text = f"The last value was {value}." if value else "Nothing has come since."
    tell(conn, Notice(alert.user_id, said[:TITLE], text, page_of(alert.topic), f"alert/{alert.id}"), now=now)


def tell(conn: Connection, told: Notice, *, now: int) -> None:
    """A notice, unless the person was deleted a moment ago: that costs no message."""
    with suppress(IntegrityError), attempt(conn):
        notify(conn, told, now=now)


def page_of(topic: str) -> str:
    """Where a tap on a notice leads."""
    return f"/topics/t/{quote(topic)}"


def find_silence(conn: Connection, *, now: int) -> int:
    """Set off the alerts whose topic has been silent for too long; how many."""
    found = [
        alert for alert, heard_at in list_silent(conn) if not alert.is_firing and now - heard_at >= alert.value * MINUTE
    ]
    for alert in found:
        change(conn, alert, is_firing=True, value="", now=now)
    return len(found)
