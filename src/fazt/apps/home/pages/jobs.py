"""Background work, for the owner: the queue, what was given up, and the clock."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from litestar import Response, get, post
from litestar.params import QueryParameter

from fazt.apps.home.pages.entry import Asked
from fazt.core import Core
from fazt.core.http.access import owner
from fazt.core.jobs import (
    State,
    count_jobs,
    discard_job,
    list_crons,
    list_jobs,
    pause_cron,
    resume_cron,
    retry_dead_jobs,
    run_cron_now,
    run_job_now,
)
from fazt.ui import page, read_form, redirect

ROWS = 50
InState = Annotated[State | None, QueryParameter(name="state")]


@get("/jobs", guards=[owner])
async def show_jobs(
    core: Core, request: Asked, in_state: InState = None, before: int | None = None, part: str = ""
) -> Response[Any]:
    """The queue in one state (all without), newest first; `part=rows` is what the page asks for again and again."""
    entries = await core.db.read(list_jobs, state=in_state, before_id=before, limit=ROWS)
    return page(
        request,
        "home/jobs_rows.html" if part == "rows" else "home/jobs.html",
        entries=entries,
        counts=await core.db.read(count_jobs),
        crons=await core.db.read(list_crons),
        helps={job.name: job.help for job in core.jobs.kinds.values()},
        limits={job.name: job.max_attempts for job in core.jobs.kinds.values()},
        state=in_state,
        states=get_args(State),
        before=before,
        older=entries[-1].id if len(entries) == ROWS else None,
    )


@post("/jobs/run", guards=[owner])
async def run_job(core: Core, request: Asked) -> Response[Any]:
    """Run an entry now."""
    await core.db.write(run_job_now, (await read_form(request)).number("id"), now=core.clock())
    return redirect(request, "/jobs", "It runs again.")


@post("/jobs/retry", guards=[owner])
async def retry_all(core: Core, request: Asked) -> Response[Any]:
    """Give all dead letters another chance."""
    count = await core.db.write(retry_dead_jobs, now=core.clock())
    return redirect(request, "/jobs", f"Tried again: {count}.")


@post("/jobs/discard", guards=[owner])
async def discard(core: Core, request: Asked) -> Response[Any]:
    """Take an entry out of the queue."""
    await core.db.write(discard_job, (await read_form(request)).number("id"))
    return redirect(request, "/jobs", "It is out of the queue.")


@post("/jobs/cron", guards=[owner])
async def change_cron(core: Core, request: Asked) -> Response[Any]:
    """Run, pause or resume a job of the clock."""
    form = await read_form(request)
    name, what = form.text("name"), form.text("do")
    if what == "pause":
        await core.db.write(pause_cron, name)
    elif what == "resume":
        await core.db.write(resume_cron, name, now=core.clock())
    else:
        await core.db.write(run_cron_now, name, now=core.clock())
    return redirect(request, "/jobs", {"pause": "Paused.", "resume": "Resumed."}.get(what, "It runs now."))


PAGES = [show_jobs, run_job, retry_all, discard, change_cron]
