"""Litestream to real S3 servers; the machine is lost in mid-load, and what was acknowledged is brought back."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.apps.backup.object_stores import ENVIRON, object_store
from tests.conftest import LONG
from tests.program import Program, wait_until

SERVERS = ("moto", "rclone", "weed") if LONG else ("moto", "rclone")
WRITERS = 3
LOAD_S = 20.0 if LONG else 4.0
MOST_LOST_S = 5.0
ROOT = "/api/v1/backup"


class Load:
    """Documents written as fast as they are acknowledged, each with the time at which it was."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.acknowledged: list[list[float]] = [[] for _ in range(WRITERS)]
        self.threads = [threading.Thread(target=self.write, args=(n,)) for n in range(WRITERS)]

    def write(self, writer: int) -> None:
        """Until the server is gone."""
        with self.program.owner() as client, suppress(httpx.HTTPError):
            for number in range(10**9):
                client.put(f"/db/load/{writer}-{number}", json={"n": number}).raise_for_status()
                self.acknowledged[writer].append(time.time())

    def find_lost(self, data: Path) -> tuple[int, float]:
        """How many acknowledged writes a file lacks, and when the first of them was; what is there has no gaps."""
        with closing(sqlite3.connect(data)) as conn:
            kept = {key.lstrip("s:") for (key,) in conn.execute("SELECT key FROM textdb_document")}
            assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        lost, first = 0, time.time()
        for writer, times in enumerate(self.acknowledged):
            numbers = sorted(int(key.partition("-")[2]) for key in kept if key.startswith(f"{writer}-"))
            assert numbers == list(range(len(numbers)))
            missing = times[len(numbers) :]
            lost, first = lost + len(missing), min([first, *missing])
        return lost, first


def children_of(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def lose_machine(program: Program) -> float:
    """Everything stops at once, and the disk is gone; when that was."""
    assert program.process is not None
    victims = [program.process.pid, *children_of(program.process.pid)]
    lost_at = time.time()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    program.process.wait(30)
    for path in program.data.parent.glob("*data.db*"):
        if path.is_file():
            path.unlink()
    return lost_at


def in_step(client: httpx.Client) -> bool:
    """Whether the replica has everything now."""
    return client.get(ROOT).json()["replica"]["confirmed_at"] is not None


def check_next_life(program: Program, epoch: str) -> None:
    """What was restored replicates on in an epoch of its own, stands a drill, and loses nothing when it is stopped."""
    program.start()
    with program.owner() as client:
        wait_until(lambda: in_step(client), 60, "the replica of the next life")
        assert client.get(ROOT).json()["epoch"] > epoch
        said = json.loads(program.run("backup", "drill", "--json").stdout)["said"]
        assert "equal to the data at its position, row by row" in said
        client.put("/db/late/last", json={"written": "just before the end"}).raise_for_status()
    assert program.stop() == 0
    for path in program.data.parent.glob("*data.db*"):
        if path.is_file():
            path.unlink()
    program.run("backup", "restore", "--replica", "--from", "s3://cloud/replica", "--yes")
    with closing(sqlite3.connect(program.data)) as conn:
        bodies = [body for (body,) in conn.execute("SELECT body FROM textdb_document")]
    assert any("just before the end" in body for body in bodies)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", SERVERS)
def test_a_lost_machine_costs_no_more_than_the_lag(tmp_path: Path, template_file: Path, kind: str) -> None:
    (tmp_path / "data.db").write_bytes(template_file.read_bytes())
    with object_store(kind, tmp_path / kind) as url:
        program = Program(tmp_path, **ENVIRON, AWS_ENDPOINT_URL=url, AWS_CA_BUNDLE="/nowhere")
        program.start()
        load = Load(program)
        with program.owner() as client:
            client.put("/api/v1/settings/backup.replica", json={"value": "s3://cloud/replica"}).raise_for_status()
            wait_until(lambda: in_step(client), 60, "the replica")
            for thread in load.threads:
                thread.start()
            threading.Event().wait(LOAD_S)
            middle = time.time()
            threading.Event().wait(LOAD_S / 2)
            epoch = client.get(ROOT).json()["epoch"]
        lost_at = lose_machine(program)
        for thread in load.threads:
            thread.join(30)
        assert not program.data.exists()

        program.run("backup", "restore", "--replica", "--from", "s3://cloud/replica", "--yes")
        lost, first = load.find_lost(program.data)
        total = sum(map(len, load.acknowledged))
        window = lost_at - first if lost else 0.0
        sys.stdout.write(f"{kind}: {total} acknowledged, {lost} lost, all of the last {window:.2f} s\n")
        assert total > 20
        assert window < MOST_LOST_S

        moment = datetime.fromtimestamp(middle, UTC).isoformat()
        program.run("backup", "restore", "--at", moment, "--from", "s3://cloud/replica", "--yes")
        _, first = load.find_lost(program.data)
        assert middle - MOST_LOST_S < first < middle + MOST_LOST_S

        check_next_life(program, epoch)
