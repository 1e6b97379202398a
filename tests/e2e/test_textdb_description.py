"""schemathesis takes /db at its word: what the OpenAPI description says is asked, and every answer has to be in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import LONG
from tests.program import Program

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = 600 if LONG else 6


@pytest.mark.slow
@pytest.mark.timeout(1_800 if LONG else 120)
def test_every_answer_is_in_the_description(program: Program) -> None:
    token = program.run("token", "create", "st", "--scope", "textdb:rw").stdout.strip()
    command = [str(Path(sys.executable).parent / "st"), "run", f"{program.url}/db/_openapi.json"]
    command += ["--header", f"Authorization: Bearer {token}", "--checks", CHECKS, "--max-examples", str(EXAMPLES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=program.data.parent)
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr
    assert "Tested: 15" in done.stdout
