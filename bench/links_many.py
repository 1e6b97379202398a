"""Links with ten million visits: how long their pages take, and whether a click costs more than in an empty file."""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import httpx
from _load import run_wrk

sys.path.insert(0, str(Path(__file__).parents[1]))

from fazt.core.clock import DAY, system_clock
from fazt.core.visits.model import DIMENSIONS
from tests.program import Program

LINKS, ROUNDS = 1_000, 20
KEPT_HOURS_MS = 92 * DAY
PAGES = ("/links", "/links/{link}/visits", "/links/0/visits", "/links/{link}/visits/chart", "/links/0/visits/chart")
SPANS = ("day", "month", "year")

CLICKS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count),
drawn AS (
  SELECT i, :start + i * (:now - :start) / :count AS at,
    (i * 2654435761 + 12345) % 1000003 AS a, (i * 40503 + 77) % 1000033 AS b, (i * 69069 + 5) % 999983 AS c FROM n),
told AS (
  SELECT *, 1 + (a / 10000) * (a / 10000) * (a / 10000) * :links / 1030301 AS link,
    CASE WHEN b % 100 < 8 THEN 1 WHEN b % 100 < 10 THEN 2 ELSE 0 END AS bot, c % 60000 AS who FROM drawn)
INSERT INTO core_visit (kind, target, at, path, referrer, country, robot, browser, os, device, language,
  utm_source, utm_medium, utm_campaign, utm_term, utm_content, visitor)
SELECT 'link', '' || link, at, 'slug' || link,
  CASE WHEN b % 5 < 2 THEN '' ELSE 'from' || (b % 211) || '.example' END,
  substr('DEFRUSINBRJPGBITESPLNLSEATCHCAAUKEZA', 1 + 2 * (who % 18), 2),
  bot,
  CASE bot WHEN 1 THEN 'Bot' || (b % 40) WHEN 2 THEN 'Chat' || (b % 9)
    ELSE CASE who % 3 WHEN 0 THEN 'Chrome' WHEN 1 THEN 'Safari' ELSE 'Firefox' END END,
  CASE WHEN bot THEN '' ELSE CASE who % 3 WHEN 0 THEN 'Windows' WHEN 1 THEN 'iOS' ELSE 'Linux' END END,
  CASE WHEN bot THEN '' ELSE CASE who % 3 WHEN 1 THEN 'phone' ELSE 'desktop' END END,
  CASE who % 4 WHEN 0 THEN 'en' WHEN 1 THEN 'de' WHEN 2 THEN 'fr' ELSE 'es' END,
  CASE WHEN c % 10 THEN '' ELSE 'letter' END, CASE WHEN c % 10 THEN '' ELSE 'mail' END,
  CASE WHEN c % 10 THEN '' ELSE 'campaign' || (b % 12) END, '', '',
  who * 1000003 + (at / 86400000) * 7919 + link
FROM told
"""
FIRSTS = """
CREATE TEMP TABLE firsts AS SELECT id,
  row_number() OVER (PARTITION BY target, visitor, at / 86400000 ORDER BY id) = 1 AS on_day,
  row_number() OVER (PARTITION BY target, visitor, at / 3600000 ORDER BY id) = 1 AS in_hour
FROM core_visit WHERE robot = 0
"""
SUMS = """
INSERT INTO core_visit_sum
SELECT 'link', {step}, '{dimension}', {at}, target, {value}, count(*), {visitors}
FROM core_visit LEFT JOIN temp.firsts USING (id) WHERE {where} GROUP BY 4, 5, 6
"""
TOGETHER = """
INSERT INTO core_visit_sum
SELECT kind, step, dimension, at, '*', value, sum(views), sum(visitors) FROM core_visit_sum GROUP BY 1, 2, 3, 4, 6
"""
MONTH = "CAST(strftime('%s', at / 1000, 'unixepoch', 'start of month') AS INTEGER) * 1000"
STEPS = (("at - at % 3600000", "at >= :hours"), ("at - at % 86400000", "1"), (MONTH, "1"))


def main() -> None:
    """Print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--many", type=int, default=1_000_000, help="how many visits; 10000000 takes half an hour")
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--check", action="store_true", help="compare the sums made here with the program's own")
    options.add_argument("--folder", type=Path, help="keep the file here, and use one that is there")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="fazt-bench-") as temporary:
        folder = given.folder or Path(temporary)
        program = Program(folder)
        is_new = not program.data.exists()
        with program:
            make_link(program)
            if is_new:
                measure_clicks(program, "an empty file")
        if is_new:
            started = time.perf_counter()
            fill(program.data, given.many, given.days, check=given.check)
            print(f"filled with {given.many:,} visits in {time.perf_counter() - started:.0f} s")
        with program:
            measure_pages(program)
            measure_clicks(program, f"{given.many:,} visits")


def make_link(program: Program) -> None:
    """The first link, which is clicked; it may be there."""
    program.run("settings", "set", "links.fetch_titles", "off")
    program.run("links", "add", "https://example.org/", "--slug", "hello", check=False)


