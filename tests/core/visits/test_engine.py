"""Visits as they come in, over both databases."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]
from sqlalchemy import Connection, func, select, text

from fazt.core.clock import DAY, HOUR
from fazt.core.config import Config
from fazt.core.db import Database, open_database
from fazt.core.db.postgres import PostgresDatabase
from fazt.core.errors import OverQuota
from fazt.core.settings import Settings
from fazt.core.visits import SETTINGS, Point, Visit, Visits, store
from fazt.core.visits.engine import LOST, WAITING_CHARS
from fazt.core.visits.model import weigh
from fazt.core.visits.schema import core_visit, core_visit_salt
from tests.conftest import NOW
from tests.core.visits.test_model import CHROME, IPHONE
from tests.postgres import Cluster

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def settings(database: Database) -> Settings:
    settings = Settings(SETTINGS)
    await settings.load(database)
    return settings


@pytest.fixture
async def visits(database: Database, clock: Clock, settings: Settings) -> AsyncIterator[Visits]:
    visits = Visits(database, clock, settings)
    async with visits.run():
        yield visits


def count(conn: Connection) -> int:
    return conn.scalar(select(func.count()).select_from(core_visit)) or 0


def make_visit(n: int = 0, **fields: object) -> Visit:
    usual = {"path": f"/{n % 3}", "user_agent": CHROME, "address": f"192.0.2.{n % 250}", "host": "blog.example"}
    return Visit("site", "blog", **{**usual, **fields})  # type: ignore[arg-type]


async def test_recorded_visits_are_in_the_report(visits: Visits) -> None:
    for n in range(450):
        visits.record(make_visit(n))
    await visits.record_now(make_visit(referrer="https://news.example/", query="utm_source=letter", user_agent=IPHONE))
    await visits.record_now(make_visit(user_agent=GOOGLEBOT))
    made = await visits.report(["site"], ["blog"], NOW - DAY, NOW + HOUR)
    assert (made.views, made.visitors, made.robot_views) == (451, 251, 1)
    assert {top.value: top.views for top in made.tops["path"]} == {"/0": 151, "/1": 150, "/2": 150}
    for dimension, value in [
        ("referrer", "news.example"),
        ("utm_source", "letter"),
        ("os", "iOS"),
        ("device", "phone"),
    ]:
        assert (value, 1) in [(top.value, top.views) for top in made.tops[dimension]]
    assert [(top.value, top.views) for top in made.tops["bot"]] == [("Googlebot", 1)]
    assert made.series[-1] == Point(made.series[-1].at, 451, 251)


async def test_record_now_is_on_disk(visits: Visits, database: Database) -> None:
    await visits.record_now(make_visit())
    assert await database.read(count) == 1


async def test_what_waits_is_written_at_the_end(database: Database, clock: Clock, settings: Settings) -> None:
    visits = Visits(database, clock, settings)
    async with visits.run():
        visits.record(make_visit())
    assert await database.read(count) == 1


async def test_no_address_and_no_header_is_kept(visits: Visits, database: Database) -> None:
    await visits.record_now(make_visit(address="198.51.100.77", referrer="https://news.example/secret?token=1"))

    def all_text(conn: Connection) -> str:
        return str(conn.execute(select(core_visit)).all())

    kept = await database.read(all_text)
    for secret in ("198.51", "secret", "token", "Mozilla"):
        assert secret not in kept


async def test_visitor_is_new_each_day_and_the_salt_is_gone(visits: Visits, database: Database, clock: Clock) -> None:
    first = (await visits.enrich(make_visit())).visitor
    assert (await visits.enrich(make_visit(path="/else"))).visitor == first
    clock.now += DAY
    assert (await visits.enrich(make_visit())).visitor != first

    def list_days(conn: Connection) -> list[int]:
        return list(conn.scalars(select(core_visit_salt.c.day)))

    assert await database.read(list_days) == [clock.now - clock.now % DAY]


async def test_restart_within_a_day_knows_its_visitors(
    visits: Visits, database: Database, clock: Clock, settings: Settings
) -> None:
    again = Visits(database, clock, settings)
    assert await again.enrich(make_visit()) == await visits.enrich(make_visit())


async def test_country_comes_from_the_owners_database(visits: Visits, settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "countries.mmdb"
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Country")
    writer.insert_network(IPSet(["192.0.2.0/24"]), {"country": {"iso_code": "DE"}})
    writer.to_db_file(str(path))
    assert (await visits.enrich(make_visit())).country == ""
    await settings.put("visits.country_database", str(path), NOW)
    assert (await visits.enrich(make_visit())).country == "DE"
    assert (await visits.enrich(make_visit(address="203.0.113.1"))).country == ""
    assert (await visits.enrich(make_visit(address="nowhere"))).country == ""
    await settings.put("visits.country_database", str(tmp_path / "missing"), NOW)
    assert (await visits.enrich(make_visit())).country == ""


async def test_visits_wait_while_the_disk_is_full(
    visits: Visits, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = database.write

    async def refuse(*args: object) -> object:
        raise OverQuota("full")

    await visits.enrich(make_visit())
    monkeypatch.setattr(visits.db, "write", refuse)
    for n in range(3):
        visits.record(make_visit(n))
    await visits.flush()
    monkeypatch.setattr(visits.db, "write", write)
    await visits.flush()
    assert await database.read(count) == 3


async def test_too_many_waiting_are_let_go(visits: Visits, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fazt.core.visits.engine.WAITING_MAX", 5)
    for n in range(9):
        visits.record(make_visit(n))
    await visits.flush()
    assert await database.read(count) == 5


async def test_what_waits_takes_little_room_whatever_was_asked(
    visits: Visits, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = database.write

    async def refuse(*args: object) -> object:
        raise OverQuota("full")

    monkeypatch.setattr(visits.db, "write", refuse)
    long = "x" * 60_000
    before = LOST._value.get()
    for _ in range(6_000):
        visits.record(make_visit(query="utm_source=a&" + long, path=long, referrer="http://b/" + long, user_agent=long))
    assert weigh(visits._waiting) < WAITING_CHARS + 10_000
    await visits.flush()
    assert weigh(visits._waiting) == visits._waiting_chars < WAITING_CHARS + 10_000
    assert LOST._value.get() == before + 6_000 - len(visits._waiting)
    monkeypatch.setattr(visits.db, "write", write)
    kept = len(visits._waiting)
    await visits.flush()
    assert await database.read(count) == kept
    assert (visits._waiting, visits._waiting_chars) == ([], 0)
    report = await visits.report(["site"], ["blog"], NOW - DAY, NOW + DAY)
    assert [report.tops[name][0].value for name in ("referrer", "utm_source")] == ["b", "a"]


async def test_exports_hold_everything(visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fazt.core.visits.engine.EXPORT_ROWS", 10)
    for n in range(25):
        visits.record(make_visit(n))
    visits.record(make_visit(path='=cmd|"x",\n'))
    visits.record(Visit("link", "abc", user_agent=GOOGLEBOT))
    table = b"".join([part async for part in visits.export("csv")]).decode()
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert len(rows) == 27
    assert rows[0]["at"] == "2027-01-15T08:00:00.000Z"
    assert rows[25]["path"] == '\'=cmd|"x",'
    assert (rows[26]["robot"], rows[26]["browser"]) == ("bot", "Googlebot")
    lines = b"".join([part async for part in visits.export("ndjson", ["site"])]).splitlines()
    assert [json.loads(line)["path"] for line in lines] == [row["path"].lstrip("'") for row in rows[:26]]
    assert not [part async for part in visits.export("ndjson", ["site"], ["shop"])]


async def test_prune_keeps_as_long_as_the_owner_says(visits: Visits, database: Database, settings: Settings) -> None:
    for days in (500, 100, 1):
        await visits.record_now(make_visit(at=NOW - days * DAY))
    await visits.roll_up()
    await visits.prune()
    assert await database.read(count) == 2
    await settings.put("visits.keep_days", 0, NOW)
    await visits.prune()
    assert await database.read(count) == 2
    await settings.put("visits.keep_days", 30, NOW)
    await visits.prune()
    assert await database.read(count) == 1
    assert (await visits.report(["site"], [], NOW - 600 * DAY, NOW)).views == 3


async def test_roll_up_passes_over_no_visit_on_its_way(cluster: Cluster, clock: Clock, tmp_path: Path) -> None:
    """PostgreSQL gives out ids before the rows are visible: a lower one may appear after a higher one."""
    database = open_database(Config(tmp_path / "data.db", database_url=cluster.create_database()))
    assert isinstance(database, PostgresDatabase)
    visits = Visits(database, clock, Settings(SETTINGS))
    record = await visits.enrich(make_visit())
    with database.engine.begin() as early:
        store.add(early, [record])
        await database.write(store.add, [record])
        summing = asyncio.create_task(visits.roll_up())
        while not await database.read(is_somebody_waiting):
            assert not summing.done()
        early.commit()
    await summing
    assert (await visits.report(["site"], [], NOW - DAY, NOW)).views == 2
    await database.close()


def is_somebody_waiting(conn: Connection) -> bool:
    """For a lock of PostgreSQL's."""
    return bool(conn.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))
