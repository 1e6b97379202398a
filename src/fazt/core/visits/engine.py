"""Visits as they come in: made anonymous, then written in groups."""

from __future__ import annotations

import asyncio
import csv
import io
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from math import inf
from time import monotonic
from typing import Literal

import msgspec
from prometheus_client import Counter

from fazt.core.clock import DAY, Clock, to_iso
from fazt.core.db import Batch, Database
from fazt.core.errors import FaztError
from fazt.core.log import get_logger
from fazt.core.metrics import REGISTRY
from fazt.core.settings import Settings
from fazt.core.visits import store
from fazt.core.visits.agents import Agent, Agents
from fazt.core.visits.countries import Countries
from fazt.core.visits.model import (
    PATH_CHARS,
    ROBOTS,
    WORD_CHARS,
    Record,
    Report,
    Visit,
    clean,
    day_of,
    language_of,
    make_visitor,
    shorten,
    source_of,
    utm_of,
    weigh,
)

FLUSH_VISITS = 200
FLUSH_S = 1.0
WAITING_MAX = 20_000
WAITING_CHARS = 16_000_000
RETRY_S = 10.0
EXPORT_ROWS = 2000
REPORT_WAITS_S = 0.1
UNSAFE = frozenset("=+-@\t\r")

VISITS = Counter("fazt_visits", "Visits recorded.", ("kind",), registry=REGISTRY)
LOST = Counter("fazt_visits_lost", "Visits that came while too many waited to be written.", registry=REGISTRY)

log = get_logger(__name__)


