"""A restore that is killed at each of its steps, or runs out of disk: data.db is the old file or the new one, whole."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from fazt.apps.backup.engine.making import create
from tests.apps.backup.test_engine import ids, make_order, put, run
from tests.conftest import LONG
from tests.program import SRC

KILL_AT = Path(__file__).parents[1] / "apps" / "backup" / "kill_at.py"


class Scene:
    """A folder with a data.db that holds `now` (part of it only in its log), and a backup that holds `then`."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.first = folder / "first"
        self.first.mkdir()
        data = Path(shutil.copy(template, self.first / "data.db"))
        put(data, "then")
        create(make_order(data, compress=True), lambda *_: None)
        with closing(sqlite3.connect(data, isolation_level=None)) as conn:
            conn.execute("INSERT INTO core_setting VALUES ('now', '1', 1)")
            for suffix in ("", "-wal"):
                shutil.copy(f"{data}{suffix}", f"{data}{suffix}.copy")
        for suffix in ("", "-wal"):
            Path(f"{data}{suffix}.copy").rename(f"{data}{suffix}")
        self.folder = folder / "scene"

    @property
    def data(self) -> Path:
        """The file."""
        return self.folder / "data.db"

    def set(self) -> None:
        """Everything as it was at first."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.first, self.folder)

    def start(self, kill_at: int) -> subprocess.Popen[str]:
        """A restore, killed at a step (0: at none)."""
        command = [sys.executable, str(KILL_AT), str(kill_at), "backup", "restore", "--yes"]
        environ = {key: value for key, value in os.environ.items() if not key.startswith("FAZT_")}
        environ |= {"PYTHONPATH": str(SRC), "FAZT_DATA": str(self.data)}
        return subprocess.Popen(command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def check(self) -> bool:
        """Old or new, whole, and nothing lost; whether it is the new one."""
        assert run(self.data, "PRAGMA integrity_check") == [("ok",)]
        found = ids(self.data)
        assert found in (["now", "then"], ["then"])
        is_new = found == ["then"]
        kept = list(self.folder.glob("data.db.replaced-*"))
        assert not is_new or [ids(path) for path in kept] == [["now", "then"]]
        return is_new


@pytest.mark.slow
@pytest.mark.timeout(900 if LONG else 120)
def test_killed_at_any_step_a_restore_leaves_the_old_file_or_the_new_one(tmp_path: Path, template_file: Path) -> None:
    scene = Scene(tmp_path, template_file)
    scene.set()
    whole = scene.start(0)
    said = whole.communicate(timeout=60)[1]
    assert scene.check(), said
    count = int(re.findall(r"steps (\d+)", said)[0])
    chance = random.Random(11)
    steps = list(range(1, count + 1)) if LONG else [*range(count - 2, count + 1), chance.randint(1, count - 3)]
    outcomes = []
    for step in steps:
        scene.set()
        killed = scene.start(step)
        killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL, step
        outcomes.append(scene.check())
    again = scene.start(0)
    again.communicate(timeout=60)
    assert again.returncode == 0
    assert ids(scene.data) == ["then"]
    assert True not in outcomes[: outcomes.index(True) if True in outcomes else None]
    sys.stdout.write(f"{count} steps; the new file after {outcomes.count(True)} of {len(outcomes)} kills" + "\n")


@pytest.mark.slow
@pytest.mark.timeout(900 if LONG else 120)
def test_killed_at_any_moment_a_restore_leaves_the_old_file_or_the_new_one(tmp_path: Path, template_file: Path) -> None:
    scene, chance, outcomes = Scene(tmp_path, template_file), random.Random(1), []
    for _ in range(30 if LONG else 2):
        scene.set()
        process = scene.start(0)
        threading.Event().wait(chance.uniform(0.4, 2.0))
        process.kill()
        process.communicate(timeout=60)
        outcomes.append(scene.check())
    sys.stdout.write(f"{outcomes.count(True)} of {len(outcomes)} kills left the new file" + "\n")
