"""Runs a `fazt` command in this process, and kills it at the n-th step that changes a file: `kill_at.py N …`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

CHANGES = {"os.rename", "os.link", "os.remove", "os.chmod", "os.mkdir", "sqlite3.connect"}


class Killer:
    """An audit hook. Without a number it only counts."""

    def __init__(self, at: int, folder: str) -> None:
        self.at, self.folder = at, folder
        self.count = 0

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """See sys.addaudithook."""
        if event == "open":
            changes = isinstance(arguments[2], int) and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        else:
            changes = event in CHANGES
        if changes and arguments and self.folder in str(arguments[0]):
            self.count += 1
            if self.count == self.at:
                os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Hook in, run the command, say how many steps there were."""
    killer = Killer(int(sys.argv[1]), str(Path(os.environ["FAZT_DATA"]).parent))
    from fazt.cli import cli

    sys.addaudithook(killer.hear)
    try:
        cli(sys.argv[2:])
    finally:
        sys.stderr.write(f"steps {killer.count}\n")


if __name__ == "__main__":
    main()
