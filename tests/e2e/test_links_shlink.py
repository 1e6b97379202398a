"""Shlink's own SDK, through every call that it has."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.program import Program

HERE = Path(__file__).parent


def test_shlinks_sdk_through_every_call(program: Program) -> None:
    program.run("settings", "set", "links.fetch_titles", "off")
    key = program.run("token", "create", "shlink", "--scope", "links:rw").stdout.strip()
    command = ["node", "links_shlink.mjs", program.url, key]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
