"""A browser for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium. It ends with the module, as its loop and those of async tests do not bear each other."""
    with chromium() as running:
        yield running
