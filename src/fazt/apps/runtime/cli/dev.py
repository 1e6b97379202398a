"""`fazt dev DIR`: a cloud of its own for one folder, deployed anew after each change; open pages reload."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fazt.core.errors import Unavailable

if TYPE_CHECKING:
    from fazt.apps.runtime.cli.dev_proxy import LiveProxy

POLL_S = 0.3
START_S = 30.0
SKIPPED = {".git", "node_modules", ".fazt", "__pycache__"}


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--port", default=4690, show_default=True, help="Where to serve it, on this machine.")
@click.option("--name", default="dev", show_default=True, help="The name that the site has meanwhile.")
@click.option("--keep", is_flag=True, help="Keep what db holds from one time to the next, in DIR/.fazt.")
def dev(folder: Path, port: int, name: str, *, keep: bool) -> None:
    """Serve a folder with code, anew after each change.

    It runs as it will on the cloud. All scopes that fazt.json asks for are granted; pages reload by themselves.
    """
    from fazt.apps.runtime.cli.dev_proxy import LiveProxy  # noqa: PLC0415 - uvicorn, which `fazt --help` need not load

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # either way, the cloud ends with this command
    with dev_home(folder, keep=keep) as home, dev_cloud(home) as inner_port:
        proxy = LiveProxy(f"http://127.0.0.1:{inner_port}", f"{name}.localhost", port)
        with proxy.running():
            click.echo(f"http://localhost:{port} shows {folder}. Ctrl-C ends it.")
            with suppress(KeyboardInterrupt), followed_log(home, name):
                watch(folder, home, name, proxy)


@contextmanager
def dev_home(folder: Path, *, keep: bool) -> Iterator[Path]:
    """Where the cloud of this folder keeps its file."""
    if keep:
        home = folder / ".fazt"
        home.mkdir(exist_ok=True)
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="fazt-dev-") as temporary:
        yield Path(temporary)


def environment(home: Path) -> dict[str, str]:
    """What the cloud and the commands on it are given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FAZT_")}
    owner = {"FAZT_OWNER_EMAIL": "dev@example.org", "FAZT_OWNER_PASSWORD": secrets.token_urlsafe(16)}
    return {**kept, **owner, "FAZT_DATA": str(home / "data.db"), "FAZT_LOG_LEVEL": "error"}


def command(*arguments: str) -> list[str]:
    """A command of this same program."""
    own = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "fazt"]
    return [*own, *arguments]


@contextmanager
def dev_cloud(home: Path) -> Iterator[int]:
    """A cloud on a free port; which that is. Raises Unavailable where it does not start."""
    process = subprocess.Popen(
        command("serve", "--listen", "127.0.0.1:0"), env=environment(home), stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        port = said.strip().rpartition(":")[2]
        if not port.isdigit():
            raise Unavailable(f"The cloud did not start: {said.strip()}")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield int(port)
    finally:
        process.terminate()
        process.wait(START_S)


def watch(folder: Path, home: Path, name: str, proxy: LiveProxy) -> None:
    """Deploy the folder now, and whenever something in it changes."""
    seen: dict[str, float] = {}
    while True:
        now = look_at(folder)
        if now != seen:
            seen = now
            if deploy(folder, home, name):
                proxy.reload()
        time.sleep(POLL_S)


def look_at(folder: Path) -> dict[str, float]:
    """When each file was changed."""
    found = {}
    for here, folders, names in os.walk(folder):
        folders[:] = [entry for entry in folders if entry not in SKIPPED]
        for entry in names:
            path = Path(here) / entry
            with suppress(OSError):
                found[str(path)] = path.stat().st_mtime
    return found


def deploy(folder: Path, home: Path, name: str) -> bool:
    """Put the folder up; whether that went well. What is wrong is said."""
    done = subprocess.run(
        command("deploy", str(folder), "--name", name, "--grant"),
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    said = (done.stderr if done.returncode else "").strip()
    click.echo(said or f"{time.strftime('%H:%M:%S')} deployed", err=bool(said))
    return done.returncode == 0


@contextmanager
def followed_log(home: Path, name: str) -> Iterator[None]:
    """Print what the code says, inside the block."""
    ended = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def follow() -> None:
        while not ended.is_set():
            arguments = command("logs", name, "-f", "-n", "0")
            running[:] = [subprocess.Popen(arguments, env=environment(home), stderr=subprocess.DEVNULL)]
            running[0].wait()
            ended.wait(1)

    threading.Thread(target=follow, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        for process in running:
            process.terminate()
            process.wait(START_S)
