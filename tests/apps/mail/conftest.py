"""People of a cloud, for tests of the store."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from fazt.core.auth.model import User
from fazt.core.auth.store import create_owner, create_user
from tests.conftest import NOW


@pytest.fixture
def owner(conn: Connection) -> User:
    return create_owner(conn, email="owner@elsewhere.org", password_hash="x", now=NOW, handle="anna")


@pytest.fixture
def member(conn: Connection, owner: User) -> User:
    return create_user(conn, email="bert@elsewhere.org", password_hash="x", now=NOW, handle="bert")
