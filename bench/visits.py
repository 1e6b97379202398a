"""Visits: CPU a visit on the writer thread, roll-up a second, and reports over very many of them."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path
from random import Random

from sqlalchemy import Connection

from fazt.core.clock import DAY, HOUR, system_clock
from fazt.core.config import Config
from fazt.core.db import Database, open_database
from fazt.core.settings import Settings
from fazt.core.visits import SETTINGS, Visit, Visits, store
from fazt.core.visits.model import Record

AGENTS = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{n}.0.0.0 Safari/537.36"
    for n in range(90, 130)
]
SITES = [f"site{n}" for n in range(20)]
SOURCES = [""] * 200 + [f"from{n}.example" for n in range(400)]
WAYS = [("Chrome", "Windows", "desktop"), ("Safari", "iOS", "phone"), ("Firefox", "Linux", "desktop")]
WRITE = 5000


def main() -> None:
    """Print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--visits", type=int, default=200_000, help="how many are in the log before reports are made")
    options.add_argument("--days", type=int, default=365)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="fazt-bench-") as folder:
        asyncio.run(measure(Path(folder) / "data.db", given.visits, given.days))


async def measure(path: Path, count: int, days: int) -> None:
    """One figure after the other."""
    db = open_database(Config(path))
    visits = Visits(db, system_clock, Settings(SETTINGS))
    await measure_recording(visits, 20_000)
    started = time.perf_counter()
    await fill(db, count, days)
    print(f"filled with {count} visits of {days} days in {time.perf_counter() - started:.0f} s")
    started = time.perf_counter()
    await visits.roll_up()
    took = time.perf_counter() - started
    size = await asyncio.to_thread(path.stat)
    print(f"roll-up: {count / took:.0f} visits a second; {size.st_size / 1e6:.0f} MB in all")
    spans: tuple[tuple[str, int, store.Granularity], ...] = (
        ("day", DAY, "hour"),
        ("month", 30 * DAY, "day"),
        ("year", 365 * DAY, "month"),
    )
    for targets in ([], SITES[:1]):
        for name, length, step in spans:
            await measure_report(visits, targets, name, length, step)
    await db.close()


async def measure_recording(visits: Visits, count: int) -> None:
    """Durable visits from 64 connections at once, and what of it is the writer's own work."""
    some = [
        Visit(
            "site", "blog", f"/{n % 300}", "", "https://news.example/", AGENTS[n % 40], f"192.0.2.{n % 250}", "en", "b"
        )
        for n in range(count)
    ]
    for visit in some[:40]:
        await visits.record_now(visit)
    numbers = iter(some)

    async def send() -> None:
        for visit in numbers:
            await visits.record_now(visit)

    started = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(64)))
    took = time.perf_counter() - started
    records = [await visits.enrich(visit) for visit in some[:WRITE]]
    for size in (1, 64):
        spent = 0.0
        for at in range(0, WRITE, size):
            spent += await visits.db.write(time_add, records[at : at + size])
        print(f"added {size} at a time: {spent / WRITE * 1e6:.1f} us of the writer's CPU a visit")
    started_cpu = time.thread_time()
    for visit in some[:WRITE]:
        await visits.enrich(visit)
    print(f"made anonymous: {(time.thread_time() - started_cpu) / WRITE * 1e6:.1f} us of the loop's CPU a visit")
    print(f"recorded and durable, 64 at once: {count / took:.0f} a second")


def time_add(conn: Connection, records: list[Record]) -> float:
    """CPU seconds of adding them."""
    started = time.thread_time()
    store.add(conn, records)
    return time.thread_time() - started


async def fill(db: Database, count: int, days: int) -> None:
    """Visits over `days`, in their order; few pages and sites get most of them."""
    chance, now = Random(1), system_clock()
    for first in range(0, count, WRITE):
        last = min(count, first + WRITE)
        times = [now - days * DAY + n * (days * DAY) // count for n in range(first, last)]
        await db.write(store.add, [make_record(chance, at) for at in times])


def make_record(chance: Random, at: int) -> Record:
    """One visit, one in ten a robot's."""
    number, luck = int(chance.random() * 3000), chance.random()
    robot = 1 if luck < 0.1 else 0
    browser, system, device = (f"Bot{number % 40}", "", "") if robot else WAYS[number % 3]
    utm = ("letter", "mail", f"campaign{number % 12}") if luck > 0.9 else ("", "", "")
    return Record(
        "site",
        SITES[int(20 * luck * luck)],
        at,
        f"/page/{int(2000 * chance.random() ** 4)}",
        SOURCES[int(600 * chance.random())],
        ("DE", "FR", "US", "IN", "BR", "JP", "")[number % 7],
        robot,
        browser,
        system,
        device,
        ("en", "de", "fr")[number % 3],
        *utm,
        "",
        "",
        (at // DAY) * 4000 + number,
    )


async def measure_report(visits: Visits, targets: list[str], name: str, length: int, step: store.Granularity) -> None:
    """The median of seven."""
    now, times, views = system_clock(), [], 0
    for _ in range(7):
        started = time.perf_counter()
        made = await visits.report(["site"], targets, now - length, now + HOUR, step)
        views = made.views
        times.append((time.perf_counter() - started) * 1000)
    whose = f"{len(targets)} site" if targets else "all sites"
    print(f"report of a {name}, {whose}: {sorted(times)[3]:.0f} ms ({views} views)")


if __name__ == "__main__":
    main()
