"""What a browser that comes for the first time loads: its cache hides that from the end-to-end tests."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

STATIC = Path(str(resources.files("fazt.ui"))) / "static"
IMPORT = re.compile(r'^import (?:.* from )?"\./(\S+)";', re.MULTILINE)
SEAMS = 200
"""Bytes: names of modules become longer when they are given out, by their version."""


def list_modules(path: Path) -> set[Path]:
    """A module, and all that it needs at once."""
    found = {path}
    for name in IMPORT.findall(path.read_text()):
        found |= list_modules(path.parent / name)
    return found


def weigh(*paths: str) -> int:
    """Bytes of these scripts and what they need at once."""
    return sum(path.stat().st_size for path in set().union(*(list_modules(STATIC / path) for path in paths)))


def test_a_page_with_a_chart_is_under_60_kb_of_script() -> None:
    assert weigh("vendor/uplot.js") < weigh("ui/fazt.js", "ui/chart.js", "vendor/uplot.js") < 60_000 - SEAMS


def test_what_every_page_has_is_small() -> None:
    assert {path.name for path in list_modules(STATIC / "ui/fazt.js")} == {"fazt.js", "copy.js", "times.js"}
    assert weigh("ui/fazt.js") < 8_000
