"""`make soak MINUTES=10 KILLS=5`: the table, and exit code 1 where anything acknowledged is missing."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.soak.run import report, run


def tell(text: str) -> None:
    """How it goes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run it in a folder of its own, which stays where something is missing."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--kills", type=int, default=5)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 16))
    given = options.parse_args()
    tell(f"seed {given.seed}")
    folder = Path(tempfile.mkdtemp(prefix="fazt-soak-"))
    soak = run(folder, seconds=given.minutes * 60, kills=given.kills, seed=given.seed, tell=tell)
    tell(report(soak))
    if soak.is_good:
        shutil.rmtree(folder)
        return 0
    tell(f"The file is kept: {folder / 'data.db'}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
