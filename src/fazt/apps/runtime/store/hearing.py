"""Events become runs of the sites that want to hear them, in the transaction of their delivery."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, select

from fazt.apps.runtime.model import Hook, matches
from fazt.apps.runtime.schema import hook, site
from fazt.apps.runtime.store.runs import add_run
from fazt.core.db import Prepared
from fazt.core.events import Event
from fazt.core.jobs import enqueue

SYNC_JOB = "runtime.sync"
EVENT_ATTEMPTS = 8
OWN = ("user_id", "owner", "by", "user")
"""Fields by which an event says whom it is about."""

SITE_CHANGES = {"sites.deployed", "sites.rolled_back", "sites.deleted", "sites.restored"}
WANTED = Prepared(
    select(hook.c.site_id, hook.c.filter, site.c.owner)
    .join(site, site.c.id == hook.c.site_id)
    .where(hook.c.event == bindparam("event"), site.c.is_active)
)


def on_event(conn: Connection, event: Event) -> None:
    """Queue a run for each site that asked for this event; after a change of a site, look at its code again."""
    if event.name in SITE_CHANGES:
        enqueue(conn, SYNC_JOB, {"site": event.data["site"]}, now=event.at, key=str(event.data["site"]))
    for site_id, wanted, owner in WANTED.rows(conn, {"event": event.name}):
        if matches(Hook(event.name, msgspec.json.decode(wanted)), event.data) and may_hear(conn, owner, event):
            payload: dict[str, Any] = {"id": event.id, "name": event.name, "key": event.key, "at": event.at}
            key = f"event:{event.key or event.name}"
            add_run(
                conn,
                site_id,
                "event",
                event.name,
                payload | {"data": event.data},
                key=key,
                max_attempts=EVENT_ATTEMPTS,
                run_at=event.at,
                now=event.at,
            )


def may_hear(conn: Connection, owner: str, event: Event) -> bool:
    """Whether a site of this person may hear of it: the owner of the cloud hears all, a member what is their own."""
    return is_owner(conn, owner) or any(event.data.get(name) == owner for name in OWN)


def is_owner(conn: Connection, user_id: str) -> bool:
    """Whether this is the owner of the cloud."""
    from fazt.core.auth.store import find_owner  # noqa: PLC0415 - only where somebody listens

    found = find_owner(conn)
    return found is not None and found.id == user_id
