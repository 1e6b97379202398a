"""What goes in the background: what rules want done, and forgetting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.apps.mail.actions.act import act
from fazt.apps.mail.store.deliver import ACT_JOB
from fazt.apps.mail.store.messages import is_there, purge
from fazt.apps.mail.store.outgoing import prune_outgoing
from fazt.apps.mail.store.relays import prune_grey
from fazt.core.app import Job
from fazt.core.clock import DAY

if TYPE_CHECKING:
    from fazt.core import Core

KEEP_GREY = 35 * DAY


async def run_act(core: Core, payload: dict[str, Any]) -> None:
    """One thing that a rule wants done with one message."""
    if await core.db.read(is_there, payload["message"]):  # else it was deleted in the meantime
        await act(core, payload["message"], payload["kind"], payload["value"])


async def run_pruning(core: Core, _payload: dict[str, Any]) -> None:
    """Forget what lay in the trash for long, what was only routed, finished deliveries, strangers."""
    now, get = core.clock(), core.settings.get
    trash, routed = now - get("mail.trash_days") * DAY, now - get("mail.routed_days") * DAY
    while await core.db.write(purge, trash_before=trash, routed_before=routed):
        pass
    while await core.db.write(prune_outgoing, before=now - get("mail.queue_days") * DAY):
        pass
    await core.db.write(prune_grey, before=now - KEEP_GREY)


JOBS = (
    Job(ACT_JOB, run_act, "Does what a rule wants done with a message.", max_attempts=10, timeout_s=120),
    Job("mail.prune", run_pruning, "Forgets old trash, routed messages and finished deliveries.", cron="23 3 * * *"),
)
