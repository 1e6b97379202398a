"""What goes in the background: old versions and deletes are forgotten, shared notes become findable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.joplin.store import delta, history, shares, sweep
from fazt.core.app import Job
from fazt.core.clock import DAY

if TYPE_CHECKING:
    from fazt.core import Core


async def run_sweep(core: Core, _payload: dict[str, Any]) -> None:
    """Forget what is older than the owner wants to look back."""
    now, get = core.clock(), core.settings.get
    history_before = now - get("joplin.history_days") * DAY
    trash_before = now - get("joplin.trash_days") * DAY
    while await core.db.write(history.sweep, history_before=history_before, trash_before=trash_before):
        pass
    while await core.db.write(delta.forget_deletes, before=now - get("joplin.tombstone_days") * DAY):
        pass
    while await core.db.write(sweep.forget_scratch, before=now - DAY):
        pass


async def run_learn(core: Core, payload: dict[str, Any]) -> None:
    """Make the notes of a shared notebook findable for somebody who joined."""
    after = 0
    while after := await core.db.write(
        sweep.learn_shared, payload["share_id"], payload["user_id"], after, core.clock()
    ):
        pass


async def run_forget(core: Core, payload: dict[str, Any]) -> None:
    """Delete what somebody had who was deleted."""
    while await core.db.write(sweep.forget_user, payload["user_id"], core.clock()):
        pass


JOBS = (
    Job("joplin.sweep", run_sweep, "Forgets old versions, old deletes and scratch files.", cron="23 3 * * *"),
    Job(shares.LEARN_JOB, run_learn, "Makes the notes of a shared notebook findable for somebody who joined."),
    Job(sweep.FORGET_JOB, run_forget, "Deletes the notes of somebody who was deleted.", timeout_s=3_600),
)
