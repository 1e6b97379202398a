"""Ports below 1024 for a program that is not root: which way it may use them now, and that it may afterwards."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from fazt.apps.upgrade.engine.running import run_program
from fazt.core.errors import Forbidden, Unavailable

RIGHT = "cap_net_bind_service=+eip"
NAME = "cap_net_bind_service"
TIMEOUT_S = 30.0
FOLDERS = "/usr/sbin:/sbin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Ports:
    """What the service needs: whether systemd gives it the right, whether it is root, which ports it uses."""

    has_ambient: bool = False
    is_root: bool = False
    ports: tuple[int, ...] = ()


def find_tool(name: str) -> str | None:
    """A program of Debian's libcap2-bin; it lies where not every user's PATH reaches."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:{FOLDERS}")


def has_right(program: Path) -> bool:
    """Whether this very file carries the right. Raises Unavailable where getcap says what nobody understands."""
    getcap = find_tool("getcap")
    if getcap is None:
        return "security.capability" in os.listxattr(program, follow_symlinks=True)
    said = run_program([getcap, str(program.resolve())], timeout_s=TIMEOUT_S).stdout
    return NAME in said


def needs_right(program: Path, ports: Ports) -> bool:
    """Whether the next version has to carry it: the one before it does, or nothing else would give it."""
    if ports.has_ambient:
        return False
    return has_right(program) or (not ports.is_root and any(0 < port < 1024 for port in ports.ports))


def give_right(program: Path) -> None:
    """Give it, to the real file, and look whether it is there. Raises Forbidden and Unavailable, with the command."""
    real = program.resolve()
    hint = f"sudo setcap {RIGHT} {real}"
    if os.geteuid() != 0:
        raise Forbidden("Only root can let the new version use ports below 1024.", hint=f"Run it with sudo, or: {hint}")
    setcap = find_tool("setcap")
    if setcap is None:
        raise Unavailable("setcap is not installed here.", hint=f"Install libcap2-bin. The command is: {hint}")
    run_program([setcap, RIGHT, str(real)], timeout_s=TIMEOUT_S)
    if not has_right(real):
        raise Unavailable(f"{real} did not get the right to use ports below 1024.", hint=f"The command is: {hint}")
