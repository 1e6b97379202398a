"""kill -9 in mid-run: no job is lost, and an event's effect is there exactly once."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

import tests.core.jobs.worker as worker_module

ROOT = Path(__file__).parents[3]
KILLS = 4


def work(path: Path, first_n: int, lines: int = 0) -> list[str]:
    """What the program said until it was killed after so many lines, or until it was done."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, str(worker_module.__file__), str(path), str(first_n)]
    seen: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            seen.append(line.strip())
            if len(seen) == lines:
                process.kill()
        code = process.wait()
    assert code == (-9 if lines else 0)
    return seen


def numbers(said: list[str], word: str) -> list[int]:
    return [int(line.split()[1]) for line in said if line.startswith(word)]


@pytest.mark.slow
def test_every_job_runs_and_every_event_is_heard_once(data_file: Path) -> None:
    with closing(sqlite3.connect(data_file)) as conn:
        conn.execute("CREATE TABLE heard (n INTEGER NOT NULL)")
    said: list[str] = []
    for round_number in range(KILLS):
        said += work(data_file, 1 + round_number * 1_000_000, random.randint(20, 600))
    with closing(sqlite3.connect(data_file)) as conn:
        left = conn.execute("SELECT count(*) FROM core_job").fetchone()[0]
    said += work(data_file, 0)
    told, ran = set(numbers(said, "told")), set(numbers(said, "ran"))
    with closing(sqlite3.connect(data_file)) as conn:
        heard = Counter(row[0] for row in conn.execute("SELECT n FROM heard"))
        lost = conn.execute("SELECT * FROM core_job WHERE name <> 'events.prune'").fetchall()
    assert left
    assert not lost
    assert told <= ran
    assert told <= set(heard)
    assert set(heard.values()) == {1}
