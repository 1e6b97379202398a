"""What one run, one process and one site may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from fazt.core.errors import Invalid


class Limits(msgspec.Struct, frozen=True):
    """Limits of one site: the settings `runtime.*`, with what the owner chose for this site alone."""

    wall_s: float = 30
    cpu_s: float = 5
    memory_mb: int = 128
    concurrency: int = 100
    request_mb: int = 100
    response_mb: int = 100
    log_lines: int = 200
    fetches: int = 50
    fetch_s: float = 30
    fetch_mb: int = 64
    db_mb: int = 256


class Range(msgspec.Struct, frozen=True):
    """What a limit means, and what it may be."""

    help: str
    minimum: float
    maximum: float
    unit: str


LIMITS: dict[str, Range] = {
    "wall_s": Range("How long an answer may take to begin, and may pause between two pieces.", 0.1, 900, "seconds"),
    "cpu_s": Range("Processor time that a run may use; an endless loop ends after it.", 0.1, 300, "seconds"),
    "memory_mb": Range("Heap of a site's process; as much again is allowed for bytes outside it.", 16, 4_096, "MiB"),
    "concurrency": Range("Requests that a site answers at once.", 1, 10_000, ""),
    "request_mb": Range("How large the body of a request may be.", 1, 4_096, "MiB"),
    "response_mb": Range("How large an answer may be.", 1, 65_536, "MiB"),
    "log_lines": Range("Lines that are kept of one run's log.", 0, 10_000, ""),
    "fetches": Range("Requests to elsewhere that one run may make.", 0, 10_000, ""),
    "fetch_s": Range("How long a request to elsewhere may take.", 0.1, 900, "seconds"),
    "fetch_mb": Range("How large an answer from elsewhere may be.", 1, 4_096, "MiB"),
    "db_mb": Range("How much a site may keep in db.", 0, 65_536, "MiB"),
}


def check_limits(chosen: Mapping[str, Any]) -> dict[str, float]:
    """What the owner chose for one site. Raises Invalid for names and numbers that are none."""
    kept: dict[str, float] = {}
    for name, value in chosen.items():
        if name not in LIMITS:
            raise Invalid(f"{name!r} is not a limit.", hint=f"There are {', '.join(LIMITS)}.")
        allowed = LIMITS[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Invalid(f"{name} is a number.")
        if not allowed.minimum <= value <= allowed.maximum:
            raise Invalid(
                f"{name} lies between {allowed.minimum:g} and {allowed.maximum:g} {allowed.unit}".strip() + "."
            )
        kept[name] = float(value) if name.endswith("_s") else int(value)
    return kept
