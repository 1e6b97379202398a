"""A program of the owner's that changes the DNS, for providers that nothing else here knows."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from fazt.core.errors import Invalid
from fazt.core.tls.model.outcomes import Trouble

TIMEOUT_S = 180


class Script:
    """Called as `PROGRAM present|cleanup NAME. VALUE`, as lego's exec does; it ends with 0 where all went well."""

    def __init__(self, program: str) -> None:
        if not program or not os.access(program, os.X_OK):
            raise Invalid(
                f"{program or 'FAZT_DNS_SCRIPT'!r} is no program that can be run.",
                hint="FAZT_DNS_SCRIPT is the path of an executable file.",
            )
        self._program = str(Path(program).absolute())

    def put(self, name: str, value: str) -> None:
        """See Provider."""
        self._run("present", name, value)

    def remove(self, name: str, value: str) -> None:
        """See Provider."""
        self._run("cleanup", name, value)

    def _run(self, what: str, name: str, value: str) -> None:
        secrets_out = {key: text for key, text in os.environ.items() if key != "FAZT_OWNER_PASSWORD"}
        try:
            done = subprocess.run(
                [self._program, what, f"{name}.", value],
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
                env=secrets_out,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Trouble(f"The DNS script did not end well: {error}.") from error
        if done.returncode:
            raise Trouble(f"The DNS script ended with {done.returncode}: {done.stderr.strip()[-300:]}")
