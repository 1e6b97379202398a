"""Runs the `fazt` of a tree in this process, killed at the n-th step that changes a file: `kill_at.py N TREE …`."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

CHANGES = {"os.rename", "os.link", "os.remove", "os.chmod", "os.mkdir", "os.symlink", "sqlite3.connect"}
MANY = (".unpacking-", "/_internal/", "/versions/")
"""Where a release is unpacked, and cleared away: thousands of steps, of which every hundredth counts."""


class Killer:
    """An audit hook. Without a number it only counts."""

    def __init__(self, at: int, folder: str) -> None:
        self.at, self.folder = at, folder
        self.count = self.many = 0

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """See sys.addaudithook."""
        if event == "open":
            changes = isinstance(arguments[2], int) and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        else:
            changes = event in CHANGES or event == "subprocess.Popen"
        if not changes or not arguments or (event != "subprocess.Popen" and self.folder not in str(arguments[0])):
            return
        if any(part in str(arguments[0]) for part in MANY):
            self.many += 1
            if self.many % 100:
                return
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Hook in, run the command, say how many steps there were."""
    sys.path.insert(0, f"{sys.argv[2]}/_internal")
    killer = Killer(int(sys.argv[1]), os.environ["KILL_FOLDER"])
    from fazt.cli import cli

    sys.addaudithook(killer.hear)
    try:
        cli(sys.argv[3:])
    finally:
        sys.stderr.write(f"steps {killer.count}\n")


if __name__ == "__main__":
    main()
