"""Background work of search: forgetting what belonged to people who are no longer here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fazt.core.app import Job
from fazt.core.search.store import list_gone_users, remove_user, tidy_up

if TYPE_CHECKING:
    from fazt.core import Core

STEP = 100


async def run_forgetting(core: Core, _payload: dict[str, Any]) -> None:
    """Take what deleted people had out of the index. At night, so that no app indexes it anew behind this."""
    gone = await core.db.read(list_gone_users)
    for user_id in gone:
        while await core.db.write(remove_user, user_id, STEP):
            pass
    if not gone:
        return
    begins = True
    while await core.db.write(tidy_up, begins=begins):
        begins = False


JOBS = (
    Job(
        "search.forget",
        run_forgetting,
        "Takes what deleted people had out of the index.",
        cron="27 3 * * *",
        timeout_s=3_600.0,
    ),
)
