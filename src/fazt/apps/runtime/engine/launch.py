"""How a function's process is started: Deno with the rights it has, behind the second wall."""

from __future__ import annotations

import asyncio
import marshal
import os
import shutil
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from fazt.core.errors import Unavailable

WALL = Path(__file__).parent / "wall.py"
RESERVED_DATA_MB = 704
"""What V8 and its threads set aside without using it, which the limit on data counts all the same."""

SYSTEM_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/host.conf")
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/nix/store")
DEVICES = ("/dev/urandom", "/dev/random", "/etc/localtime")


@cache
def find_deno() -> str:
    """Where Deno is: beside this program, from PyPI's `deno`, or on the PATH. Raises Unavailable."""
    beside = Path(sys.executable).parent / "deno"
    if beside.is_file():
        return str(beside.resolve())
    try:
        from deno import find_deno_bin  # noqa: PLC0415

        return str(Path(find_deno_bin()).resolve())
    except (ImportError, FileNotFoundError):
        found = shutil.which("deno")
    if found is None:
        raise Unavailable("Functions need Deno, which is not installed here.", hint="`pip install deno` brings it.")
    return str(Path(found).resolve())


def build_command(deno: str, boot: Path, home: Path, folder: Path, memory_mb: int, denied: Iterable[str]) -> list[str]:
    """Deno's own wall: the code may read itself, and reach the outside; nothing else."""
    doors = f"{home}/s.sock,{home}/b.sock"
    return [
        deno,
        "run",
        "--quiet",
        "--no-prompt",
        "--no-remote",
        "--no-npm",
        "--no-config",
        "--no-lock",
        "--no-code-cache",
        f"--v8-flags=--max-old-space-size={memory_mb}",
        "--ignore-env",
        "--allow-net",
        f"--deny-net={','.join(denied)}",
        f"--allow-read={folder},{doors}",
        f"--allow-write={doors}",
        str(boot),
        str(home),
        str(folder),
    ]


def build_order(command: list[str], boot: Path, home: Path, folder: Path, memory_mb: int) -> dict[str, Any]:
    """What the second wall is told (see wall.py)."""
    data = (RESERVED_DATA_MB + 4 * memory_mb) << 20
    resolver = os.path.realpath("/etc/resolv.conf")
    return {
        "parent": os.getpid(),
        "limits": {"CORE": 0, "NOFILE": 512, "FSIZE": 0, "DATA": data, "MEMLOCK": 0},
        "nice": 5,
        "landlock": True,
        "read": [str(boot.parent), str(folder), *LIBRARIES, *SYSTEM_FILES, resolver, *DEVICES],
        "execute": [command[0], *(path for path in LIBRARIES if path != "/usr/lib")],
        "sockets": str(home),
        "folder": str(home),
        "command": command,
        "environment": {"DENO_DIR": f"{home}/cache", "NO_COLOR": "1", "DENO_NO_UPDATE_CHECK": "1"},
    }


async def spawn(order: dict[str, Any]) -> asyncio.subprocess.Process:
    """Start the wall, which becomes the process."""
    told = marshal.dumps(order).hex()
    own = (
        [sys.executable, "functions", "wall"]
        if getattr(sys, "frozen", False)
        else [sys.executable, "-I", "-S", str(WALL)]
    )
    return await asyncio.create_subprocess_exec(
        *own,
        told,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        env={},
    )
