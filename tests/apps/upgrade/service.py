"""A service for tests without systemd: `service.py start|stop FOLDER` starts and stops the program that is in place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

STOP_S = 30.0


def start(folder: Path) -> None:
    """Start `current/fazt serve` in a session of its own, with its words in `log`."""
    port = (folder / "port").read_text()
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("FAZT_", "PYTHON"))}
    environ |= {"FAZT_OWNER_EMAIL": "owner@example.org", "FAZT_OWNER_PASSWORD": "correct horse battery"}
    command = [str(folder / "root" / "current" / "fazt"), "serve", "--listen", f"127.0.0.1:{port}"]
    user = folder / "user"
    as_user = {"user": user.read_text(), "group": "nogroup", "extra_groups": []} if user.exists() else {}
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            [*command, "--data", str(folder / "data" / "data.db")],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **as_user,  # type: ignore[call-overload] # subprocess wants them one by one
        )
    (folder / "pid").write_text(str(process.pid))


def is_alive(pid: int) -> bool:
    """Whether a process is there, and not only its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def stop(folder: Path) -> None:
    """SIGTERM, and wait; then SIGKILL."""
    try:
        pid = int((folder / "pid").read_text())
    except FileNotFoundError:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + STOP_S
        while is_alive(pid) and time.monotonic() < end:
            os.kill(pid, number)
            time.sleep(0.05)
    (folder / "pid").unlink(missing_ok=True)


if __name__ == "__main__":
    {"start": start, "stop": stop}[sys.argv[1]](Path(sys.argv[2]))
