"""The short form of `make soak`: all apps under load at once, one kill, and nothing acknowledged is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.soak.run import report, run


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_all_apps_at_once_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    soak = run(tmp_path, seconds=4, kills=1, seed=12, tell=lambda _: None)
    sys.stdout.write(report(soak))
    assert soak.is_good, report(soak)
    assert soak.kills == 1
    assert all(writer.acknowledged for writer in soak.writers)
