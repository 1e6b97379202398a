"""Joplin's terminal app as a device: a profile of its own, commands, and what is in it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from tests.program import OWNER_PASSWORD, Program

E2E = Path(__file__).parent
VERSIONS = ("3.5", "3.6")
TIMEOUT_S = 110


def find_app(version: str) -> Path:
    """The program of one version, which tools/prepare.py has installed."""
    path = E2E / f"joplin-{version}" / "node_modules" / ".bin" / "joplin"
    assert path.exists(), f"Joplin {version} is not installed: make prepare-test"
    return path


class Device:
    """One profile of the terminal app."""

    def __init__(self, folder: Path, name: str, version: str = "3.6") -> None:
        self.app = find_app(version)
        self.profile = folder / name
        self.profile.mkdir(parents=True, exist_ok=True)
        self.said = ""

    def run(self, *commands: list[str] | tuple[str, ...], check: bool = True) -> str:
        """Many commands in one process, each a list of words; what they said."""
        done = self.begin(*commands)
        out, _ = done.communicate(timeout=TIMEOUT_S)
        self.said = out
        assert not check or (done.returncode == 0 and "Last error" not in out), f"{commands}: {out}\n{self.log[-3000:]}"
        return out

    def begin(self, *commands: list[str] | tuple[str, ...]) -> subprocess.Popen[str]:
        """As `run`, under way."""
        script = self.profile / "commands.txt"
        script.write_text("".join(" ".join(map(quote, words)) + "\n" for words in commands))
        return self.start("batch", str(script))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """One command, under way."""
        command = [str(self.app), "--profile", str(self.profile), *words]
        env = {**os.environ, "NODE_OPTIONS": "--no-deprecation", "NODE_NO_WARNINGS": "1", "HOME": str(self.profile)}
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env
        )

    def sync(self, *before: list[str], check: bool = True) -> str:
        """Commands, then a synchronisation, in one process."""
        return self.run(*before, ["sync"], check=check)

    @property
    def log(self) -> str:
        """What the app wrote into its log."""
        path = self.profile / "log.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Look into the app's own database."""
        with closing(sqlite3.connect(self.profile / "database.sqlite")) as conn:
            return conn.execute(sql, values).fetchall()

    def change(self, sql: str, *values: Any) -> None:
        """Write into the app's own database, while it does not run."""
        with closing(sqlite3.connect(self.profile / "database.sqlite")) as conn, conn:
            conn.execute(sql, values)

    def write_over(self, title: str, body: str) -> None:
        """Change a note behind the app's back, as an editor without the app's limits would."""
        now = int(time.time() * 1000)
        self.change(
            "UPDATE notes SET body = ?, updated_time = ?, user_updated_time = ? WHERE title = ?", body, now, now, title
        )

    def notes(self) -> dict[str, tuple[str, str]]:
        """Title and (parent's title, body) of the notes that are not in the trash."""
        rows = self.query(
            "SELECT n.title, coalesce(f.title, ''), n.body FROM notes n LEFT JOIN folders f ON f.id = n.parent_id "
            "WHERE n.deleted_time = 0 AND n.is_conflict = 0"
        )
        return {title: (parent, body) for title, parent, body in rows}

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that devices must agree on."""
        return {
            "notes": self.query(
                "SELECT id, parent_id, title, body, deleted_time FROM notes WHERE NOT is_conflict ORDER BY id"
            ),
            "folders": self.query("SELECT id, parent_id, title, deleted_time FROM folders ORDER BY id"),
            "tags": self.query("SELECT id, title FROM tags ORDER BY id"),
            "note_tags": self.query("SELECT note_id, tag_id FROM note_tags ORDER BY note_id, tag_id"),
            "resources": self.query("SELECT id, title, size FROM resources ORDER BY id"),
        }

    def resource(self, id: str) -> bytes:
        """The bytes of an attachment."""
        (path,) = (one for one in (self.profile / "resources").glob(f"{id}*") if one.suffix != ".crypted")
        return path.read_bytes()


def quote(word: str) -> str:
    """A word as a batch file of the app takes it."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' if word == "" or not word.isalnum() else word


class Person:
    """Somebody with an account, as apps and the API know them."""

    def __init__(self, email: str) -> None:
        self.email = email
        self.password = OWNER_PASSWORD

    @classmethod
    def create(cls, cloud: Program, name: str) -> Person:
        """A new member."""
        made = cls(f"{name}@example.org")
        with cloud.owner() as owner:
            body = {"email": made.email, "password": made.password, "name": name}
            owner.post("/api/v1/users", json=body).raise_for_status()
        return made

    def settings(self, cloud: Program) -> list[list[str]]:
        """The commands that name the server to an app."""
        values = {"target": "9", "9.path": f"{cloud.url}/joplin", "9.username": self.email, "9.password": self.password}
        config = [["config", f"sync.{name}", value] for name, value in {**values, "interval": "0"}.items()]
        return [["config", "trackLocation", "false"], *config]

    def script(self, cloud: Program) -> list[str]:
        """The same as lines of a batch file."""
        return [" ".join(map(quote, words)) for words in self.settings(cloud)]

    def session(self, cloud: Program) -> httpx.Client:
        """A client of the API that is logged in."""
        url = f"{cloud.url}/joplin/api/"
        body = {"email": self.email, "password": self.password, "platform": 2, "type": 1, "version": "3.6.2"}
        answer = httpx.post(f"{url}sessions", json=body)
        assert answer.status_code == 200, answer.text
        return httpx.Client(base_url=url, headers={"x-api-auth": answer.json()["id"]}, timeout=60)
