"""A real PostgreSQL server, started for the tests in a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

SETTINGS = {
    "listen_addresses": "",
    "autovacuum": "off",  # it would go round hundreds of databases that live for a second
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
}


ROOM = 8 << 30
MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory: hundreds of databases of a thousand files each are made and removed in no time."""


def choose_place() -> Path | None:
    """In memory where there is room, else where temporary files go."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None


def find_program(name: str) -> str:
    """Debian keeps PostgreSQL's programs off the PATH."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name)
    assert found, f"{name} is missing: install Debian's package postgresql"
    return found


class Cluster:
    """`with Cluster() as cluster: url = cluster.create_database()`.

    PostgreSQL refuses root, so root steps down. The folder is not pytest's: another run of pytest takes the rights
    of other users away from those; and its path is short, as those of Unix sockets have to be.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="fazt-pg-", dir=choose_place()))
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self._numbers = count(1)
        self._maintenance: psycopg.Connection | None = None

    def __enter__(self) -> Self:
        if self.as_user:
            shutil.chown(self.folder, "postgres")
        data = self.folder / "data"
        self._run(find_program("initdb"), "-D", str(data), "-U", "fazt", "-A", "trust", "--no-sync", "--locale=C.UTF-8")
        options = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
        options += f" -k {self.folder}"
        log = str(self.folder / "log")
        self._run(find_program("pg_ctl"), "-D", str(data), "-l", log, "-o", options, "-w", "start")
        self._maintenance = psycopg.connect(self._url("postgres"), autocommit=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._maintenance is not None:
            self._maintenance.close()
        self._run(find_program("pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def _run(self, *command: str) -> None:
        done = subprocess.run([*self.as_user, *command], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"

    def _url(self, name: str) -> str:
        return f"postgresql://fazt@/{name}?host={self.folder}"

    def create_database(self, name: str = "", template: str = "template0") -> str:
        """A new database, empty or a copy of `template`; its URL."""
        name = name or f"test{next(self._numbers)}"
        assert self._maintenance is not None
        # A copy of files takes a third of the time of a copy of pages through the log; before 15 it was the only way.
        how = sql.SQL("STRATEGY file_copy" if self._maintenance.info.server_version >= 150_000 else "")
        order = sql.SQL("CREATE DATABASE {} TEMPLATE {} {}")
        self._maintenance.execute(order.format(sql.Identifier(name), sql.Identifier(template), how))
        return self._url(name)
