"""Blobs over each engine and each kind of storage."""

from __future__ import annotations

from pathlib import Path

import pytest
from obstore.store import LocalStore, MemoryStore

from fazt.core.blobs import Blobs
from fazt.core.blobs.engine.objects import ObjectBlobs
from fazt.core.db import Database
from tests.conftest import NOW


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Stands at NOW until a test moves it."""
    return Clock()


@pytest.fixture(params=["database", "memory", "folder"])
def blobs(request: pytest.FixtureRequest, database: Database, clock: Clock, tmp_path: Path) -> Blobs:
    """Blobs of every kind: all pass the same tests."""
    if request.param == "database":
        return Blobs(database, clock)
    objects = MemoryStore() if request.param == "memory" else LocalStore(tmp_path / "objects", mkdir=True)
    made = ObjectBlobs(database, clock, objects)
    made.chunk_bytes, made.piece_bytes = 256 * 1024, 64 * 1024
    return made
