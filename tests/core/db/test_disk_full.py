"""A disk that is really full: a small file system of the test's own, in a mount namespace of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import tests.core.db.disk_filler as filler_module

ROOT = Path(__file__).parents[3]
MOUNT_AND_RUN = 'mount -t tmpfs -o size=6m tmpfs "$1" && exec "$2" "$3" "$1"'


def test_a_full_disk_refuses_clearly_loses_nothing_and_recovers_by_itself(tmp_path: Path) -> None:
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    mounted = subprocess.run(
        [*unshare, "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert mounted.returncode == 0, (
        "This test fills a small file system, and this machine lets nobody mount one "
        f"({mounted.stderr.strip()}). Allow it: as root outside of containers, or by "
        "`sysctl kernel.unprivileged_userns_clone=1`, or `docker run --privileged`."
    )
    done = subprocess.run(
        [*unshare, "sh", "-c", MOUNT_AND_RUN, "sh", str(tmp_path), sys.executable, str(filler_module.__file__)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 100
