"""What the benchmarks share: peers as child processes, wrk as the load, medians of turns."""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROUNDS = int(os.environ.get("FAZT_BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("FAZT_BENCH_SECONDS", "3"))
CONNECTIONS = 32


class Load(NamedTuple):
    """What one run of wrk showed."""

    rate: float
    p50_ms: float
    p99_ms: float


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_program(name: str, package: str = "") -> str:
    """On the PATH, beside this Python, or where Debian keeps daemons; the benchmark ends where it is missing."""
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=folders)
    if not found:
        sys.exit(f"This benchmark needs {name} (package {package or name}); `make prepare-test` installs it.")
    return found


def wait_for(port: int, host: str = "127.0.0.1") -> None:
    """Until somebody listens."""
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


@contextmanager
def child(*command: str, **options: str) -> Iterator[int]:
    """A peer for the length of a block; its process id."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **options}
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def run_wrk(url: str, *, host: str = "", script: Path | None = None, connections: int = CONNECTIONS) -> Load:
    """One run of wrk; every answer has to be a 2xx or 3xx."""
    command = [find_program("wrk"), "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency"]
    command += ["-H", f"Host: {host}"] if host else []
    command += ["-s", str(script)] if script else []
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in said, said
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert rate, said
    return Load(float(rate[1]), percentile(said, 50), percentile(said, 99))


def percentile(said: str, share: int) -> float:
    """One line of wrk's distribution, in ms."""
    found = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", said)
    assert found, said
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def compare(what: str, runs: Mapping[str, Callable[[], Load]], against: str) -> dict[str, Load]:
    """Run all in turns, print medians and the ratios to `against`; the medians."""
    rounds: dict[str, list[Load]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            rounds[name].append(run())
    medians = {
        name: Load(*(statistics.median(values) for values in zip(*found, strict=True)))
        for name, found in rounds.items()
    }
    print(f"\n{what}, medians of {ROUNDS} rounds of {SECONDS} s")
    for name, load in medians.items():
        ratio = load.rate / medians[against].rate
        times = f"p50 {load.p50_ms:7.2f}  p99 {load.p99_ms:7.2f} ms"
        print(f"  {name:12} {load.rate:9,.0f}/s  {ratio:5.2f} x {against}  {times}")
    return medians
