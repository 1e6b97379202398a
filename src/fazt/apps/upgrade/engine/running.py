"""Other programs: run to their end, with an environment that is not that of this program's own libraries."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fazt.core.errors import Unavailable

OWN = ("_PYI_", "PYTHON", "LD_LIBRARY_PATH", "FAZT_TOKEN", "FAZT_SERVER")
"""What must not reach other versions of the program: where this one's libraries are, and secrets."""

SHOWN_CHARACTERS = 600


@dataclass(frozen=True, slots=True)
class User:
    """As whom something is done."""

    uid: int
    gid: int

    @property
    def is_me(self) -> bool:
        """Whether nothing has to change for it."""
        return (self.uid, self.gid) == (os.geteuid(), os.getegid()) or os.geteuid() != 0


def clean_environ(**more: str) -> dict[str, str]:
    """The environment without what is this program's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
    if "LD_LIBRARY_PATH_ORIG" in os.environ:
        kept["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH_ORIG"]
    return {**kept, **more}


def run_program(
    command: Sequence[str],
    *,
    timeout_s: float,
    user: User | None = None,
    environ: Mapping[str, str] | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """A program to its end, in a folder of nobody's. Raises Unavailable with what it said where it fails or hangs."""
    as_user = {} if user is None or user.is_me else {"user": user.uid, "group": user.gid, "extra_groups": []}
    name = " ".join(command[:3])
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd="/",
            timeout=timeout_s,
            env=clean_environ() if environ is None else dict(environ),
            **as_user,  # type: ignore[call-overload] # subprocess wants them one by one
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"`{name}` has not ended in {timeout_s:.0f} s.") from error
    except OSError as error:
        raise Unavailable(f"`{name}` cannot be run: {error.strerror}.") from error
    if check and done.returncode:
        said = (done.stderr or done.stdout).strip()[-SHOWN_CHARACTERS:]
        raise Unavailable(f"`{name}` failed: {said or f'it ended with {done.returncode}'}")
    return done
