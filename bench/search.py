"""Search: one box over very many things, against SQLite's own way of ranking them, from common words to rare ones."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from random import Random

from sqlalchemy import Connection

from fazt.core.clock import system_clock
from fazt.core.config import Config
from fazt.core.db import Database, open_database
from fazt.core.search import index, search, search_by_app

KINDS = ["mail"] * 12 + ["drive"] * 5 + ["joplin.note"] * 2 + ["textdb", "links", "sites", "drops"]
SOUNDS = Random(1)
WORDS = [
    "".join(SOUNDS.choice("bcdfghklmnprstvz") + SOUNDS.choice("aeiou") for _ in range(SOUNDS.randint(2, 4)))
    for _ in range(20_000)
]
WEIGHTS = list(accumulate(1 / (n + 1) for n in range(len(WORDS))))
WRITE = 500
ROUNDS = 7
PLAIN = """
SELECT s.title, s.text FROM core_search_words JOIN core_search AS s ON s.id = core_search_words.rowid
WHERE core_search_words MATCH ? AND s.user_id = ? ORDER BY bm25(core_search_words, 10.0, 1.0), s.at DESC LIMIT 20
"""


def main() -> None:
    """Print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--things", type=int, default=100_000)
    options.add_argument("--file", type=Path, help="keep the filled file here, and use it again")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="fazt-bench-") as folder:
        asyncio.run(measure(given.file or Path(folder) / "data.db", given.things))


async def measure(path: Path, count: int) -> None:
    """Fill, then ask."""
    db = open_database(Config(path))
    there = await db.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM core_search").scalar_one())
    started = time.perf_counter()
    for at in range(there, count, WRITE):
        await db.write(fill, at, min(at + WRITE, count))
    took = time.perf_counter() - started
    if there < count:
        print(f"indexed {count - there} things, {(count - there) / took:.0f} a second")
    print(f"{count} things, 20 answers, milliseconds: median (worst) of {ROUNDS}")
    print(f"{'asked for':24}{'answers':>8}{'search':>16}{'by app':>16}{'plain FTS5':>16}{'ratio':>7}")
    worst = 0.0
    for query in list_queries():
        worst = max(worst, await ask(db, query))
    print(f"the slowest answer took {worst:.0f} ms")
    await db.close()


def fill(conn: Connection, start: int, end: int) -> None:
    """Things of two people, some with long texts."""
    choice = Random(start)
    for n in range(start, end):
        kind, who = choice.choice(KINDS), "bob" if n % 20 == 0 else "ann"
        words = choice.choices(WORDS, cum_weights=WEIGHTS, k=2_000 if n % 50 == 0 else 60)
        text = " ".join(words)
        index(conn, kind, str(n), " ".join(words[:4]), text, user_id=who, path=f"/{n}", now=system_clock() + n)


def list_queries() -> list[str]:
    """From what stands in nearly everything to what stands nowhere; beginnings, phrases, several words."""
    w = WORDS
    single = [w[0], w[1], w[10], w[100], w[1_000], w[15_000], "b", "ba", "bab", w[0][:3], "zzzzqq"]
    return [*single, f"{w[0]} {w[1]}", f"{w[0]} {w[15_000]}", f"{w[0]} {w[1]} {w[2]} {w[3]}", f'"{w[0]} {w[1]}"']


async def ask(db: Database, query: str) -> float:
    """One line of the table, the ways in turns; the slowest time of ours."""
    times: dict[str, list[float]] = {"search": [], "by app": [], "plain": []}
    plain = " AND ".join(f'"{word}" *' for word in query.split()) if '"' not in query else query
    count = 0
    for _ in range(ROUNDS):
        for who in ("ann", "bob"):
            started = time.perf_counter()
            count = len(await db.read(search, query, user_id=who))
            times["search"].append(time.perf_counter() - started)
            started = time.perf_counter()
            await db.read(search_by_app, query, user_id=who)
            times["by app"].append(time.perf_counter() - started)
            started = time.perf_counter()
            await db.read(ask_plainly, plain, who)
            times["plain"].append(time.perf_counter() - started)
    said = [f"{statistics.median(took) * 1e3:.1f} ({max(took) * 1e3:.0f})" for took in times.values()]
    ratio = statistics.median(times["plain"]) / statistics.median(times["search"])
    print(f"{query:24}{count:8}{said[0]:>16}{said[1]:>16}{said[2]:>16}{ratio:7.1f}")
    return max(*times["search"], *times["by app"]) * 1e3


def ask_plainly(conn: Connection, query: str, who: str) -> None:
    """FTS5 ranks all that match."""
    conn.exec_driver_sql(PLAIN, (query, who)).all()


if __name__ == "__main__":
    main()
