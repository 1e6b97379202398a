"""Background work of usage: measuring, and letting go what somebody said may go."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from fazt.core.app import Job, Spare
from fazt.core.errors import NotFound
from fazt.core.jobs import enqueue
from fazt.core.usage.model import Could
from fazt.core.usage.store import measure, put_usage

if TYPE_CHECKING:
    from fazt.core import Core

MEASURE_JOB, FREE_JOB = "usage.measure", "usage.free"


def list_spares(core: Core) -> dict[str, Spare]:
    """What apps could do without, by `<app>.<name>`."""
    stores = [(app.name, app.load("store")) for app in core.apps]
    return {f"{name}.{spare.name}": spare for name, store in stores for spare in getattr(store, "SPARES", ())}


async def run_measuring(core: Core, _payload: dict[str, Any]) -> None:
    """Measure, and keep what was found. It reads the whole file once."""
    started = time.perf_counter()
    stores: dict[str, Any] = {app.name: app.load("store") for app in core.apps}
    on_sqlite = not core.config.database_url
    queries = {
        name: store.list_blob_queries("sqlite" if on_sqlite else "postgresql")
        if hasattr(store, "list_blob_queries")
        else []
        for name, store in stores.items()
    }
    wal = core.config.data.with_name(core.config.data.name + "-wal")
    log = wal.stat().st_size if on_sqlite and wal.exists() else 0
    found = await core.db.read(measure, queries, log=log, now=core.clock())
    could = [Could(name, *await core.db.read(spare.measure)) for name, spare in list_spares(core).items()]
    took_ms = int((time.perf_counter() - started) * 1_000)
    await core.db.write(put_usage, msgspec.structs.replace(found, could=could, took_ms=took_ms))


async def run_freeing(core: Core, payload: dict[str, Any]) -> None:
    """Let one thing go, some at a time; then measure anew. Raises NotFound."""
    spare = list_spares(core).get(str(payload["name"]))
    if spare is None or spare.free is None:
        raise NotFound("There is nothing of this name that could go.")
    while await core.db.write(spare.free, core.clock()):
        pass
    now = core.clock()
    await core.db.write(enqueue, MEASURE_JOB, {}, now=now, key="once")


JOBS = (
    Job(
        MEASURE_JOB,
        run_measuring,
        "Measures what takes how much room, for the page Storage.",
        cron="37 2 * * *",
        max_attempts=2,
        timeout_s=3_600.0,
    ),
    Job(FREE_JOB, run_freeing, "Lets something go that the owner said may go.", timeout_s=3_600.0),
)
