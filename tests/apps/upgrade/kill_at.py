"""Runs the `fazt` of a tree in this process, killed at a step: `kill_at.py WHEN TREE …`.

WHEN is the number of a step that changes a file, or the state in the journal, after whose writing it is killed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

CHANGES = {"os.rename", "os.link", "os.remove", "os.chmod", "os.mkdir", "os.symlink", "sqlite3.connect"}
MANY = (".unpacking-", "/_internal/", "/versions/")
"""Where a release is unpacked, and cleared away: thousands of steps, of which every hundredth counts."""


class Killer:
    """An audit hook. With the number 0 it only counts."""

    def __init__(self, when: str, folder: str) -> None:
        self.at, self.folder = int(when) if when.isdigit() else -1, folder
        self.state, self.is_near = f'"state": "{when}"', False
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
        if self.is_near or self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        if event == "os.rename" and str(arguments[1]).endswith("upgrade.json"):
            self.is_near = self.state in Path(arguments[0]).read_text()


def main() -> None:
    """Hook in, run the command, say how many steps there were."""
    sys.path.insert(0, f"{sys.argv[2]}/_internal")
    killer = Killer(sys.argv[1], os.environ["KILL_FOLDER"])
    from fazt.cli import cli

    sys.addaudithook(killer.hear)
    try:
        cli(sys.argv[3:])
    finally:
        sys.stderr.write(f"steps {killer.count}\n")


if __name__ == "__main__":
    main()
