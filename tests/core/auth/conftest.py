"""Auth on a database of the test's own, with an owner."""

from collections.abc import AsyncIterator

import pytest

from fazt.core.auth import Auth, User
from fazt.core.db import Database
from tests.conftest import NOW
from tests.core.auth.people import ANN, PASSWORD, Waits, cheap_hasher


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
async def auth(database: Database, waits: Waits) -> AsyncIterator[Auth]:
    running = Auth(database, hasher=cheap_hasher(), sleep=waits, clock=lambda: NOW)
    yield running
    await running.close()


@pytest.fixture
async def ann(auth: Auth) -> User:
    return await auth.create_owner(ANN, PASSWORD, NOW)
