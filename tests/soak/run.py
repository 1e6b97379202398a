"""The soak itself: all writers at work, kills in between, and what was found of what was acknowledged."""

from __future__ import annotations

import os
import random
import re
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.program import Program, wait_until
from tests.soak import files, records
from tests.soak.writer import Writer

WRITERS: tuple[type[Writer], ...] = (
    files.Drive,
    files.Drops,
    files.Sites,
    files.Notes,
    files.Mail,
    records.Documents,
    records.Topics,
    records.Pads,
    records.Links,
    records.Clicks,
    records.Functions,
    records.Tokens,
    records.Backups,
)
COLUMNS = ("found", "missing", "refused", "a second", "p50 ms", "p99 ms")


@dataclass
class Soak:
    """What came of it."""

    writers: list[Writer]
    seconds: float
    kills: int = 0
    restarts_s: list[float] = field(default_factory=list)
    memory_mb: int = 0
    data_mb: int = 0
    integrity: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """How many acknowledged things are not there."""
        return sum(len(writer.missing) for writer in self.writers)

    @property
    def is_good(self) -> bool:
        """Whether nothing is missing, nothing was answered with a fault, and the file is whole."""
        return not self.missing and not self.faults and self.integrity == "ok"


def read_peak_mb(program: Program) -> int:
    """The most memory that the program has had since it was started."""
    assert program.process is not None
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    return int(found[1]) // 1024 if found else 0


def list_faults(writers: list[Writer], log: str) -> list[str]:
    """Answers that no load excuses, and errors that the program wrote down."""
    answers = [f"{w.app}: {times} x {what}" for w in writers for what, times in w.refused.items() if what[0] == "5"]
    excused = [answer for answer in answers if " x 503 " in answer]
    lines = [line for line in log.splitlines() if re.match(r"\S+ (error|critical) ", line)]
    return [answer for answer in answers if answer not in excused] + lines[:20]


def kill_and_look(soak: Soak, program: Program, tell: Callable[[str], None]) -> None:
    """One crash at this very moment, a start, and a look at what was acknowledged last."""
    soak.memory_mb = max(soak.memory_mb, read_peak_mb(program))
    program.kill()
    soak.kills += 1
    started = time.perf_counter()
    program.start()
    soak.restarts_s.append(time.perf_counter() - started)
    files.wait_for_mail(program, soak.kills + 1)
    for writer in soak.writers:
        writer.check(everything=False)
    acknowledged = sum(len(writer.acknowledged) for writer in soak.writers)
    tell(f"kill {soak.kills}: {acknowledged} acknowledged until now, {soak.missing} of the latest missing")


def run(folder: Path, *, seconds: float, kills: int, seed: int, tell: Callable[[str], None], least: int = 1) -> Soak:
    """Run all writers for so long, longer where one has not written `least` things by then."""
    chance = random.Random(seed)
    with Program(folder, "--smtp-listen", "127.0.0.1:0") as program:
        soak = Soak([kind(program) for kind in WRITERS], seconds)
        files.wait_for_mail(program, 1)
        with program.owner() as owner:
            for writer in soak.writers:
                writer.prepare(owner)
        stop = threading.Event()
        threads = [threading.Thread(target=writer.run, args=(stop,), name=writer.app) for writer in soak.writers]
        for thread in threads:
            thread.start()
        try:
            started = time.monotonic()
            for number in range(kills):
                due = started + seconds * (number + chance.uniform(0.2, 0.8)) / kills
                stop.wait(max(0.0, due - time.monotonic()))
                kill_and_look(soak, program, tell)
            stop.wait(max(0.0, started + seconds - time.monotonic()))
            wait_until(lambda: all(len(writer.acknowledged) >= least for writer in soak.writers), 60, "every writer")
            soak.seconds = time.monotonic() - started
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        tell("looking for everything")
        for writer in soak.writers:
            writer.check(everything=True)
            writer.close()
        soak.memory_mb = max(soak.memory_mb, read_peak_mb(program))
        program.stop()
        look_at_file(soak, program)
    return soak


def look_at_file(soak: Soak, program: Program) -> None:
    """What SQLite says of the file, and what the program said of itself."""
    soak.data_mb = program.data.stat().st_size // 1_000_000
    with closing(sqlite3.connect(program.data)) as conn:
        soak.integrity = str(conn.execute("PRAGMA integrity_check").fetchone()[0])
    soak.faults = list_faults(soak.writers, program.log)


def report(soak: Soak) -> str:
    """The table."""
    lines = [
        f"Soak: {soak.seconds / 60:.1f} minutes, {soak.kills} kills, {os.cpu_count()} processors",
        f"{'app':<10}{'acknowledged':>13}" + "".join(f"{title:>9}" for title in COLUMNS),
    ]
    for writer in soak.writers:
        times = sorted(writer.seconds) or [0.0]
        count, missing = len(writer.acknowledged), len(writer.missing)
        lines.append(
            f"{writer.app:<10}{count:>13}{count - missing:>9}{missing:>9}{sum(writer.refused.values()):>9}"
            f"{count / soak.seconds:>9.1f}{statistics.median(times) * 1000:>9.1f}"
            f"{times[int(len(times) * 0.99)] * 1000:>9.1f}"
        )
    total = sum(len(writer.acknowledged) for writer in soak.writers)
    lines.append(f"{'all':<10}{total:>13}{total - soak.missing:>9}{soak.missing:>9}")
    restarts = f"restarts {statistics.median(soak.restarts_s):.1f} s, " if soak.restarts_s else ""
    lines.append(
        f"{restarts}at most {soak.memory_mb} MB of memory, data.db {soak.data_mb} MB, integrity {soak.integrity}"
    )
    for writer in soak.writers:
        lines += [f"{writer.app} refused {times} x {what}" for what, times in writer.refused.items()]
        lines += [f"{writer.app} misses {name}" for name in sorted(writer.missing)[:10]]
    return "\n".join([*lines, *(f"fault: {fault}" for fault in soak.faults)])
