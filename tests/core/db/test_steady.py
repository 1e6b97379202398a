"""How files come to disk while others commit, by the flushes that are made of them."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from fazt.core.db import steady
from fazt.core.db.copying import STEP_BYTES, copy_database
from fazt.core.db.steady import FLUSH_BYTES, PIECE_BYTES, SteadyFile, write_out

SIZE = 2 * FLUSH_BYTES + 12_345
CACHE_BYTES = 2 * 1024 * 1024
"""What SQLite keeps back of a file that it writes."""


class Flushes:
    """What came to disk at once, how much of that with a flush, and how often there was a rest."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self.flushed: list[int] = []
        self.rests = 0
        self._known = self._safe = 0
        self._sync, self._sleep = os.fdatasync, time.sleep
        monkeypatch.setattr(steady, "write_out", self._note_write)
        monkeypatch.setattr(os, "fdatasync", self._note_sync)
        monkeypatch.setattr(time, "sleep", self._note_rest)

    def _note(self, number: int) -> None:
        size = os.fstat(number).st_size
        self.sizes.append(size - self._known)
        self._known = size

    def _note_write(self, number: int) -> None:
        self._note(number)
        write_out(number)

    def _note_sync(self, number: int) -> None:
        self._note(number)
        self.flushed.append(self._known - self._safe)
        self._safe = self._known
        self._sync(number)

    def _note_rest(self, seconds: float) -> None:
        self.rests += 1
        self._sleep(seconds)


@pytest.fixture
def flushes(monkeypatch: pytest.MonkeyPatch) -> Flushes:
    return Flushes(monkeypatch)


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A database with a log, to which nobody has written for an hour."""
    path = tmp_path / "live.db"
    log_of(path).write_bytes(b"a commit")
    os.utime(log_of(path), (0, time.time() - 3600))
    return path


def log_of(live: Path) -> Path:
    return live.with_name(live.name + "-wal")


def test_while_others_commit_a_file_goes_to_disk_in_small_pieces_with_rests(
    live: Path, tmp_path: Path, flushes: Flushes
) -> None:
    with closing(SteadyFile(tmp_path / "file", live)) as file:
        for _ in range(9):
            log_of(live).write_bytes(b"a commit")
            file.write(bytes(2 * PIECE_BYTES))
    assert flushes.sizes == [PIECE_BYTES] * 18
    assert flushes.flushed == [FLUSH_BYTES]
    assert flushes.rests == 18


@pytest.mark.parametrize("log", ["old", "empty", "none"])
def test_while_nobody_does_it_goes_in_large_ones_without(
    live: Path, tmp_path: Path, flushes: Flushes, log: str
) -> None:
    if log == "empty":
        log_of(live).write_bytes(b"")
    elif log == "none":
        log_of(live).unlink()
    data = os.urandom(SIZE)
    with closing(SteadyFile(tmp_path / "file", live)) as file:
        assert file.write(data) == SIZE
    assert (tmp_path / "file").read_bytes() == data
    assert flushes.sizes == flushes.flushed == [FLUSH_BYTES] * 2
    assert flushes.rests == 0


def test_once_somebody_commits_what_waits_goes_at_once(live: Path, tmp_path: Path, flushes: Flushes) -> None:
    with closing(SteadyFile(tmp_path / "file", live)) as file:
        file.write(bytes(4 * PIECE_BYTES))
        assert flushes.sizes == []
        log_of(live).write_bytes(b"a commit")
        file.write(bytes(PIECE_BYTES))
    assert flushes.sizes == [5 * PIECE_BYTES]


def commit(conn: sqlite3.Connection) -> None:
    conn.execute("INSERT INTO ballast VALUES (1)")


def test_a_copy_of_a_database_that_is_written_to_goes_in_small_pieces(tmp_path: Path, flushes: Flushes) -> None:
    source = tmp_path / "data.db"
    with closing(sqlite3.connect(source, isolation_level=None)) as conn:
        conn.execute("PRAGMA journal_mode=WAL")
        conn.execute("CREATE TABLE ballast (data BLOB)")
        conn.execute("INSERT INTO ballast VALUES (zeroblob(?))", (SIZE,))
        copy_database(source, tmp_path / "copy.db", lambda *_: commit(conn))
    assert len(flushes.sizes) >= SIZE // (PIECE_BYTES + STEP_BYTES)
    assert max(flushes.sizes) <= PIECE_BYTES + STEP_BYTES + CACHE_BYTES
    assert flushes.rests == len(flushes.sizes)


def test_what_cannot_be_written_out_is_said(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with pytest.raises(OSError, match="Illegal seek"):
        write_out(writer)
    os.close(reader)
    os.close(writer)