class Visits:
    """The log of who came. One for each running program."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self.db = db
        self.clock = clock
        self._settings = settings
        self._agents = Agents()
        self._countries = Countries()
        self._salt: tuple[int, bytes] = (-1, b"")
        self._waiting: list[Visit] = []
        self._waiting_chars = 0
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None
        self._batch: Batch[Record, None] = Batch(db, store.add)
        self._summing = asyncio.Lock()

    def record(self, visit: Visit) -> None:
        """Count a visit; on disk within a second or so. Costs the caller nothing and never raises."""
        if len(self._waiting) >= WAITING_MAX or self._waiting_chars >= WAITING_CHARS:
            LOST.inc()
            return
        visit = shorten(visit)
        self._waiting_chars += weigh((visit,))
        self._waiting.append(visit if visit.at else msgspec.structs.replace(visit, at=self.clock()))
        if len(self._waiting) >= FLUSH_VISITS:
            self._start_flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_S, self._start_flush)

    async def record_now(self, visit: Visit) -> None:
        """Count a visit; on disk when this returns. Raises what a write raises."""
        await self._batch.add(await self.enrich(visit))
        VISITS.labels(visit.kind).inc()

    async def enrich(self, visit: Visit) -> Record:
        """What is kept of a visit; for apps that add it in a write of their own with `fazt.core.visits.add`."""
        at = visit.at or self.clock()
        agent = self._agents.find(visit.user_agent)
        if agent is None:
            agent = await asyncio.to_thread(self._agents.parse, visit.user_agent)
        day, salt = self._salt
        if day != day_of(at):
            salt = await self._get_salt(day_of(at))
        return self._reduce(visit, at, agent, salt)

    def enrich_now(self, visit: Visit) -> Record | None:
        """As `enrich`, where all that it needs is in memory; else None. `visit.at` has to be given."""
        agent = self._agents.find(visit.user_agent)
        day, salt = self._salt
        return None if agent is None or day != day_of(visit.at) else self._reduce(visit, visit.at, agent, salt)

    def _reduce(self, visit: Visit, at: int, agent: Agent, salt: bytes) -> Record:
        return Record(
            visit.kind,
            clean(visit.target, WORD_CHARS),
            at,
            clean(visit.path, PATH_CHARS),
            source_of(visit.referrer, visit.host) if visit.referrer else "",
            self._countries.find(self._settings.get("visits.country_database"), visit.address),
            agent.robot,
            agent.browser,
            agent.os,
            agent.device,
            language_of(visit.language),
            *utm_of(visit.query),
            make_visitor(salt, visit),
        )

    async def flush(self) -> None:
        """Write what waits; what cannot be written goes on waiting."""
        for _ in range(2):  # the write under way, and then what came meanwhile
            self._start_flush()
            if self._flushing is not None:
                await asyncio.wait([self._flushing])

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """What still waits at the end of the block is written."""
        try:
            yield
        finally:
            await self.flush()
            self._countries.close()

    async def roll_up(self, max_s: float = inf) -> bool:
        """Bring the sums up to date, in steps of some hundred visits; True when more remain after `max_s`."""
        end = monotonic() + max_s
        try:
            await asyncio.wait_for(self._summing.acquire(), None if max_s == inf else max_s)
        except TimeoutError:  # somebody else is at it, and has much to do
            return True
        try:
            upto = await self.db.write(store.find_last)
            while (gathered := await self.db.read(store.gather, upto)) is not None:
                await self.db.write(store.apply, gathered)
                if monotonic() > end:
                    return True
        finally:
            self._summing.release()
        return False

    async def report(
        self,
        kinds: Sequence[str],
        targets: Sequence[str],
        start: int,
        end: int,
        granularity: store.Granularity = "day",
        filters: Mapping[str, str] | None = None,
        top: int = 50,
    ) -> Report:
        """As `store.report`, of all visits so far, those of the last second included.

        Where very many came since the last roll-up, those at the end are left to the next one: nobody is to wait.
        """
        await self.flush()
        await self.roll_up(REPORT_WAITS_S)
        return await self.db.read(store.report, kinds, targets, start, end, self.clock(), granularity, filters, top)

    async def export(
        self,
        form: Literal["csv", "ndjson"],
        kinds: Sequence[str] = (),
        targets: Sequence[str] = (),
        start: int = 0,
        end: int = 1 << 60,
    ) -> AsyncIterator[bytes]:
        """All visits in their order, page by page, so that millions take no memory."""
        await self.flush()
        write = write_csv if form == "csv" else write_ndjson
        if form == "csv":
            yield ",".join(Record.__struct_fields__).encode() + b"\r\n"
        after = 0
        while page := await self.db.read(store.read_page, after, EXPORT_ROWS, kinds, targets, start, end):
            after = page[-1][0]
            yield write([record for _, record in page])

    async def prune(self) -> None:
        """Forget what is old (see `store.prune`)."""
        keep_ms = self._settings.get("visits.keep_days") * DAY
        while await self.db.write(store.prune, self.clock(), keep_ms):
            pass

    def _start_flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and self._flushing is None:
            self._flushing = asyncio.get_running_loop().create_task(self._flush(), name="fazt visits")

    async def _flush(self) -> None:
        taken: list[Visit] = []
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:FLUSH_VISITS], self._waiting[FLUSH_VISITS:]
                self._waiting_chars -= weigh(taken)
                records = [await self.enrich(visit) for visit in taken]
                await self.db.write(store.add, records)
                for visit in taken:
                    VISITS.labels(visit.kind).inc()
        except FaztError as error:  # the disk is full, or the database away: it is tried again, up to WAITING_MAX
            log.warning("%d visits wait to be written: %s", len(taken) + len(self._waiting), error)
            self._waiting[:0] = taken
            self._waiting_chars += weigh(taken)
            self._timer = asyncio.get_running_loop().call_later(RETRY_S, self._start_flush)
        finally:
            self._flushing = None

    async def _get_salt(self, day: int) -> bytes:
        """The salt of a day from the file, which is rare: today's is remembered."""
        salt = await self.db.write(store.get_salt, day, secrets.token_bytes(32), self.clock())
        if day == day_of(self.clock()):
            self._salt = (day, salt)
        return salt


def write_ndjson(records: Sequence[Record]) -> bytes:
    """One JSON object a line."""
    return b"".join(msgspec.json.encode(show(record)) + b"\n" for record in records)


def write_csv(records: Sequence[Record]) -> bytes:
    """RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text)
    for record in records:
        writer.writerow([f"'{cell}" if cell[:1] in UNSAFE else cell for cell in map(str, show(record).values())])
    return text.getvalue().encode()


def show(record: Record) -> dict[str, str]:
    """A visit as it is exported: the time to read, the sort of robot by its name, the visitor in hex."""
    columns = msgspec.structs.asdict(record)
    columns["at"] = to_iso(record.at)
    columns["robot"] = ROBOTS.get(record.robot, "")
    columns["visitor"] = f"{record.visitor & 0xFFFFFFFFFFFFFFFF:016x}"
    return columns
