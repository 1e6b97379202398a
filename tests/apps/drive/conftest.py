"""What the tests of the drive share."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import Connection

from fazt.apps.drive import store
from fazt.apps.drive.model.nodes import Space
from tests.apps.drive.trees import NOW, grow
from tests.program import Program


@pytest.fixture(scope="module")
def dav(shared_program: Program) -> Iterator[httpx.Client]:
    """The owner."""
    with shared_program.owner() as client:
        yield client


@pytest.fixture
def home(conn: Connection) -> Space:
    """An empty drive."""
    return store.create_space(conn, "home", "me", "me", NOW)


@pytest.fixture
def grown(conn: Connection, home: Space) -> Space:
    """A drive with a tree in it."""
    return grow(conn, home)
