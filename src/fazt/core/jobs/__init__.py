"""Background work: a durable queue in the same file, with back-off, dead letters and a clock."""

from fazt.core.app import EventKind, Job, Setting
from fazt.core.jobs.engine import Jobs
from fazt.core.jobs.model import CronEntry, JobEntry, State, next_time
from fazt.core.jobs.store import (
    complete,
    count_jobs,
    discard_job,
    enqueue,
    get_cron,
    get_job,
    list_crons,
    list_jobs,
    pause_cron,
    resume_cron,
    retry_dead_jobs,
    run_cron_now,
    run_job_now,
)

SETTINGS: tuple[Setting, ...] = ()
EVENTS: tuple[EventKind, ...] = ()  # `jobs.dead` is told by core.events, which stands above the queue
JOBS: tuple[Job, ...] = ()

__all__ = [
    "EVENTS",
    "JOBS",
    "SETTINGS",
    "CronEntry",
    "JobEntry",
    "Jobs",
    "State",
    "complete",
    "count_jobs",
    "discard_job",
    "enqueue",
    "get_cron",
    "get_job",
    "list_crons",
    "list_jobs",
    "next_time",
    "pause_cron",
    "resume_cron",
    "retry_dead_jobs",
    "run_cron_now",
    "run_job_now",
]
