"""A machine with a release of fazt on it: the tree, data, a service without systemd, and a server of releases."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Self

import httpx

from tests.apps.upgrade import kill_at, service
from tests.apps.upgrade.trees import make_tree
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, free_port, wait_until

OLD, NEW = "0.1.0", "0.9.0"
READY_S = 60.0


class Scene:
    """`with` it, the service is stopped at the end."""

    def __init__(self, folder: Path, template: Path, releases_url: str, *, wait_s: int = 20) -> None:
        self.folder, self.wait_s = folder, wait_s
        self.root, self.data = folder / "root", folder / "data" / "data.db"
        self.template, self.releases_url = template, releases_url
        self.port = free_port()
        self.writes = 0

    def set(self) -> None:
        """The old version in place, and data of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.data.parent.mkdir(parents=True)
        self.install()
        shutil.copy(self.template, self.data)
        with closing(sqlite3.connect(self.data)) as conn, conn:
            conn.execute(
                "INSERT INTO core_setting VALUES ('upgrade.releases_url', ?, 1)", (json.dumps(self.releases_url),)
            )
        (self.folder / "port").write_text(str(self.port))
        self.writes = 0

    def install(self) -> None:
        """The old version, as somebody would have put it there."""
        make_tree(self.root, OLD)
        (self.root / "current").symlink_to(f"versions/{OLD}")

    def __enter__(self) -> Self:
        self.set()
        return self

    def __exit__(self, *_error: object) -> None:
        service.stop(self.folder)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """What the service has said."""
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def start(self) -> None:
        """Start the service, and wait until it serves."""
        subprocess.run([sys.executable, service.__file__, "start", str(self.folder)], check=True)
        wait_until(self.version, READY_S, "the service")

    def stop(self) -> None:
        """Stop it."""
        service.stop(self.folder)

    def version(self) -> str:
        """The version that serves, or nothing."""
        with suppress(httpx.HTTPError):
            found = httpx.get(f"{self.url}/health", timeout=10, trust_env=False)
            if found.status_code == 200:
                return str(found.json()["version"])
        return ""

    def in_place(self) -> str:
        """The version that the next start would run."""
        return (self.root / "current").readlink().name

    def write(self) -> None:
        """One write more, acknowledged."""
        with self.owner() as client:
            client.put(f"/db/notes/n{self.writes}", json={"n": self.writes}).raise_for_status()
        self.writes += 1

    def owner(self) -> httpx.Client:
        """The owner."""
        return httpx.Client(base_url=self.url, auth=(OWNER_EMAIL, OWNER_PASSWORD), timeout=30, trust_env=False)

    def check_data(self) -> None:
        """Whole, with all that was acknowledged."""
        with self.owner() as client:
            found = client.get("/db/notes?_limit=1000")
            found.raise_for_status()
            assert {row["n"] for row in found.json()} == set(range(self.writes))
        with closing(sqlite3.connect(f"{self.data.as_uri()}?mode=ro", uri=True)) as conn:
            assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    def journal(self) -> dict[str, Any]:
        """What stands in it."""
        found: dict[str, Any] = json.loads((self.root / "upgrade.json").read_text())
        return found

    def command(self, *arguments: str) -> list[str]:
        """The words of `upgrade`, with how to stop and start the service."""
        own = f"{sys.executable} {service.__file__}"
        return [
            "upgrade",
            *arguments,
            "--anyway",
            f"--wait={self.wait_s}",
            f"--stop-command={own} stop {self.folder}",
            f"--start-command={own} start {self.folder}",
        ]

    def environ(self) -> dict[str, str]:
        """Of commands."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FAZT_", "PYTHON"))}
        return {**kept, "FAZT_DATA": str(self.data), "KILL_FOLDER": str(self.folder)}

    def upgrade(self, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """`fazt upgrade`, of what is in place."""
        program = str(self.root / "current" / "fazt")
        return subprocess.run(
            [*prefix, program, *self.command(*arguments)],
            env=self.environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def upgrade_killed(self, when: int | str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The same, killed at a step (0: at none), or after a state was noted."""
        tree = (self.root / "current").resolve()
        return subprocess.run(
            [sys.executable, kill_at.__file__, str(when), str(tree), *self.command(*arguments)],
            env=self.environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


KILLED = -signal.SIGKILL
