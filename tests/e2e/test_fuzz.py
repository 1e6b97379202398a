"""The short form of `make fuzz`: some seconds of damaged input for every protocol."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.run import report, run


@pytest.mark.slow
def test_damaged_input_is_refused_everywhere(tmp_path: Path) -> None:
    done = run(tmp_path, seconds=20, seed=12, most=40)  # the same ones at each run
    assert done.faults == [], report(done)
    assert min(done.tried.values()) > 0
