"""kill -9 in the middle of writing: what was acknowledged is there, and nothing is half."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import tests.core.db.writer as writer_module
from tests.core.db.writer import PAIR

ROOT = Path(__file__).parents[3]
KILLS = 4


def write_until_killed(path: Path, first_id: int, acknowledgements: int) -> list[int]:
    """The ids that the program acknowledged, those of refused writes negative."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    command = [sys.executable, str(writer_module.__file__), str(path), str(first_id)]
    seen: list[int] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            seen.append(int(line))
            if len(seen) == acknowledgements:
                process.kill()
    return seen


@pytest.mark.slow
def test_what_was_acknowledged_survives_and_nothing_is_half(data_file: Path) -> None:
    with closing(sqlite3.connect(data_file)) as conn:
        conn.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, words TEXT NOT NULL)")
    kept: set[int] = set()
    refused: set[int] = set()
    for round_number in range(KILLS):
        seen = write_until_killed(data_file, 1 + round_number * 1_000_000, random.randint(1, 2_000))
        kept |= {note_id for note_id in seen if note_id > 0}
        refused |= {-note_id for note_id in seen if note_id < 0}
        with closing(sqlite3.connect(data_file)) as conn:
            there = {row[0] for row in conn.execute("SELECT id FROM note")}
            assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        ones = {note_id for note_id in there if note_id < PAIR}
        assert kept <= ones
        assert not refused & ones
        assert {note_id + PAIR for note_id in ones} == there - ones
    assert kept
    assert refused
