"""Litestream under supervision: killed, kept from its place, and orphaned."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import httpx

from tests.e2e.test_backup_replica import children_of
from tests.program import Program, wait_until

ROOT = "/api/v1/backup"


def find_litestream(program: Program) -> int:
    """The process of Litestream; 0 where there is none."""
    assert program.process is not None
    for pid in children_of(program.process.pid):
        with suppress(FileNotFoundError):  # it has just gone
            if b"litestream\0replicate" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
    return 0


def is_alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]
    except (FileNotFoundError, ProcessLookupError):
        return False


def position(client: httpx.Client) -> int:
    """What the replica is known to have, while there is no problem."""
    replica = client.get(ROOT).json()["replica"]
    return 0 if replica["problem"] or not replica["confirmed_at"] else replica["position"]


def test_litestream_is_started_again_and_its_trouble_is_told(program: Program, tmp_path: Path) -> None:
    place = tmp_path / "replica"
    with program.owner() as client:
        client.put("/api/v1/settings/backup.replica_lag_seconds", json={"value": 5}).raise_for_status()
        client.put("/api/v1/settings/backup.replica", json={"value": str(place)}).raise_for_status()
        wait_until(lambda: position(client), 30, "the replica")
        first = find_litestream(program)
        os.kill(first, signal.SIGKILL)
        second = wait_until(lambda: (pid := find_litestream(program)) != first and pid, 30, "another one")
        assert client.get(ROOT).json()["replica"]["restarts"] == 1

        wait_until(lambda: position(client), 30, "the replica again")
        place.rename(tmp_path / "away")
        place.write_text("in the way")
        client.put("/db/notes/a", json={"n": 1}).raise_for_status()
        alarms = wait_until(lambda: client.get(ROOT).json()["alarms"], 30, "the alarm")
        assert alarms[0]["kind"] == "replica"
        assert "not a directory" in alarms[0]["text"]
        place.unlink()
        (tmp_path / "away").rename(place)
        wait_until(lambda: client.get(ROOT).json()["alarms"] == [], 60, "the end of the alarm")
        names = [event["name"] for event in client.get("/api/v1/events", params={"prefix": "backup."}).json()]
        assert names[:2] == ["backup.alarm_over", "backup.alarm"]
    program.kill()
    wait_until(lambda: not is_alive(second), 20, "the end of the orphan")
