"""One running program for all tests of a module, its owner, and strangers."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.program import Program


@pytest.fixture(scope="module")
def program(shared_program: Program) -> Program:
    """One program for all tests of a module."""
    return shared_program


@pytest.fixture(scope="module")
def owner(program: Program) -> Iterator[httpx.Client]:
    """The owner's client, as curl is: it asks for no page."""
    with program.owner(headers={"user-agent": "curl/8"}) as client:
        yield client


@pytest.fixture
def stranger(program: Program) -> Iterator[httpx.Client]:
    """Somebody without an account."""
    with program.client(headers={"user-agent": "curl/8"}) as client:
        yield client
