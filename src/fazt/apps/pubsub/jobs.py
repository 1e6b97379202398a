"""What goes in the background: old messages and files are forgotten, and silence is noticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.pubsub.engine import hub_of
from fazt.apps.pubsub.store import alerts, files, reactions, sweep, topics
from fazt.core.app import Job
from fazt.core.clock import DAY, HOUR
from fazt.core.errors import NotFound, Unauthorized

if TYPE_CHECKING:
    from fazt.core import Core

KEYS_KEPT = 2 * DAY
EMPTY_KEPT = HOUR


async def forget(core: Core, _payload: dict[str, Any]) -> None:
    """Forget what is over, and topics in which nothing is left."""
    now = core.clock()
    while await core.db.write(sweep.remove_expired, now=now):
        pass
    while await core.db.write(files.remove_expired_files, now=now):
        pass
    while await core.db.write(sweep.remove_empty_topics, before=now - EMPTY_KEPT):
        pass
    while await core.db.write(topics.forget_keys, before=now - KEYS_KEPT):
        pass


async def drop_refused(core: Core) -> None:
    """Who may no longer read a topic is told no more of it."""
    hub = hub_of(core)
    await hub.newest()
    for user_id, topic in await core.db.read(alerts.list_caring):
        try:
            may = hub.rules.may(await core.auth.act_as(user_id, None), topic, "read")
        except (NotFound, Unauthorized):  # deleted, or suspended
            may = False
        if not may:
            await core.db.write(alerts.stop_caring, user_id, topic, now=core.clock())


async def notice_silence(core: Core, _payload: dict[str, Any]) -> None:
    """Set off the alerts of topics from which nothing has come for too long."""
    await drop_refused(core)
    await core.db.write(reactions.find_silence, now=core.clock())


JOBS = (
    Job("pubsub.forget", forget, "Forgets messages, files and keys that are over.", cron="*/10 * * * *"),
    Job("pubsub.silence", notice_silence, "Notices topics that have fallen silent.", cron="* * * * *"),
)
