"""Fixtures: a token that may do everything with topics, and listeners of all kinds."""

from __future__ import annotations

import pytest

from tests.program import Program


@pytest.fixture(scope="module")
def token(shared_program: Program) -> str:
    """A token for all topics."""
    return shared_program.run("token", "create", "all", "--scope", "pubsub:rw").stdout.strip()
