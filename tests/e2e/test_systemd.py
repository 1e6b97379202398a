"""The life of a service in a real systemd: installed, killed, upgraded, restored, taken away; its data is whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.apps.upgrade.trees import DIES, Release
from tests.program import OWNER_EMAIL, OWNER_PASSWORD, wait_until
from tests.systemd_box import PYTHON, Box

OLD, NEW, BROKEN = "0.1.0", "0.9.0", "0.9.1"
HOST = "cloud.example"
DATA = "/var/lib/fazt/data.db"
UNIT = "/etc/systemd/system/fazt.service"
BACK_S = 60.0
QUICK_CHECK = "import sqlite3; check = 'pragma quick_check';"


class Owner:
    """Somebody with a machine of their own, who does what the guide says."""

    def __init__(self, box: Box, releases: dict[str, Release]) -> None:
        self.box, self.releases = box, releases
        self.writes = 0

    def fazt(self, *words: str, code: int = 0) -> str:
        """A command in root's home; all that it said."""
        done = self.box.run("fazt", *words, check=False)
        assert done.returncode == code, f"{words}: {done.returncode} {done.stdout}{done.stderr}\n{self.journal()}"
        return done.stdout + done.stderr

    def curl(self, path: str, *words: str, check: bool = True) -> str:
        """A request to port 80, as a client elsewhere would make it."""
        command = ("curl", "-sS", "--fail-with-body", "--noproxy", "*", "--resolve", f"{HOST}:80:127.0.0.1")
        done = self.box.run(*command, *words, f"http://{HOST}{path}", check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout if done.returncode == 0 else ""

    def version(self) -> str:
        """The version that answers at port 80, or nothing."""
        said = self.curl("/health", check=False)
        return str(json.loads(said)["version"]) if said else ""

    def api(self, path: str, *words: str) -> Any:
        """A request of the owner's."""
        said = self.curl(path, "-u", f"{OWNER_EMAIL}:{OWNER_PASSWORD}", *words)
        return json.loads(said) if said else None

    def write(self) -> None:
        """One document more, acknowledged."""
        body = json.dumps({"n": self.writes})
        self.api(f"/db/notes/n{self.writes}", "-X", "PUT", "-H", "content-type: application/json", "-d", body)
        self.writes += 1

    def check(self, version: str) -> None:
        """That version serves all that was acknowledged, as the user of the service, on a file that is whole."""
        wait_until(lambda: self.version() == version, BACK_S, f"{version} at port 80")
        assert {row["n"] for row in self.api("/db/notes?_limit=1000")} == set(range(self.writes))
        assert self.box.run("stat", "-c", "%U", f"/proc/{self.main_pid()}").stdout == "fazt\n"
        assert self.box.run("find", "/var/lib/fazt", "!", "-user", "fazt").stdout == ""
        code = f"{QUICK_CHECK} print(sqlite3.connect('file:{DATA}?mode=ro', uri=True).execute(check).fetchone())"
        assert self.box.run(str(PYTHON), "-c", code).stdout.strip() == "('ok',)"

    def main_pid(self) -> str:
        """Its process, as systemd knows it."""
        return self.show("MainPID")

    def show(self, name: str) -> str:
        """What systemd says of the unit."""
        return self.box.run("systemctl", "show", "fazt", "--value", "-p", name).stdout.strip()

    def journal(self) -> str:
        """The end of the log."""
        return self.box.run("journalctl", "-u", "fazt", "-n", "30", "--no-pager", check=False).stdout

    def archive(self, version: str) -> str:
        """A release, as it was fetched."""
        return f"/srv/releases/release-{version}/{self.releases[version].archive.name}"


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[Owner]:
    """A machine with systemd, and releases on it."""
    folder, how = tmp_path / "releases", {"python": str(PYTHON)}
    releases = {
        OLD: Release(folder, OLD, **how),
        NEW: Release(folder, NEW, migrates=True, **how),
        BROKEN: Release(folder, BROKEN, migrates=True, trouble=DIES, **how),
    }
    with Box(tmp_path / "box", {"/srv/releases": folder}) as box:
        yield Owner(box, releases)


def unpack(owner: Owner) -> None:
    """As docs/guide/upgrade.md has it."""
    owner.box.run("mkdir", "/opt/fazt")
    owner.box.run("tar", "-xzf", owner.archive(OLD), "-C", "/opt/fazt")
    owner.box.run("ln", "-s", "/opt/fazt/current/fazt", "/usr/local/bin/fazt")


def install(owner: Owner) -> None:
    """One command; then the link that it prints makes the owner."""
    said = owner.fazt("service", "install", "--domain", HOST, "--email", "me@example.org", "--listen", ":80")
    found = re.search(r"Overall exposure level for fazt.service: ([\d.]+)", said)
    assert found is not None, said
    assert float(found[1]) <= 2.0
    token = said.rpartition("token=")[2].strip()
    fields = {"token": token, "email": OWNER_EMAIL, "name": "Me", "password": OWNER_PASSWORD, "again": OWNER_PASSWORD}
    words = [word for name, value in fields.items() for word in ("--data-urlencode", f"{name}={value}")]
    owner.curl("/setup", "-H", f"Origin: http://{HOST}", *words)
    owner.write()
    owner.check(OLD)
    assert "me@example.org" in owner.fazt("settings", "get", "tls.email")
    assert owner.show("NotifyAccess") == "main"
    assert "active and starts with the machine" in owner.fazt("service", "status")
    assert f"fazt serves {DATA}" in owner.fazt("service", "logs")


def is_killed_and_comes_back(owner: Owner) -> None:
    """As the kernel would do where memory is short."""
    before = owner.main_pid()
    owner.box.run("systemctl", "kill", "-s", "KILL", "fazt")
    wait_until(lambda: owner.main_pid() not in {"0", before}, BACK_S, "another process")
    owner.check(OLD)
    owner.write()


def is_stopped_and_started(owner: Owner) -> None:
    """Root's commands do not touch a file that is the service's."""
    owner.fazt("service", "stop")
    assert (owner.version(), owner.fazt("service", "status", code=1)) == (
        "",
        "fazt is inactive and starts with the machine.\n",
    )
    assert "sudo -u fazt fazt" in owner.fazt("settings", "get", "tls.email", code=3)
    said = owner.box.run("runuser", "-u", "fazt", "--", "fazt", "settings", "get", "tls.email").stdout
    assert "me@example.org" in said
    owner.fazt("service", "start")
    owner.check(OLD)


def is_upgraded(owner: Owner) -> None:
    """To a version that changes the form of the data, and no further: the next one does not start."""
    said = owner.fazt("upgrade", f"--from={owner.archive(NEW)}")
    assert f"fazt {NEW} is in place." in said
    owner.write()
    owner.check(NEW)
    said = owner.fazt("upgrade", "--wait=3", f"--from={owner.archive(BROKEN)}", code=7)
    assert f"fazt {NEW} is in place, as before" in said
    owner.check(NEW)
    states = [(run["new"], run["state"]) for run in owner.api("/api/v1/upgrade")["runs"]]
    assert states == [(BROKEN, "failed"), (NEW, "done")]


def is_restored(owner: Owner) -> None:
    """While it runs, in the same process; what came after the backup is gone."""
    before = owner.main_pid()
    owner.fazt("backup", "create")
    kept, pid = owner.writes, owner.main_pid()
    owner.write()
    assert "Restored from" in owner.fazt("backup", "restore", "latest", "--yes")
    owner.writes = kept
    owner.check(NEW)
    assert owner.main_pid() == before == pid


def is_taken_away(owner: Owner) -> None:
    """All but the data, the user and the program."""
    said = owner.fazt("service", "uninstall", "--yes")
    assert DATA in said
    assert owner.version() == ""
    assert owner.box.run("test", "-e", UNIT, check=False).returncode == 1
    assert owner.box.run("systemctl", "cat", "fazt", check=False).returncode == 1
    owner.box.run("test", "-s", DATA)
    assert owner.box.run("find", "/root", "-name", "data.db*").stdout == ""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_life_of_a_service(owner: Owner) -> None:
    unpack(owner)
    install(owner)
    is_killed_and_comes_back(owner)
    is_stopped_and_started(owner)
    is_upgraded(owner)
    is_restored(owner)
    is_taken_away(owner)
