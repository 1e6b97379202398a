"""What tests have started and not ended: found by a word in its environment, which whatever it starts inherits."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

MARK = "TESTED_BY"
GRACE_S = 20.0
"""Browsers and functions take a moment to go after whoever owned them."""


def mark() -> None:
    """Whatever this process starts from now on is its own."""
    os.environ[MARK] = str(os.getpid())


def find_running() -> dict[int, str]:
    """The processes that this one has started, directly or not, with their commands; those that have ended are none."""
    word = f"{MARK}={os.getpid()}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(folder.name) != os.getpid() and word in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
    return found


def end_all(grace_s: float = GRACE_S) -> list[str]:
    """Wait until they are gone; then end the rest, and say what it was."""
    end = time.monotonic() + grace_s
    while (left := find_running()) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in left:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    while find_running().keys() & left.keys():
        time.sleep(0.01)
    return [command[:300] for command in left.values()]
