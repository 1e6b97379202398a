"""Certificates of the tests' own authority, and the engine that shows them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fazt.core.config import Address, Config
from fazt.core.db import Database, open_database
from fazt.core.settings import Settings
from fazt.core.tls import SETTINGS, Tls
from tests.conftest import NOW


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: int = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def file(data_file: Path) -> AsyncIterator[Database]:
    """A Database on a file of the test's own."""
    db = open_database(Config(data=data_file), [])
    yield db
    await db.close()


async def make_tls(db: Database, clock: Clock, domain: str = "localhost", mode: str = "auto") -> Tls:
    """The engine on `db`, with HTTPS on."""
    settings = Settings(SETTINGS)
    await settings.load(db)
    await settings.put("tls.mode", mode, clock())
    config = Config(data=Path("unused"), domain=domain, https_listen=Address("127.0.0.1", 0))
    tls = Tls(db, clock, settings, config)
    await tls.load()
    return tls
