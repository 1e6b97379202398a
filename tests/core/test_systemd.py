"""fazt as a service: the unit, judged by systemd's own tools, and the commands in their order.

What talks to systemd finds a stand-in here that writes down how it was called; a real one: tests/e2e/test_systemd.py.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fazt.apps.home.cli import systemd as commands
from fazt.cli import cli, start_offline
from fazt.core.client import Target
from fazt.core.errors import Forbidden
from fazt.core.instance import check_owner
from fazt.core.systemd import (
    Service,
    find_place,
    find_unit,
    find_unreadable,
    find_variables,
    notify,
    quote,
    render_options,
    render_unit,
    through_current,
)
from tests.program import running_program

STAND_INS = ("systemctl", "useradd", "runuser", "install", "journalctl", "systemd-analyze")


def write_unit(folder: Path, service: Service) -> Path:
    """The unit as a file, for a user that is there and with variables beside it."""
    options = folder / "fazt.env"
    options.write_text(render_options(service))
    path = folder / "fazt.service"
    path.write_text(render_unit(service).replace("/etc/fazt/fazt.env", str(options)))
    return path


@pytest.mark.parametrize(
    "service",
    [
        Service(("/bin/true",), "example.com", listen="0.0.0.0:80", https_listen="0.0.0.0:443", user="root"),
        Service(("/bin/true", "with blank", "100%", "$HOME"), data=Path("/srv/my cloud/data.db"), user="root"),
    ],
)
def test_systemd_finds_nothing_to_say_against_the_unit(tmp_path: Path, service: Service) -> None:
    command = ["systemd-analyze", "verify", "--man=no", str(write_unit(tmp_path, service))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if "fazt" in line]
    assert (done.returncode, said) == (0, [])


def test_the_service_is_fenced_in(tmp_path: Path) -> None:
    path = write_unit(tmp_path, Service(("/bin/true",)))
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for fazt.service: ([\d.]+) (\w+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= 2.0, done.stdout


def test_variables_are_read_as_they_were_meant() -> None:
    text = render_options(Service(("/bin/true",), "example.com", Path("/srv/it's mine/data.db"), "0.0.0.0:80"))
    read = dict(shlex.split(line)[0].split("=", 1) for line in text.splitlines() if not line.startswith("#"))
    assert read == {
        "FAZT_DATA": "/srv/it's mine/data.db",
        "FAZT_DOMAIN": "example.com",
        "FAZT_LISTEN": "0.0.0.0:80",
    }
    assert quote("/a b/100%") == '"/a b/100%%"'
    assert quote("plain") == "plain"


def test_data_elsewhere_may_be_written_and_a_home_is_not_seen() -> None:
    assert "ReadWritePaths=/srv/cloud\n" in render_unit(Service(("/usr/bin/fazt",), data=Path("/srv/cloud/data.db")))
    unit = render_unit(Service(("/usr/bin/fazt",)))
    assert "StateDirectory=fazt\n" in unit
    assert "ProtectHome=yes\n" in unit


def test_an_upgrade_needs_no_new_unit(tmp_path: Path) -> None:
    program = tmp_path / "versions/1.2.0/bin/fazt"
    program.parent.mkdir(parents=True)
    program.touch()
    assert through_current(program) == program, "nothing says which version is current"
    (tmp_path / "current").symlink_to("versions/1.2.0")
    assert through_current(program) == tmp_path / "current/bin/fazt"


def test_a_program_that_only_root_can_reach_is_found(tmp_path: Path) -> None:
    program = tmp_path / "closed/fazt"
    program.parent.mkdir(mode=0o700)
    program.touch(0o755)
    assert find_unreadable(program) in {program.parent, *tmp_path.parents, tmp_path}


def test_systemd_is_told_when_the_program_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notify"
    assert not notify("READY=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(path))
        told.settimeout(30)
        with running_program(tmp_path, NOTIFY_SOCKET=str(path)) as program:
            assert told.recv(100) == b"READY=1"
            assert program.stop() == 0
            assert told.recv(100) == b"STOPPING=1"
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    assert not notify("READY=1")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The service of this very Python, with its data in the folder."""
    wanted = Service((sys.executable, "-m", "fazt"), "example.com", tmp_path / "data" / "data.db")
    (tmp_path / "fazt.service").write_text(render_unit(wanted))
    (tmp_path / "fazt.env").write_text(render_options(wanted))
    for name, path in {"BOOTED": "", "UNIT_FILE": "fazt.service", "OPTIONS_FILE": "fazt.env"}.items():
        monkeypatch.setattr(f"fazt.core.systemd.{name}", tmp_path / path)
    for name in ("FAZT_DATA", "FAZT_DATABASE_URL", "FAZT_DOMAIN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_commands_work_on_the_data_of_the_service_that_runs_them(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Target(start_offline)
    assert (target.config.data, target.config.domain) == (installed / "data" / "data.db", "example.com")
    target.data = str(installed / "other.db")
    assert (target.config.data.name, target.config.domain) == ("other.db", "localhost")
    monkeypatch.setenv("FAZT_DATA", str(installed / "mine.db"))
    assert Target(start_offline).config.data.name == "mine.db"
    monkeypatch.delenv("FAZT_DATA")
    unit = installed / "fazt.service"
    unit.write_text(unit.read_text().replace(sys.executable, "/usr/bin/env"))
    assert find_variables() == {}, "another fazt's service"


def test_a_release_knows_its_service_through_links(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = installed / "root/versions/1.2.0/fazt"
    program.parent.mkdir(parents=True)
    program.touch()
    (installed / "root/current").symlink_to("versions/1.2.0")
    (installed / "fazt").symlink_to(installed / "root/current/fazt")
    package = installed / "root/versions/1.3.0/_internal/fazt/__init__.py"
    assert find_place(package) == installed / "root"
    monkeypatch.setattr("fazt.__file__", str(package))
    (installed / "fazt.service").write_text(render_unit(Service((str(installed / "fazt"),))))
    assert find_unit()


def test_root_leaves_nothing_beside_the_file_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data.db"
    data.touch()
    check_owner(data)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(
        "pathlib.Path.stat", lambda *_a, **_b: os.stat_result((0o100600, 1, 1, 1, 65_534, 65_534, *[0] * 4))
    )
    with pytest.raises(Forbidden) as refused:
        check_owner(data)
    assert "sudo -u nobody fazt" in refused.value.hint


# --- the commands


class Booted:
    """A machine that would run systemd, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls = folder / "calls"
        self.unit = folder / "fazt.service"
        self.options = folder / "etc/fazt.env"
        self.program = Path("/usr/bin/true")

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(cli, ["service", *words], catch_exceptions=False)

    def called(self) -> list[str]:
        """What was called since the last time."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.write_text("")
        return lines


@pytest.fixture
def booted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Booted:
    machine = Booted(tmp_path)
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in STAND_INS:
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {machine.calls}\n[ "$1" != is-active ] || echo active\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(commands, "BOOTED", tmp_path)
    monkeypatch.setattr(commands, "UNIT_FILE", machine.unit)
    monkeypatch.setattr(commands, "OPTIONS_FILE", machine.options)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return machine


def test_install_does_everything_in_order(booted: Booted) -> None:
    words = ("--domain", "Example.COM", "--email", "me@example.com", "--https", "--program", "/usr/bin/true")
    done = booted.run("install", *words, "--user", "fazt-none")
    assert done.exit_code == 0, done.output
    assert [line.partition(" --")[0] for line in booted.called()] == [
        "useradd",
        "install -d -m 0700 -o fazt-none -g fazt-none /var/lib/fazt",
        f"systemd-analyze verify {booted.unit}",
        "systemctl stop fazt",
        "runuser -u fazt-none",
        "systemctl daemon-reload",
        "systemctl enable fazt",
        "systemctl restart fazt",
        "systemd-analyze security",
        "journalctl -u fazt -o cat -n 50",
    ]
    assert "FAZT_HTTPS_LISTEN=0.0.0.0:443" in booted.options.read_text()
    assert "FAZT_DOMAIN=example.com" in booted.options.read_text()
    assert "ExecStart=/usr/bin/true serve\n" in booted.unit.read_text()
    assert "https://example.com" in done.output


def test_a_command_that_fails_ends_the_install_with_what_it_said(booted: Booted) -> None:
    (booted.folder / "bin/useradd").write_text("#!/bin/sh\necho no room >&2\nexit 12\n")
    done = booted.run("install", "--program", "/usr/bin/true", "--user", "fazt-none")
    assert done.exit_code == 7
    assert "no room" in done.output
    assert not booted.unit.exists()


def test_start_stop_status_and_uninstall(booted: Booted) -> None:
    assert booted.run("start").exit_code == 4, "it is not installed"
    assert booted.run("status").exit_code == 1
    assert booted.run("install", "--program", "/usr/bin/true", "--user", "root").exit_code == 0
    booted.called()
    for word in ("start", "stop", "restart"):
        assert booted.run(word).exit_code == 0
    assert booted.called() == ["systemctl start fazt", "systemctl stop fazt", "systemctl restart fazt"]
    found = json.loads(booted.run("status", "--json").output)
    assert (found["installed"], found["state"]) == (True, "active")
    booted.called()
    assert booted.run("uninstall", "--yes").exit_code == 0
    assert booted.called() == ["systemctl disable --now fazt", "systemctl daemon-reload"]
    assert not booted.unit.exists()
    assert not booted.options.exists()


def test_a_dry_run_changes_nothing(booted: Booted) -> None:
    done = booted.run("install", "--domain", "example.com", "--https", "--dry-run", "--program", "/usr/bin/true")
    assert done.exit_code == 0
    assert "run    systemctl restart fazt" in done.output
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in done.output
    assert booted.called() == []
    assert not booted.unit.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--data", str(Path("/home") / "ann/data.db")), "in somebody's home"),
        (("--program", "/nowhere/fazt"), "There is no /nowhere/fazt"),
        (("--domain", "a b"), "not a host name"),
        (("--listen", "80"), "not HOST:PORT"),
    ],
)
def test_what_could_not_work_is_refused(booted: Booted, words: tuple[str, ...], says: str) -> None:
    given = ("install", "--program", "/usr/bin/true", *words)
    done = booted.run(*given)
    assert done.exit_code in {2, 4}
    assert says in done.output
    assert booted.called() == []


def test_without_systemd_or_root_it_says_so(booted: Booted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    refused = booted.run("install", "--program", "/usr/bin/true")
    assert (refused.exit_code, "sudo" in refused.output) == (3, True)
    monkeypatch.setattr(commands, "BOOTED", booted.folder / "nowhere")
    refused = booted.run("install", "--program", "/usr/bin/true")
    assert (refused.exit_code, "does not run systemd" in refused.output) == (7, True)
