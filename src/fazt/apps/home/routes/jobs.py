"""Background work, for the owner: what waits, runs or was given up, and the clock."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, post
from litestar.params import QueryParameter

from fazt.apps.home.model import check_limit
from fazt.core import Core
from fazt.core.http.access import owner
from fazt.core.jobs import (
    CronEntry,
    JobEntry,
    State,
    discard_job,
    get_job,
    list_crons,
    list_jobs,
    pause_cron,
    resume_cron,
    retry_dead_jobs,
    run_cron_now,
    run_job_now,
)

InState = Annotated[State | None, QueryParameter(name="state")]
"""`state` alone is Litestar's own name for something else."""


@get("/api/v1/jobs", guards=[owner])
async def list_entries(
    core: Core, in_state: InState = None, name: str = "", before_id: int | None = None, limit: int = 100
) -> list[JobEntry]:
    """The queue, newest first; `state` is queued, running or dead."""
    return await core.db.read(list_jobs, state=in_state, name=name, before_id=before_id, limit=check_limit(limit))


@get("/api/v1/jobs/{job_id:int}", guards=[owner])
async def show_entry(core: Core, job_id: int) -> JobEntry:
    """One entry of the queue."""
    return await core.db.point(get_job, job_id)


@post("/api/v1/jobs/{job_id:int}/run", guards=[owner], status_code=204)
async def run_entry(core: Core, job_id: int) -> None:
    """Run a waiting entry now; one that was given up gets all its attempts again."""
    await core.db.write(run_job_now, job_id, now=core.clock())


@post("/api/v1/jobs/retry", guards=[owner])
async def retry_entries(core: Core, name: str = "") -> dict[str, int]:
    """Give everything that was given up (of one name) another chance; how many."""
    return {"retried": await core.db.write(retry_dead_jobs, now=core.clock(), name=name)}


@delete("/api/v1/jobs/{job_id:int}", guards=[owner])
async def discard_entry(core: Core, job_id: int) -> None:
    """Take an entry out of the queue."""
    await core.db.write(discard_job, job_id)


@get("/api/v1/crons", guards=[owner])
async def list_clock(core: Core) -> list[CronEntry]:
    """The jobs that run by the clock, with how their last run went."""
    return await core.db.read(list_crons)


@post("/api/v1/crons/{name:str}/run", guards=[owner], status_code=204)
async def run_clock(core: Core, name: str) -> None:
    """Run it now, besides its times."""
    await core.db.write(run_cron_now, name, now=core.clock())


@post("/api/v1/crons/{name:str}/pause", guards=[owner], status_code=204)
async def pause_clock(core: Core, name: str) -> None:
    """Let the clock pass over it."""
    await core.db.write(pause_cron, name)


@post("/api/v1/crons/{name:str}/resume", guards=[owner], status_code=204)
async def resume_clock(core: Core, name: str) -> None:
    """Let it run by the clock again."""
    await core.db.write(resume_cron, name, now=core.clock())


ROUTES = [
    list_entries,
    show_entry,
    run_entry,
    retry_entries,
    discard_entry,
    list_clock,
    run_clock,
    pause_clock,
    resume_clock,
]
