"""`make fuzz MINUTES=5 ONLY=smtp`: how often each protocol was tried, and exit code 1 where one gave way."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.fuzz.run import report, run


def main() -> int:
    """Run it on a cloud of its own."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=5.0)
    options.add_argument("--only", default="")
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 16))
    given = options.parse_args()
    sys.stdout.write(f"seed {given.seed}\n")
    with tempfile.TemporaryDirectory(prefix="fazt-fuzz-") as folder:
        done = run(Path(folder), seconds=given.minutes * 60, seed=given.seed, only=given.only)
    sys.stdout.write(report(done) + "\n")
    return 1 if done.faults else 0


if __name__ == "__main__":
    sys.exit(main())
