"""The service: found, stopped, started, and asked how it is."""

from __future__ import annotations

import os
import shlex
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from fazt.apps.upgrade.engine.capability import Ports
from fazt.apps.upgrade.engine.data import acting_as, owner_of
from fazt.apps.upgrade.engine.running import run_program
from fazt.apps.upgrade.model import Control
from fazt.core.config import Config, parse_optional_address, read_config
from fazt.core.errors import Conflict, FaztError, Unavailable
from fazt.core.instance import is_running, socket_path
from fazt.core.systemd import NAME, find_unit, find_variables

COMMAND_S = 180.0
STOPPED_S = 60.0
ASK_S = 5.0
POLL_S = 0.1
AMBIENT = "AmbientCapabilities="
SYSTEMD = Control(("systemctl", "stop", NAME), ("systemctl", "start", "--no-block", NAME))
"""Starting is queued and then looked after: a unit that never gets ready would hold whoever waits for it."""


@dataclass(frozen=True, slots=True)
class Service:
    """What runs the program here: its options, how it is stopped and started, and its right to low ports."""

    config: Config
    control: Control
    ports: Ports
    address: str = ""


def find_options(data: str | None) -> dict[str, str]:
    """The variables of the service, where systemd runs it and no other file is asked for."""
    return {} if data or os.environ.get("FAZT_DATA") else find_variables()


def find_config(data: str | None) -> Config:
    """The configuration that the service has, else that of this command."""
    options = find_options(data)
    return read_config({"data": data}, options) if options else read_config({"data": data})


def find_service(data: str | None, stop: str, start: str) -> Service:
    """What runs here. Raises Conflict for a server that nobody says how to stop."""
    unit = find_unit()
    options = find_options(data)
    config = find_config(data)
    control = Control(tuple(shlex.split(stop)), tuple(shlex.split(start)))
    if unit and not control.is_there:
        control = SYSTEMD
    check_stoppable(config, control)
    listens = (config.listen, config.https_listen, config.smtp_listen, config.turn_listen)
    ports = tuple(address.port for address in listens if address is not None) if unit else ()
    is_root = bool(unit) and not any(line.startswith("User=") for line in unit.splitlines())
    return Service(
        config,
        control,
        Ports(gives_ports(unit), is_root, ports),
        options.get("FAZT_LISTEN", os.environ.get("FAZT_LISTEN", "")),
    )


def gives_ports(unit: str) -> bool:
    """Whether a unit lets its program use ports below 1024."""
    lines = [line.partition("=")[2] for line in unit.splitlines() if line.startswith(AMBIENT)]
    return any("CAP_NET_BIND_SERVICE" in line.upper() for line in lines)


def check_stoppable(config: Config, control: Control) -> None:
    """Raises Conflict where something runs that nobody says how to stop, or that would end this command with it."""
    if control == SYSTEMD and is_inside_service():
        raise Conflict(
            "This command runs inside the service that it would stop.",
            hint="Run it from a shell of your own, or with: sudo systemd-run --pipe --wait fazt upgrade",
        )
    data = config.data
    with acting_as(owner_of(data)):
        runs = is_running(data)
    if runs and not control.is_there:
        raise Conflict(
            f"A fazt serves {data}, and is no service of systemd.",
            hint="Stop it first, or say how with --stop-command and --start-command.",
        )


def is_inside_service() -> bool:
    """Whether this process belongs to the unit."""
    with suppress(OSError):
        return f"/{NAME}.service" in Path("/proc/self/cgroup").read_text()
    return False


def stop(control: Control, data: Path) -> None:
    """Stop the service, and wait until it has let go of the file. Raises Unavailable where it does not."""
    if control.stop:
        run_program(control.stop, timeout_s=COMMAND_S)
    end = time.monotonic() + STOPPED_S
    while runs_on(data):
        if time.monotonic() > end:
            raise Unavailable(f"The program that serves {data} has not stopped.", hint="Stop it, and try again.")
        time.sleep(POLL_S)


def start(control: Control) -> None:
    """Have the service start; it is looked after by `probe`. Raises Unavailable."""
    if control.start:
        run_program(control.start, timeout_s=COMMAND_S)


def runs_on(data: Path) -> bool:
    """Whether a program holds the file."""
    with acting_as(owner_of(data)):
        return data.parent.exists() and is_running(data)


def probe(data: Path, version: str, *, address: str, wait_s: float) -> str:
    """Wait until that version serves the file and says it is well; what is wrong where it does not, or nothing."""
    with acting_as(owner_of(data)):
        socket = str(socket_path(data))
    end, wrong = time.monotonic() + wait_s, ""
    while True:
        wrong = ask(socket, version, address)
        if not wrong or time.monotonic() > end:
            return wrong
        time.sleep(POLL_S)


def rehearse(data: Path, address: str) -> None:
    """Ask once, whatever the answer: what asking needs is loaded while this version's libraries are still there."""
    with acting_as(owner_of(data)):
        socket = str(socket_path(data))
    ask(socket, "", address)


def ask(socket: str, version: str, address: str) -> str:
    """One look: through the local socket, and at the port where it is known. Empty when all is well."""
    try:
        with httpx.Client(transport=httpx.HTTPTransport(uds=socket), timeout=ASK_S, trust_env=False) as client:
            health = client.get("http://localhost/health")
        if health.status_code != httpx.codes.OK:
            return f"it says {health.status_code}: {health.text[:200]}"
        serves = str(health.json().get("version", ""))
        if serves != version:
            return f"fazt {serves} answers"
        url = to_url(address)
        if url:
            httpx.get(url, timeout=ASK_S, trust_env=False).raise_for_status()
    except (httpx.HTTPError, ValueError, AttributeError) as error:
        return f"it does not answer ({error or type(error).__name__})"
    return ""


def to_url(address: str) -> str:
    """Where `/health` is to be asked from this machine; empty where the port is not known."""
    try:
        found = parse_optional_address(address, "FAZT_LISTEN")
    except FaztError:
        return ""
    if found is None or not found.port:
        return ""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(found.host, found.host)  # noqa: S104 - compared, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{found.port}/health"
