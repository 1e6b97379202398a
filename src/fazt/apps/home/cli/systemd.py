"""`fazt service`: fazt as a service of systemd."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from fazt.core.client import show, wants_json
from fazt.core.config import parse_address, parse_domain
from fazt.core.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from fazt.core.systemd import (
    BOOTED,
    HOME,
    NAME,
    OPTIONS_FILE,
    UNIT_FILE,
    USER,
    Service,
    find_unreadable,
    is_below_home,
    read_options,
    render_options,
    render_unit,
    through_current,
)

SETUP_MARK = "Set it up here"


@dataclass(slots=True)
class Machine:
    """The machine to change; a dry one only says what it would do."""

    dry: bool = False

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command to its end. Raises Unavailable with what it said where it fails."""
        if self.dry:
            click.echo(f"run    {' '.join(command)}")
            return subprocess.CompletedProcess(command, 0, "", "")
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError as error:
            raise Unavailable(f"{command[0]} is not installed here.") from error
        if check and done.returncode:
            raise Unavailable(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()}")
        return done

    def write(self, path: Path, text: str, mode: int) -> None:
        """A file, whole or not at all."""
        if self.dry:
            click.echo(f"write  {path}\n" + "".join(f"       {line}\n" for line in text.splitlines()), nl=False)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(text)
        fresh.chmod(mode)
        fresh.replace(path)

    def check(self) -> None:
        """Raises Unavailable without systemd, Forbidden without root."""
        if self.dry:
            return
        if not BOOTED.exists():
            raise Unavailable(
                "This machine does not run systemd.",
                hint="In a container let its own manager run `fazt serve`; `--dry-run` shows the unit.",
            )
        if os.geteuid() != 0:
            raise Forbidden("Services are root's to install.", hint="Run it with sudo.")


def find_program() -> tuple[str, ...]:
    """The `fazt` that runs now, as words of a command that stays when it is upgraded."""
    if Path(sys.argv[0]).name == "__main__.py":
        return (sys.executable, "-m", "fazt")
    program = sys.executable if getattr(sys, "frozen", False) else shutil.which(sys.argv[0]) or sys.argv[0]
    return (str(through_current(Path(program).absolute())),)


@click.group()
def service() -> None:
    """Run fazt as a service of systemd: with the machine, as a user of its own, hardened.

    \b
    sudo fazt service install --domain example.com --email me@example.com --https
    """


@service.command()
@click.option("--domain", metavar="NAME", default="localhost", help="The domain of this cloud.")
@click.option("--email", metavar="ADDRESS", help="Where certificate authorities may write to.")
@click.option("--https", is_flag=True, help="Serve HTTPS at port 443, and HTTP at port 80.")
@click.option("--listen", metavar="HOST:PORT", help="Where to serve HTTP (default 127.0.0.1:4698; with --https :80).")
@click.option("--data", "data_path", metavar="PATH", default=str(HOME / "data.db"), help="Path of data.db.")
@click.option("--user", metavar="NAME", default=USER, help="The user it runs as; made where there is none.")
@click.option("--program", metavar="PATH", help="The fazt to run; by default this one.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def install(
    domain: str,
    email: str | None,
    https: bool,
    listen: str | None,
    data_path: str,
    user: str,
    program: str | None,
    dry_run: bool,
) -> None:
    """Install the service and start it; once more to change it. The data stays as it is.

    \b
    sudo fazt service install --domain example.com --email me@example.com --https
    fazt service install --domain example.com --https --dry-run
    """
    machine = Machine(dry_run)
    machine.check()
    wanted = Service(
        program=(str(Path(program).absolute()),) if program else find_program(),
        domain=parse_domain(domain),
        data=Path(data_path).absolute(),
        listen=str(parse_address(listen or (":80" if https else "127.0.0.1:4698"), "--listen")),
        https_listen="0.0.0.0:443" if https else "",
        user=user,
    )
    check_program(Path(wanted.program[0]))
    check_data(wanted.data)
    make_user(machine, user)
    make_folder(machine, wanted)
    machine.write(OPTIONS_FILE, render_options(wanted), 0o644)
    machine.write(UNIT_FILE, render_unit(wanted), 0o644)
    machine.run("systemd-analyze", "verify", str(UNIT_FILE))
    if email:
        choose_email(machine, wanted, email)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "enable", NAME)
    machine.run("systemctl", "restart", NAME)
    if not dry_run:
        report(machine, wanted)


def check_program(path: Path) -> None:
    """Raises NotFound, and Invalid for a program that other users cannot reach."""
    if not path.exists():
        raise NotFound(f"There is no {path}.", hint="--program says where fazt is.")
    for one in {path, path.resolve()}:
        if (hidden := find_unreadable(one)) is not None or is_below_home(one):
            raise Invalid(
                f"The service's user cannot run {one}: it lies in {hidden or 'somebody’s home'}.",
                hint="Put fazt where everybody may run it, such as /opt/fazt or /usr/local.",
            )


def check_data(data: Path) -> None:
    """Raises Invalid for data that the service could not see."""
    if is_below_home(data):
        raise Invalid(f"{data} lies in somebody's home, which services do not see.", hint="Take /var/lib/fazt/data.db.")


