"""fazt as a service of systemd: its unit, its files, the commands that bring it there, and how it is found again."""

from __future__ import annotations

import os
import shlex
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import fazt

NAME = "fazt"
UNIT_FILE = Path("/etc/systemd/system/fazt.service")
OPTIONS_FILE = Path("/etc/fazt/fazt.env")
BOOTED = Path("/run/systemd/system")
HOME = Path("/var/lib/fazt")
USER = "fazt"

UNIT = """\
# Written by `fazt service install`; a later install writes it anew. Changes of your own: `systemctl edit fazt`.
[Unit]
Description=fazt, a personal cloud
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
User={user}
Group={user}
EnvironmentFile={options}
ExecStart={command}
Restart=always
RestartSec=2
TimeoutStartSec=300
TimeoutStopSec=30
KillMode=mixed
LimitNOFILE=65536
UMask=0077
{storage}

# Ports 80, 443, 25 without being root, and nothing else that root can do.
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes

ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
# Netlink tells the relay of calls the addresses of this machine.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
# No MemoryDenyWriteExecute: JavaScript is compiled while it runs.
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class Service:
    """What is to be installed. `program` is the command as words, e.g. `/opt/fazt/current/fazt`."""

    program: tuple[str, ...]
    domain: str = "localhost"
    data: Path = HOME / "data.db"
    listen: str = "127.0.0.1:4698"
    https_listen: str = ""
    user: str = USER


def render_unit(service: Service) -> str:
    """The text of the unit."""
    folder = service.data.parent
    storage = "StateDirectory=fazt\nStateDirectoryMode=0700" if folder == HOME else f"ReadWritePaths={quote(folder)}"
    return UNIT.format(
        user=service.user,
        options=OPTIONS_FILE,
        command=" ".join(quote(word) for word in (*service.program, "serve")),
        storage=storage,
    )


def render_options(service: Service) -> str:
    """The text of the file with the service's variables."""
    variables = {
        "FAZT_DATA": str(service.data),
        "FAZT_DOMAIN": service.domain,
        "FAZT_LISTEN": service.listen,
        "FAZT_HTTPS_LISTEN": service.https_listen,
    }
    lines = [f"{name}={shlex.quote(value)}" for name, value in variables.items() if value]
    return "# Variables of the service; `fazt serve --help` lists them. Take effect at the next start.\n" + "\n".join(
        [*lines, ""]
    )


def quote(word: str | Path) -> str:
    """A word of a unit: specifiers and variables are not for paths, blanks need quotes (systemd.syntax(7))."""
    text = str(word).replace("%", "%%").replace("$", "$$").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"' if any(letter.isspace() or letter in "\"'\\;" for letter in text) else text


def is_below_home(path: Path) -> bool:
    """Whether ProtectHome=yes would hide it."""
    return any(path.is_relative_to(home) for home in ("/home", "/root", "/run/user"))


def find_unreadable(program: Path) -> Path | None:
    """The first folder on the way to a program (or itself) that other users may not pass, e.g. /root."""
    for step in [*reversed(program.parents), program]:
        if not step.stat().st_mode & 0o001:
            return step
    return None


def through_current(program: Path) -> Path:
    """`/opt/fazt/current/fazt` for `/opt/fazt/versions/1.2.0/fazt`, so that an upgrade needs no new unit."""
    for folder in program.parents:
        current = folder.parent.parent / "current"
        if folder.parent.name == "versions" and current.is_symlink():
            return current / program.relative_to(folder)
    return program


def read_options(text: str) -> dict[str, str]:
    """The variables of an EnvironmentFile."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith(("#", ";")):
            with suppress(ValueError):
                found[name] = "".join(shlex.split(value))
    return found


def find_place(package: Path | None = None) -> Path:
    """Where this program is installed: the folder of all its versions, or its Python environment."""
    for folder in (package or Path(fazt.__file__)).absolute().parents:
        if folder.parent.name == "versions" and (folder.parent.parent / "current").is_symlink():
            return folder.parent.parent
    return Path(sys.prefix)


def find_unit() -> str:
    """The text of the unit that runs this very program, or another version in its place; empty where there is none."""
    if not BOOTED.exists() or not UNIT_FILE.exists():
        return ""
    text, place = UNIT_FILE.read_text(), find_place().resolve()
    starts = [line.partition("=")[2].strip() for line in text.splitlines() if line.startswith("ExecStart=")]
    programs = [Path(shlex.split(line)[0]) for line in starts if line]
    return text if any(real_program(path).is_relative_to(place) for path in programs) else ""


def real_program(path: Path) -> Path:
    """The file behind links; but the `python` of an environment is the link, which leads out of it."""
    return path.parent.resolve() / path.name if path.name.startswith("python") else path.resolve()


def find_variables() -> dict[str, str]:
    """The variables of the service that runs this program; empty where none does, or they are a secret."""
    with suppress(OSError):
        return read_options(OPTIONS_FILE.read_text()) if find_unit() else {}
    return {}


def notify(state: str) -> bool:
    """Tell systemd, where it has started us, e.g. `READY=1` (sd_notify(3)); whether it was told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.connect("\0" + address[1:] if address.startswith("@") else address)
        told.sendall(state.encode())
        return True
    return False