def fill(path: Path, count: int, days: int, *, check: bool) -> None:
    """Links, visits and the sums of them, as the program would have made them one by one."""
    now = system_clock()
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA synchronous = OFF")
        conn.execute("PRAGMA cache_size = -1000000")
        conn.execute("DELETE FROM core_visit")
        conn.execute("DELETE FROM core_visit_sum")
        conn.execute("BEGIN")
        add_links(conn)
        start = now - days * DAY
        conn.execute(CLICKS, {"count": count, "links": LINKS, "start": start, "now": now})
        if check:
            conn.execute("COMMIT")
            check_sums(conn)
            return
        add_sums(conn, now - now % DAY - KEPT_HOURS_MS)
        last = conn.execute("SELECT max(id) FROM core_visit").fetchone()[0]
        conn.execute("INSERT OR REPLACE INTO core_visit_mark VALUES ('summed', ?)", (last,))
        conn.execute("COMMIT")


def add_links(conn: sqlite3.Connection) -> None:
    """A thousand links, after the first one's model."""
    columns = [row[1] for row in conn.execute("PRAGMA table_info(links_link)") if row[1] not in {"id", "slug"}]
    names = ", ".join(columns)
    for number in range(2, LINKS + 1):
        conn.execute(
            f"INSERT OR IGNORE INTO links_link (id, slug, {names}) SELECT ?, ?, {names} FROM links_link WHERE id = 1",  # noqa: S608 - own names
            (number, f"slug{number}"),
        )


def add_sums(conn: sqlite3.Connection, hours: int) -> None:
    """By hour, day and month, of each link and of all."""
    conn.execute(FIRSTS)
    conn.execute("CREATE UNIQUE INDEX temp.firsts_id ON firsts (id)")
    for step, (at, when) in enumerate(STEPS):
        for dimension, value, visitors, where in dimensions(step):
            made = {"step": step, "dimension": dimension, "value": value, "at": at, "visitors": visitors}
            conn.execute(SUMS.format(where=f"{when} AND {where}", **made), {"hours": hours})
    conn.execute(TOGETHER)


def dimensions(step: int) -> list[tuple[str, str, str, str]]:
    """Name, value, visitors and which visits. A link has one path, so visitors of the path are those of the day."""
    people = "robot = 0"
    found = [("", "''", "sum(on_day)", people)]
    found += [("hour", "''", "sum(in_hour)", people)] if step == 0 else []
    found += [(name, name, "sum(on_day)", f"{people} AND {name} != ''") for name in DIMENSIONS]
    return [*found, ("bot", "browser", "0", "robot = 1"), ("unfurler", "browser", "0", "robot = 2")]


def check_sums(conn: sqlite3.Connection) -> None:
    """Raises AssertionError where the sums made here are not those of the program's own roll-up."""
    program_sums = roll_up_with_program(conn)
    conn.execute("DELETE FROM core_visit_sum")
    add_sums(conn, 0)
    ours = set(conn.execute("SELECT * FROM core_visit_sum"))
    assert ours == program_sums, (len(ours), len(program_sums), sorted(ours ^ program_sums)[:10])
    print(f"{len(ours):,} sums are the same as the program's own")


def roll_up_with_program(conn: sqlite3.Connection) -> set[tuple[object, ...]]:
    """The sums that the program's own code makes of these visits."""
    from sqlalchemy import create_engine  # noqa: PLC0415 - for the check alone

    from fazt.core.visits import store  # noqa: PLC0415

    path = conn.execute("PRAGMA database_list").fetchone()[2]
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as carrier:
        store.forget_visits(carrier, "none", None)
        carrier.exec_driver_sql("DELETE FROM core_visit_mark")
        carrier.exec_driver_sql("DELETE FROM core_visit_known")
        upto = store.find_last(carrier)
        while (gathered := store.gather(carrier, upto)) is not None:
            store.apply(carrier, gathered)
    engine.dispose()
    return set(conn.execute("SELECT * FROM core_visit_sum"))


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used, in user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_pages(program: Program) -> None:
    """Each page as its owner asks for it: time over HTTP, and the server's CPU."""
    assert program.process is not None
    with program.owner() as client:
        for page in PAGES:
            for span in SPANS if "visits" in page else ("",):
                url = page.format(link=1) + (f"?span={span}" if span else "")
                measure_page(client, program.process.pid, url)


def measure_page(client: httpx.Client, pid: int, url: str) -> None:
    """One line."""
    client.get(url).raise_for_status()
    times, cpu = [], cpu_of(pid)
    for _ in range(ROUNDS):
        started = time.perf_counter()
        client.get(url).raise_for_status()
        times.append((time.perf_counter() - started) * 1000)
    times.sort()
    each = (cpu_of(pid) - cpu) * 1000 / ROUNDS
    print(f"  {url:32} p50 {statistics.median(times):6.0f}  p95 {times[-2]:6.0f} ms  CPU {each:6.0f} ms")


def measure_clicks(program: Program, name: str) -> None:
    """Durable clicks, 32 at once, and the CPU of the server for each."""
    assert program.process is not None
    run_wrk(f"{program.url}/r/hello")
    cpu, started = cpu_of(program.process.pid), time.perf_counter()
    load = run_wrk(f"{program.url}/r/hello")
    count = load.rate * (time.perf_counter() - started)
    each = (cpu_of(program.process.pid) - cpu) / count * 1e6
    print(f"clicks with {name}: {load.rate:,.0f}/s, p99 {load.p99_ms:.1f} ms, {each:.0f} us of CPU each")


if __name__ == "__main__":
    main()