def make_user(machine: Machine, user: str) -> None:
    """The user of the service, without password or shell."""
    try:
        pwd.getpwnam(user)
    except KeyError:
        nologin = "/usr/sbin/nologin"
        machine.run(
            "useradd", "--system", "--user-group", "--home-dir", str(HOME), "--no-create-home", "--shell", nologin, user
        )


def make_folder(machine: Machine, wanted: Service) -> None:
    """The folder of the data, the user's alone; what is in it is left alone."""
    owner = ("-o", wanted.user, "-g", wanted.user)
    machine.run("install", "-d", "-m", "0700", *owner, str(wanted.data.parent))


def choose_email(machine: Machine, wanted: Service, email: str) -> None:
    """Put the address into the settings, as the user whose file it is; nothing may run on it meanwhile."""
    machine.run("systemctl", "stop", NAME, check=False)
    command = (*wanted.program, "--data", str(wanted.data), "settings", "set", "tls.email", email)
    machine.run("runuser", "-u", wanted.user, "--", *command)


def report(machine: Machine, wanted: Service) -> None:
    """Say where it is, how well it is fenced in, and how to become its owner."""
    name = "localhost" if wanted.domain == "localhost" else wanted.domain
    click.echo(f"fazt runs at {'https' if wanted.https_listen else 'http'}://{name}, on {wanted.data}.")
    fenced = machine.run("systemd-analyze", "security", "--no-pager", NAME, check=False).stdout.strip().splitlines()
    if fenced:
        click.echo(fenced[-1].lstrip("→ "))
    said = machine.run("journalctl", "-u", NAME, "-o", "cat", "-n", "50", "--no-pager", check=False).stdout
    links = [line for line in said.splitlines() if line.startswith(SETUP_MARK)]
    click.echo(links[-1] if links else "`fazt service logs` shows what it says.")


def control(*command: str) -> None:
    """A systemctl command. Raises Unavailable, Forbidden, NotFound where there is no service."""
    machine = Machine()
    machine.check()
    if not UNIT_FILE.exists():
        raise NotFound("fazt is not installed as a service.", hint="`fazt service install` does it.")
    machine.run("systemctl", *command, NAME)


@service.command()
def start() -> None:
    """Start it, and wait until it serves."""
    control("start")
    show({"ok": True}, lambda _: click.echo("It runs."))


@service.command()
def stop() -> None:
    """Stop it; requests under way are answered first."""
    control("stop")
    show({"ok": True}, lambda _: click.echo("It has stopped."))


@service.command()
def restart() -> None:
    """Stop it and start it again."""
    control("restart")
    show({"ok": True}, lambda _: click.echo("It runs again."))


@service.command()
def status() -> None:
    """Whether it is installed, starts with the machine, and runs; ends with 1 where it does not run."""
    machine = Machine()
    found = {"installed": UNIT_FILE.exists(), "enabled": False, "state": "not installed"}
    if BOOTED.exists() and found["installed"]:
        found["enabled"] = machine.run("systemctl", "is-enabled", NAME, check=False).stdout.strip() == "enabled"
        found["state"] = machine.run("systemctl", "is-active", NAME, check=False).stdout.strip()
    show(found, tell)
    if found["state"] != "active":
        raise SystemExit(1)


def tell(found: dict[str, object]) -> None:
    """The status in a sentence."""
    if not found["installed"]:
        click.echo("fazt is not installed as a service. `fazt service install` does it.")
        return
    begins = "starts with the machine" if found["enabled"] else "does not start with the machine"
    click.echo(f"fazt is {found['state']} and {begins}.")


@service.command()
@click.option("-f", "--follow", is_flag=True, help="Go on as more is written.")
@click.option("-n", "--lines", default=100, show_default=True, help="How many of the last lines.")
def logs(follow: bool, lines: int) -> None:
    """What it says."""
    journal = shutil.which("journalctl")
    if journal is None or wants_json():
        raise Unavailable("There is no journal here." if journal is None else "Logs are text; leave --json away.")
    words = [journal, "-u", NAME, "-n", str(lines), "-o", "short-iso", *(["-f"] if follow else ["--no-pager"])]
    os.execv(journal, words)  # noqa: S606 - so that ^C is its own


@service.command()
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def uninstall(dry_run: bool, yes: bool) -> None:
    """Stop it and take the service away. The data, the user and the program stay."""
    machine = Machine(dry_run)
    machine.check()
    if not UNIT_FILE.exists() and not dry_run:
        raise Conflict("fazt is not installed as a service.")
    if not (yes or dry_run):
        click.confirm("Stop fazt and take the service away?", abort=True)
    machine.run("systemctl", "disable", "--now", NAME)
    data = read_options(OPTIONS_FILE.read_text()).get("FAZT_DATA", HOME) if OPTIONS_FILE.exists() else HOME
    for path in (UNIT_FILE, OPTIONS_FILE):
        if dry_run:
            click.echo(f"remove {path}")
        else:
            path.unlink(missing_ok=True)
    machine.run("systemctl", "daemon-reload")
    if not dry_run:
        click.echo(f"The service is gone. The data stays: {data}.")
