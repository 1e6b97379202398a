"""A program that tells events and queues jobs, hears and runs them, until it is killed or, as a last time, done."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from fazt.core import Core
from fazt.core.app import Job
from fazt.core.clock import HOUR
from fazt.core.config import Config
from fazt.core.db import Database, open_database
from fazt.core.errors import Unavailable
from fazt.core.events import Event, emit
from fazt.core.jobs import count_jobs, enqueue
from tests.conftest import NOW
from tests.core.jobs.parts import Clock, Parts, eventually, running_parts


def tell_and_queue(conn: Connection, n: int) -> None:
    """A fact, and work that follows from it."""
    emit(conn, Event("test.told", {"n": n}), now=NOW)
    enqueue(conn, "work", {"n": n}, now=NOW)


def on_event(conn: Connection, event: Event) -> None:
    """Note what was heard; often enough it fails after that."""
    if event.name == "test.told":
        conn.execute(text("INSERT INTO heard VALUES (:n)"), event.data)
        if random.random() < 0.3:
            raise Unavailable("try again")


async def run(_core: Core, payload: dict[str, Any]) -> None:
    """Say what runs; sometimes it fails after that."""
    os.write(1, b"ran %d\n" % payload["n"])
    await asyncio.sleep(0)
    if random.random() < 0.1:
        raise Unavailable("try again")


async def is_done(db: Database, parts: Parts, clock: Clock) -> bool:
    """Whether nothing is left to tell or to run; time flies until then."""
    clock.now += HOUR
    parts.jobs.wake()
    told = await db.read(list_waiting)
    return not told and not sum((await db.read(count_jobs)).values())


def list_waiting(conn: Connection) -> list[int]:
    """Events that nobody has heard yet."""
    return list(conn.execute(text("SELECT id FROM core_event WHERE NOT is_delivered")).scalars())


async def main(path: Path, first_n: int) -> None:
    """Write and work forever; with `first_n` 0 only work, until nothing is left."""
    db = open_database(Config(data=path))
    clock = Clock()
    job = Job("work", run, "", max_attempts=1_000)

    async def write_forever(n: int) -> None:
        while True:
            await db.write(tell_and_queue, n)
            os.write(1, b"told %d\n" % n)
            n += 4

    async with running_parts(db, [job], [("links", on_event)], clock=clock) as parts:
        if first_n:
            await asyncio.gather(*(write_forever(first_n + n) for n in range(4)))
        await eventually(partial(is_done, db, parts, clock), 60)
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
