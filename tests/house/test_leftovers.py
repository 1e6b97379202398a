"""The look for what tests leave running finds it, and ends it."""

from __future__ import annotations

import subprocess
import sys

from tests.house.tree import ROOT

LEAVE_ONE = """
import subprocess
from tests.leftovers import end_all, find_running, mark
mark()
subprocess.run(["sh", "-c", "sleep 300 >/dev/null 2>&1 &"], check=True)
while [command.split()[0] for command in find_running().values()] != ["sleep"]:
    pass  # it is still the shell that becomes it
print(end_all(0), find_running())
"""


def test_what_a_child_has_left_running_is_found_and_ended() -> None:
    said = subprocess.run([sys.executable, "-c", LEAVE_ONE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout == "['sleep 300 '] {}\n"
