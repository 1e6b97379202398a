"""A second try, alone on the machine, for the few tests that failed while three processes shared two cores.

`make test` runs it after a run with failures. What fails here too has failed; what passes is named, so that a test
that only fails beside others is seen and mended. More than a few failures are no accident, and get no second try.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

FAILED = Path(__file__).resolve().parent.parent / ".pytest_cache" / "v" / "cache" / "lastfailed"
MOST = 3


def main() -> int:
    """0 when every test that failed passes now."""
    failed = list(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if not 0 < len(failed) <= MOST:
        return 1
    print(f"\nA second try, alone, for what failed beside others: {', '.join(failed)}", flush=True)
    code = pytest.main(["--last-failed", "--last-failed-no-failures", "none", "-p", "no:xdist"])
    if code == pytest.ExitCode.OK:
        print(f"\nPASSED ONLY ALONE, mend them: {', '.join(failed)}")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
