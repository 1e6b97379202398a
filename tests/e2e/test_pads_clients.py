"""Real y-websocket clients: one text everywhere whatever breaks, nothing lost that was said to be saved, and quick."""

from __future__ import annotations

import json
import random
import statistics
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import LONG
from tests.program import Program

CLIENT = Path(__file__).parent / "pads_client.mjs"
EDITORS, EDITS, KILLS = (50, 3_000, 8) if LONG else (8, 200, 1)
DEATHS = 10 if LONG else 1
MOST_MS = 30 if LONG else 150
"""From a keystroke to the other screen; other tests that run meanwhile keep the disk busy."""


@pytest.fixture
def token(program: Program) -> str:
    """For all pads."""
    return program.run("token", "create", "editors", "--scope", "pads:rw").stdout.strip()


@contextmanager
def clients(program: Program, token: str, name: str, *words: object) -> Iterator[subprocess.Popen[str]]:
    """Editors in a process of their own, which has ended after the block."""
    command = ["node", str(CLIENT), f"ws://127.0.0.1:{program.port}/pad", name, token, *map(str, words)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_for(running: subprocess.Popen[str], wanted: str) -> None:
    assert running.stdout is not None
    for line in running.stdout:
        if line.strip() == wanted:
            return
    pytest.fail(f"the clients never said {wanted}")


def read(program: Program, name: str) -> str:
    with program.owner() as owner:
        return owner.get(f"/pad/{name}").text


def test_all_editors_end_with_one_text(program: Program, token: str) -> None:
    with clients(program, token, "together", EDITORS, EDITS) as running:
        wait_for(running, "ready")
        for n in range(KILLS):
            wait_for(running, f"edit {(n + 1) * EDITS // (KILLS + 2) // 100 * 100}")
            program.kill()
            program.start()
        wait_for(running, "edited")
        text = json.loads(running.communicate("settle\n", timeout=120)[0].splitlines()[-1])["text"]
    assert len(text) > EDITS // 10
    assert read(program, "together") == text
    program.kill()
    program.start()
    assert read(program, "together") == text, "the file says the same"


def test_what_was_said_to_be_saved_outlives_everybody(program: Program, token: str) -> None:
    seen = 0
    for death in range(DEATHS):
        with clients(program, token, f"marks{death}", "acknowledged") as running:
            wait_for(running, "ready")
            assert running.stdout is not None
            marks = [running.stdout.readline().strip() for _ in range(random.randint(5, 150))]
            program.kill()
            running.kill()  # nobody is left who could bring it again
            marks += [line.strip() for line in running.stdout if line.endswith(">\n")]
        program.start()
        text = read(program, f"marks{death}")
        assert [mark for mark in marks if mark not in text] == []
        seen += len(marks)
    assert seen > DEATHS


def test_a_keystroke_is_soon_on_the_other_screen_in_a_large_pad_too(program: Program, token: str) -> None:
    line = "All work and no play makes Jack a dull boy.\n"
    with program.owner() as owner:
        assert owner.put("/pad/large", content=line * (1_000_000 // len(line))).status_code == 201
    for name in ("quick", "large"):
        with clients(program, token, name, "latency", 60) as running:
            times = json.loads(running.communicate(timeout=60)[0])
        assert statistics.median(times) <= MOST_MS
