"""The real program as a subprocess: start, talk to, kill, start again."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from click.testing import CliRunner, Result

from fazt.cli import cli

SRC = Path(__file__).parents[1] / "src"
OWNER_EMAIL = "owner@example.org"
OWNER_PASSWORD = "correct horse battery"
READY_S = 60.0


class Program:
    """`with Program(folder) as program:` serves a cloud of its own on a free port of loopback."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.data = folder / "data.db"
        self.arguments = arguments
        self.environment = environment
        self.prefix: list[str] = []
        """Words before the command, to run it under another program."""
        self.process: subprocess.Popen[str] | None = None
        self.port = 0
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()

    @property
    def url(self) -> str:
        """The dashboard's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that the program has said on standard error."""
        return "".join(self.lines)

    def environ(self) -> dict[str, str]:
        """The environment of the program and its commands."""
        return {
            **{key: value for key, value in os.environ.items() if not key.startswith("FAZT_")},
            "PYTHONPATH": str(SRC),
            "FAZT_OWNER_EMAIL": OWNER_EMAIL,
            "FAZT_OWNER_PASSWORD": OWNER_PASSWORD,
            "FAZT_DATA": str(self.data),
            **self.environment,
        }

    def start(self) -> None:
        """Start, and wait until `/health` answers. A restart keeps the port."""
        listen = f"127.0.0.1:{self.port}"
        command = [*self.prefix, sys.executable, "-m", "fazt", "serve", "--listen", listen, *self.arguments]
        self.process = subprocess.Popen(command, env=self.environ(), stderr=subprocess.PIPE, text=True)
        announced = threading.Event()
        threading.Thread(target=self._read, args=(self.process, announced), daemon=True).start()
        if not announced.wait(READY_S):
            self.kill()  # nobody else would: `with` has not begun
            raise AssertionError(f"not started: {self.log}")
        assert self.process.poll() is None, f"ended at once: {self.log}"

    def _read(self, process: subprocess.Popen[str], announced: threading.Event) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self.lines.append(line)
            found = re.search(r"^fazt serves .* at http://[^/]*:(\d+)$", line.strip())
            if found:
                self.port = int(found[1])
                announced.set()
        process.stderr.close()
        announced.set()

    def stop(self) -> int:
        """SIGTERM, and wait for the end; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()  # does nothing to one that has ended

    def kill(self) -> None:
        """SIGKILL, at this very moment."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def run(self, *arguments: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        """A `fazt` command on this cloud's file."""
        command = [sys.executable, "-m", "fazt", *arguments]
        done = subprocess.run(command, env=self.environ(), capture_output=True, text=True, check=False, **options)
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def call(self, *arguments: str, check: bool = True, typed: str = "") -> Result:
        """As `run`, in this process: Python and all imports need not be started again."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in a process of its own, where nobody makes them errors
            done = CliRunner().invoke(cli, arguments, input=typed or None, env=self.environ())
        assert not check or done.exit_code == 0, f"{arguments}: {done.output} {done.exception!r}"
        return done

    def client(self, **options: Any) -> httpx.Client:
        """An httpx client without credentials."""
        return httpx.Client(base_url=self.url, timeout=30, **options)

    def owner(self, **options: Any) -> httpx.Client:
        """An httpx client that is the owner (by HTTP Basic)."""
        return self.client(auth=(OWNER_EMAIL, OWNER_PASSWORD), **options)


def free_port() -> int:
    """A port of loopback that nobody uses at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def wait_until(condition: Any, timeout_s: float = 10.0, what: str = "the condition") -> Any:
    """Ask `condition()` until it is true; its value. Fails after `timeout_s`."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < end, f"{what} did not come true in {timeout_s} s"
        threading.Event().wait(0.01)
    return value


@contextmanager
def running_program(folder: Path, *arguments: str, **environment: str) -> Iterator[Program]:
    """A Program for the length of a block."""
    with Program(folder, *arguments, **environment) as program:
        yield program
